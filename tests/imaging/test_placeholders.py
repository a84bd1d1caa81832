"""Cells that stand for a picture, decoded as a terminal does it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from vae_tui.imaging.placeholders import (
    MARKS,
    delete_placed,
    number_picture,
    transmit_placed,
    write_row,
)


def unwrap(sent: str) -> str:
    """What tmux hands on."""
    assert re.fullmatch(r"(\x1bPtmux;(?:[^\x1b]|\x1b\x1b)*\x1b\\)*", sent, re.DOTALL)
    return "".join(re.findall(r"\x1bPtmux;((?:[^\x1b]|\x1b\x1b)*)\x1b\\", sent)).replace("\x1b\x1b", "\x1b")


@pytest.mark.parametrize("shape", [(28, 28, 1), (300, 200, 3)])
def test_pixels_come_through_tmux_as_they_were(decode_kitty: Any, shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    keys, shown = decode_kitty(unwrap(transmit_placed(7, pixels, rows=5, columns=9)))
    assert np.array_equal(shown, np.broadcast_to(pixels, (*shape[:2], 3)))
    assert {"a": "T", "U": "1", "i": "7", "r": "5", "c": "9", "q": "2"}.items() <= keys.items()


def test_a_row_of_cells_says_number_and_row() -> None:
    number = number_picture(241)
    row = write_row(number, 2, 3, "48;5;233")
    assert row == (f"\x1b[38;5;{number & 255};48;5;233m\U0010eeee\u030e\u0305\u030d\U0010eeee\U0010eeee\x1b[m")
    assert number >> 24 == 1


def test_numbers_differ_in_ink_and_mark_and_use_none_of_the_sixteen_colours() -> None:
    numbers = [number_picture(count) for count in range(240 * 256)]
    assert len(set(numbers)) == len(numbers)
    assert all((number & 0xFF) >= 16 and not number & 0xFFFF00 for number in numbers)
    assert number_picture(240 * 256) == number_picture(0)


def test_marks_are_enough_for_any_screen() -> None:
    assert len(MARKS) == 297


def test_pictures_are_deleted_by_number(split_kitty: Any) -> None:
    assert [keys["i"] for keys, _ in split_kitty(unwrap(delete_placed([3, 9])))] == ["3", "9"]
    assert delete_placed([]) == ""
