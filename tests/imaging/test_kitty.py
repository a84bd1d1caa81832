"""Kitty's graphics, decoded by a small terminal of our own."""

from __future__ import annotations

import base64
import re
import zlib

import numpy as np
import pytest

from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.kitty import delete_pictures, place_picture, transmit_picture


def commands(sent: str) -> list[tuple[dict[str, str], str]]:
    """The keys and the payload of each command; nothing else may be in between."""
    found = re.findall(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\", sent)
    assert "".join(f"\x1b_G{keys}{';' if data else ''}{data}\x1b\\" for keys, data in found) == sent
    return [(dict(pair.split("=") for pair in keys.split(",")), data) for keys, data in found]


def decode(sent: str) -> tuple[dict[str, str], Pixels]:
    chunks = commands(sent)
    assert all(len(data) <= 4096 and (len(data) % 4 == 0 or keys["m"] == "0") for keys, data in chunks)
    assert [keys["m"] for keys, _ in chunks] == ["1"] * (len(chunks) - 1) + ["0"]
    assert all(set(keys) <= {"m", "q"} for keys, _ in chunks[1:])
    keys = chunks[0][0]
    assert (keys["f"], keys["o"]) == ("24", "z")
    content = zlib.decompress(base64.b64decode("".join(data for _, data in chunks)))
    return keys, np.frombuffer(content, np.uint8).reshape(int(keys["v"]), int(keys["s"]), 3)


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 20, 3), (300, 200, 3)])
def test_pixels_come_back_as_they_were(shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    keys, shown = decode(transmit_picture(7, pixels, rows=5, columns=9))
    assert np.array_equal(shown, np.broadcast_to(pixels, (*shape[:2], 3)))
    expected = {"a": "T", "i": "7", "r": "5", "c": "9", "C": "1", "q": "2"}
    assert expected.items() <= keys.items()


def test_a_digit_is_a_kilobyte() -> None:
    digit = np.zeros((28, 28, 1), np.uint8)
    digit[6:22, 10:16] = np.random.default_rng(0).integers(0, 256, (16, 6, 1))
    assert len(transmit_picture(1, digit, rows=10, columns=20)) < 1024


def test_pictures_are_moved_and_deleted_by_number_without_an_answer() -> None:
    assert commands(place_picture(3, rows=2, columns=4)) == [
        ({"a": "p", "q": "2", "i": "3", "p": "1", "c": "4", "r": "2", "C": "1"}, "")
    ]
    assert [keys["i"] for keys, _ in commands(delete_pictures([3, 9]))] == ["3", "9"]
    assert all((keys["d"], keys["q"]) == ("I", "2") for keys, _ in commands(delete_pictures([3])))
    assert delete_pictures([]) == ""
