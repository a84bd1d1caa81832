"""The colours that terminals number, as xterm has them, and pixels brought to the nearest of them."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from vae_tui.imaging.grid import Pixels

_LEVELS = np.array([0, 95, 135, 175, 215, 255])
"""The levels of each channel in the 6 x 6 x 6 cube that is colours 16 to 231 of 256."""
_RAMP = np.arange(8, 239, 10)
"""Colours 232 to 255."""
# fmt: off
SIXTEEN = np.array([
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255),
], np.uint8)
# fmt: on
"""Colours 0 to 15, (16, 3); users may have chosen others."""


@cache
def numbered() -> NDArray[np.uint8]:
    """The 256 colours of a terminal by number, (256, 3)."""
    red, green, blue = np.meshgrid(_LEVELS, _LEVELS, _LEVELS, indexing="ij")
    cube = np.stack([red, green, blue], axis=-1).reshape(216, 3)
    return np.concatenate([SIXTEEN, cube, _RAMP.repeat(3).reshape(24, 3)]).astype(np.uint8)


def to_greys(pixels: Pixels) -> Pixels:
    """The nearest of the 26 greys that have a number among 256, for pixels (..., 1) or grey (..., 3)."""
    greys: Pixels = _nearest_grey()[pixels]
    return greys


def to_256(pixels: Pixels) -> Pixels:
    """The nearest of colours 16 to 255 for each pixel of (..., C), C 1 or 3; returns (..., 3)."""
    if pixels.shape[-1] == 1:
        return np.broadcast_to(to_greys(pixels), (*pixels.shape[:-1], 3))
    in_cube = _nearest_level()[pixels]
    mean = pixels.mean(axis=-1, keepdims=True).round().astype(np.uint8)
    grey = np.broadcast_to(to_greys(mean), pixels.shape)
    wanted = pixels.astype(np.int32)
    errors = [((shown.astype(np.int32) - wanted) ** 2).sum(axis=-1, keepdims=True) for shown in (grey, in_cube)]
    nearest: Pixels = np.where(errors[0] < errors[1], grey, in_cube)
    return nearest


def to_16(pixels: Pixels) -> Pixels:
    """The nearest of the first sixteen colours for each pixel of (..., C), C 1 or 3; returns (..., 3)."""
    wide = np.broadcast_to(pixels, (*pixels.shape[:-1], 3)).astype(np.int32)
    distance = ((wide[..., None, :] - SIXTEEN.astype(np.int32)) ** 2).sum(axis=-1)
    nearest: Pixels = SIXTEEN[distance.argmin(axis=-1)]
    return nearest


@cache
def _nearest_level() -> NDArray[np.uint8]:
    levels: Pixels = _LEVELS[np.abs(np.arange(256)[:, None] - _LEVELS).argmin(axis=1)].astype(np.uint8)
    return levels


@cache
def _nearest_grey() -> NDArray[np.uint8]:
    greys = np.array([0, *_RAMP, 255])
    nearest: Pixels = greys[np.abs(np.arange(256)[:, None] - greys).argmin(axis=1)].astype(np.uint8)
    return nearest
