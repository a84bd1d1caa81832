from __future__ import annotations

import pytest

from vae_tui.errors import DataError
from vae_tui.walk.classes import find_class, split_next


def test_names_that_are_numbers_are_names_and_not_indexes() -> None:
    assert find_class("7", ("3", "7")) == 1
    with pytest.raises(DataError, match="no class '1'"):
        find_class("1", ("3", "7"))
    with pytest.raises(DataError, match="no classes"):
        find_class("1", ())


@pytest.mark.parametrize(("text", "wanted"), [("next:4", "4"), (" next: a b ", "a b"), ("next:", "")])
def test_the_next_image_of_a_class_is_named_so(text: str, wanted: str) -> None:
    assert split_next(text) == wanted


@pytest.mark.parametrize("text", ["4", "next", "class:next", "class:4", "A - next:4", ""])
def test_other_places_are_not(text: str) -> None:
    assert split_next(text) is None
