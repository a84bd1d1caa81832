"""Pixels brought to the nearest of the colours that a terminal has."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from vae_tui.imaging.colors import LEVELS, RAMP, SIXTEEN
from vae_tui.imaging.grid import Pixels

_THRESHOLDS = (np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) + 0.5) / 16 - 0.5
_APART = 80
"""Levels that thresholds spread over: sixteen colours are some so far apart."""
_LEVELS, _RAMP, _SIXTEEN = np.array(LEVELS), np.array(RAMP), np.array(SIXTEEN, np.uint8)


def to_grays(pixels: Pixels) -> Pixels:
    """The nearest of the 26 greys that have a number among 256, for pixels (..., 1) or gray (..., 3)."""
    greys: Pixels = _nearest_gray()[pixels]
    return greys


def to_256(pixels: Pixels) -> Pixels:
    """The nearest of colours 16 to 255 for each pixel of (..., C), C 1 or 3; returns (..., 3)."""
    if pixels.shape[-1] == 1:
        return np.broadcast_to(to_grays(pixels), (*pixels.shape[:-1], 3))
    in_cube = _nearest_level()[pixels]
    mean = pixels.mean(axis=-1, keepdims=True).round().astype(np.uint8)
    gray = np.broadcast_to(to_grays(mean), pixels.shape)
    wanted = pixels.astype(np.int32)
    errors = [((shown.astype(np.int32) - wanted) ** 2).sum(axis=-1, keepdims=True) for shown in (gray, in_cube)]
    nearest: Pixels = np.where(errors[0] < errors[1], gray, in_cube)
    return nearest


def to_16(pixels: Pixels) -> Pixels:
    """The nearest of the first sixteen colours for each pixel of (..., C), C 1 or 3; returns (..., 3)."""
    wide = np.broadcast_to(pixels, (*pixels.shape[:-1], 3)).astype(np.int32)
    distance = ((wide[..., None, :] - _SIXTEEN.astype(np.int32)) ** 2).sum(axis=-1)
    nearest: Pixels = _SIXTEEN[distance.argmin(axis=-1)]
    return nearest


def dither_to_16(pixels: Pixels) -> Pixels:
    """Pixels (H, W, C), C 1 or 3, in the first sixteen colours, mixed so that from afar they are nearer to what they were.

    Each pixel is moved by a threshold that depends on its place before it goes to the nearest colour (ordered dithering; Bayer,
    An Optimum Method for Two-Level Rendition of Continuous-Tone Pictures, 1973). Returns (H, W, 3).
    """
    height, width = pixels.shape[:2]
    moves = np.tile(_THRESHOLDS, (-(-height // 4), -(-width // 4)))[:height, :width, None] * _APART
    return to_16(np.clip(pixels + moves, 0, 255).round().astype(np.uint8))


@cache
def _nearest_level() -> NDArray[np.uint8]:
    levels: Pixels = _LEVELS[np.abs(np.arange(256)[:, None] - _LEVELS).argmin(axis=1)].astype(np.uint8)
    return levels


@cache
def _nearest_gray() -> NDArray[np.uint8]:
    greys = np.array([0, *_RAMP, 255])
    nearest: Pixels = greys[np.abs(np.arange(256)[:, None] - greys).argmin(axis=1)].astype(np.uint8)
    return nearest
