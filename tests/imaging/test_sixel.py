"""Sixel sequences, decoded as a terminal does it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.sixel import encode_sixel

Decode = Callable[[str], Pixels]


@pytest.mark.parametrize("shape", [(28, 28), (12, 40), (7, 5), (1, 1), (61, 33)])
def test_greys_come_back_as_near_as_percents_can_say_them(decode_sixel: Decode, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 1), np.uint8)
    drawn = decode_sixel(encode_sixel(pixels))
    assert (drawn[..., 3] == 255).all()
    assert np.abs(drawn[..., :3].astype(int) - pixels).max() <= 2


def test_a_picture_of_few_colours_keeps_them(decode_sixel: Decode) -> None:
    random = np.random.default_rng(1)
    colors = random.integers(0, 256, (200, 3), np.uint8)
    pixels = colors[random.integers(0, 200, (50, 70))]
    assert np.abs(decode_sixel(encode_sixel(pixels))[..., :3].astype(int) - pixels).max() <= 2


def test_a_picture_of_many_colours_gets_the_256_that_suit_it(decode_sixel: Decode) -> None:
    rows, columns = np.mgrid[:90, :120]
    pixels = np.stack([rows * 2, columns * 2, (rows + columns)], axis=-1).astype(np.uint8)
    drawn = decode_sixel(encode_sixel(pixels))
    assert np.abs(drawn[..., :3].astype(int) - pixels).mean() < 6


def test_what_repeats_is_counted(decode_sixel: Decode) -> None:
    large = np.zeros((600, 600, 1), np.uint8)
    assert len(encode_sixel(large)) < 1000
    assert np.array_equal(decode_sixel(encode_sixel(large))[..., 0], large[..., 0])


@pytest.mark.slow
def test_a_picture_too_large_for_one_array_is_whole(decode_sixel: Decode) -> None:
    pixels = np.random.default_rng(2).integers(0, 101, (300, 900, 1), np.uint8) * 2
    assert np.abs(decode_sixel(encode_sixel(pixels))[..., :1].astype(int) - pixels).max() <= 2
