"""Kitty's graphics, decoded as a terminal does it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vae_tui.imaging.kitty import delete_pictures, place_picture, transmit_picture


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 20, 3), (300, 200, 3)])
def test_pixels_come_back_as_they_were(decode_kitty: Any, shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    keys, shown = decode_kitty(transmit_picture(7, pixels, rows=5, columns=9))
    assert np.array_equal(shown, np.broadcast_to(pixels, (*shape[:2], 3)))
    expected = {"a": "T", "i": "7", "r": "5", "c": "9", "C": "1", "q": "2"}
    assert expected.items() <= keys.items()


def test_a_digit_is_a_kilobyte() -> None:
    digit = np.zeros((28, 28, 1), np.uint8)
    digit[6:22, 10:16] = np.random.default_rng(0).integers(0, 256, (16, 6, 1))
    assert len(transmit_picture(1, digit, rows=10, columns=20)) < 1024


def test_pictures_are_moved_and_deleted_by_number_without_an_answer(split_kitty: Any) -> None:
    assert split_kitty(place_picture(3, rows=2, columns=4)) == [
        ({"a": "p", "q": "2", "i": "3", "p": "1", "c": "4", "r": "2", "C": "1"}, "")
    ]
    assert [keys["i"] for keys, _ in split_kitty(delete_pictures([3, 9]))] == ["3", "9"]
    assert all((keys["d"], keys["q"]) == ("I", "2") for keys, _ in split_kitty(delete_pictures([3])))
    assert delete_pictures([]) == ""
