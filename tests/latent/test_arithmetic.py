from __future__ import annotations

import numpy as np
import pytest

from vae_tui.errors import VaeTuiError
from vae_tui.latent.arithmetic import calculate

_PLACES = {"A": [1.0, 0.0], "B": [0.0, 2.0], "z": [5.0, 5.0], "T-shirt": [7.0, 0.0]}


def _sum(text: str) -> list[float]:
    return calculate(text, lambda name: np.array(_PLACES[name], np.float32)).tolist()


def test_terms_are_added_up() -> None:
    assert _sum("A - B + z") == [6, 3]
    assert _sum("- A + 0.5 * T-shirt") == [2.5, 0]


def test_spaces_may_be_left_out_between_single_letters_only() -> None:
    assert _sum("A-B+z") == [6, 3]
    assert _sum("T-shirt - A") == [6, 0]
    assert _sum("T-shirt - A-z") == [1, -5]


@pytest.mark.parametrize("text", ["", "A -"])
def test_what_is_no_sum_is_refused(text: str) -> None:
    with pytest.raises(VaeTuiError, match="is no sum"):
        _sum(text)
