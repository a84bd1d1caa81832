"""Colours that a terminal has, in place of those that a picture has."""

from __future__ import annotations

import numpy as np
import pytest

from vae_tui.imaging.colors import SIXTEEN
from vae_tui.imaging.palette import dither_to_16, to_16


@pytest.mark.parametrize("channels", [1, 3])
def test_dithered_pictures_have_sixteen_colours(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, channels), np.uint8)
    shown = dither_to_16(pixels)
    assert shown.shape == (9, 7, 3)
    assert {tuple(color) for color in shown.reshape(-1, 3).tolist()} <= set(SIXTEEN)


def test_from_afar_they_are_nearer_to_what_they_were() -> None:
    ramp = np.linspace(0, 255, 128).astype(np.uint8)[None, :, None].repeat(16, 0)

    def from_afar(pixels: np.ndarray) -> np.ndarray:
        return pixels.mean(2).reshape(4, 4, 32, 4).mean((1, 3))

    errors = [np.abs(from_afar(shown) - from_afar(ramp)).mean() for shown in (dither_to_16(ramp), to_16(ramp))]
    assert errors[0] < 0.7 * errors[1]


def test_black_stays_black_and_a_picture_the_same() -> None:
    assert (dither_to_16(np.zeros((8, 8, 1), np.uint8)) == 0).all()
    pixels = np.random.default_rng(1).integers(0, 256, (8, 8, 3), np.uint8)
    assert np.array_equal(dither_to_16(pixels), dither_to_16(pixels))
