"""Sixel sequences, decoded by a small terminal of our own."""

from __future__ import annotations

import re

import numpy as np
import pytest

from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.sixel import encode_sixel


def decode(sequence: str) -> Pixels:
    """What a terminal draws, (H, W, 4): the fourth channel is 255 where something is drawn."""
    parts = re.fullmatch(r'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*)\x1b\\', sequence)
    assert parts is not None
    width, height, data = int(parts[1]), int(parts[2]), parts[3]
    drawn = np.zeros((-(-height // 6) * 6, width, 4), np.uint8)
    palette: dict[int, tuple[int, ...]] = {}
    register = x = y = 0
    for token in re.finditer(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)(.)|([$-])|([?-~])", data):
        number, red, green, blue, times, repeated, control, single = token.groups()
        if number is not None:
            register = int(number)
            if red is not None:
                percents = (int(red), int(green), int(blue))
                assert max(percents) <= 100
                palette[register] = (*(round(percent * 2.55) for percent in percents), 255)
        elif control is not None:
            x, y = 0, y + 6 * (control == "-")
        else:
            bits = ord(repeated or single) - 63
            count = int(times or 1)
            for row in range(6):
                if bits >> row & 1:
                    drawn[y + row, x : x + count] = palette[register]
            x += count
            assert x <= width
    assert "".join(token[0] for token in re.finditer(r"[#!$?-~0-9;-]+", data)) == data
    assert max(palette) < 256
    assert not drawn[height:].any(), "drawn below the last row"
    return drawn[:height]


@pytest.mark.parametrize("shape", [(28, 28), (12, 40), (7, 5), (1, 1), (61, 33)])
def test_greys_come_back_as_near_as_percents_can_say_them(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 1), np.uint8)
    drawn = decode(encode_sixel(pixels))
    assert (drawn[..., 3] == 255).all()
    assert np.abs(drawn[..., :3].astype(int) - pixels).max() <= 2


def test_a_picture_of_few_colours_keeps_them() -> None:
    random = np.random.default_rng(1)
    colors = random.integers(0, 256, (200, 3), np.uint8)
    pixels = colors[random.integers(0, 200, (50, 70))]
    assert np.abs(decode(encode_sixel(pixels))[..., :3].astype(int) - pixels).max() <= 2


def test_a_picture_of_many_colours_gets_the_256_that_suit_it() -> None:
    rows, columns = np.mgrid[:90, :120]
    pixels = np.stack([rows * 2, columns * 2, (rows + columns)], axis=-1).astype(np.uint8)
    drawn = decode(encode_sixel(pixels))
    assert np.abs(drawn[..., :3].astype(int) - pixels).mean() < 6


def test_what_repeats_is_counted() -> None:
    large = np.zeros((600, 600, 1), np.uint8)
    assert len(encode_sixel(large)) < 1000
    assert np.array_equal(decode(encode_sixel(large))[..., 0], large[..., 0])


def test_a_picture_too_large_for_one_array_is_whole() -> None:
    pixels = np.random.default_rng(2).integers(0, 101, (300, 900, 1), np.uint8) * 2
    assert np.abs(decode(encode_sixel(pixels))[..., :1].astype(int) - pixels).max() <= 2
