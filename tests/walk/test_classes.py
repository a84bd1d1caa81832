from __future__ import annotations

import pytest

from vae_tui.errors import DataError
from vae_tui.walk.classes import find_class


def test_names_that_are_numbers_are_names_and_not_indexes() -> None:
    assert find_class("7", ("3", "7")) == 1
    with pytest.raises(DataError, match="no class '1'"):
        find_class("1", ("3", "7"))
    with pytest.raises(DataError, match="no classes"):
        find_class("1", ())
