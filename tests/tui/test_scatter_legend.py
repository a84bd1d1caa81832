"""The legend of the scatter: every class where there is room, the one that is lit up in any case."""

from __future__ import annotations

from vae_tui.tui.widgets.scatter_legend import lay_out_legend

CLOTHES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def texts(names: list[str], width: int, rows: int, *, signs: str = "", lit: int | None = None) -> list[str]:
    found = lay_out_legend(names, list(signs) or [""] * len(names), width, rows, lit)
    return ["".join(text for _, text in row) for row in found]


def test_names_that_fit_stand_in_one_row() -> None:
    assert texts(["a", "bc"], 20, 2) == [" a  bc "]
    assert texts([], 20, 2) == []


def test_longer_names_stand_whole_in_two_rows() -> None:
    above, below = texts(CLOTHES, 60, 2)
    assert above.split() + below.split() == [part for name in CLOTHES for part in name.split()]
    assert max(len(above), len(below)) <= 60


def test_where_whole_names_have_no_room_all_are_shortened_alike() -> None:
    (row,) = texts(CLOTHES, 60, 1)
    assert row.split() == ["T-sh", "Trou", "Pull", "Dres", "Coat", "Sand", "Shir", "Snea", "Bag", "Ankl"]


def test_of_too_many_classes_the_one_that_is_lit_up_is_there() -> None:
    names = [f"class {index}" for index in range(100)]
    assert texts(names, 40, 1) == [" class 0  class 1  class 2  class 3 "], "shorter they would be the same"
    assert texts(names, 40, 1, lit=70) == [" class 0  class 1  class 2  class 70 "]
    assert texts(names, 40, 1, lit=1) == texts(names, 40, 1)


def test_signs_stand_before_names_that_they_are_not() -> None:
    assert texts(["circle", "1"], 30, 1, signs="01") == [" 0=circle  1 "]


def test_where_there_is_no_room_at_all_there_is_no_legend() -> None:
    assert texts(["long name"], 4, 1) == []
