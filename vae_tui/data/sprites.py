"""The sprites: a square, an ellipse and a heart, in every size, turn and place, drawn when they are asked for.

The factors are those of dSprites (Matthey et al., 2017, https://github.com/google-deepmind/dsprites-dataset); the
drawing is our own, with soft edges, so figures need not agree with figures on that data set to the last digit. As there,
a turn can look like another: a square by a quarter, an ellipse by a half.
"""

from __future__ import annotations

import hashlib
import math
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data.progress import Progress
from vae_tui.data.sets import PackedImages, StoredSets
from vae_tui.data.streamed import StreamedPixels
from vae_tui.errors import DataError

SHAPE_NAMES = ("square", "ellipse", "heart")
FACTOR_NAMES = ("shape", "scale", "rotation", "x", "y")
FACTOR_SIZES = (3, 6, 40, 32, 32)
"""How many values each factor takes. Scales are 0.5, 0.6 .. 1, rotations steps of 9 degrees, places steps of a 64th."""
COUNT = math.prod(FACTOR_SIZES)

_SIDE = 64
"""The side that lengths below are given for."""
_RADIUS = 14.0
"""From the center to the farthest point of a shape at scale 1: two pixels of the border stay black wherever it is."""
_REACH = 15
"""Pixels from the one at the center to the first that no shape at scale 1 touches."""
_PLACES = 32
_CANVAS = _SIDE + _PLACES - 1
_SAMPLES = 4
"""Along each side of a pixel, for its grey value; even, so that none lies in the center."""
_IMAGES_AT_ONCE = 1024
_DRAWING = 1
"""To be raised whenever the same factors are to be drawn with other pixels."""

_Values = NDArray[np.float64]
_Pixels = NDArray[np.uint8]


def read_sprites(image_size: int, progress: Progress) -> StoredSets:
    """All 737,280 sprites, none of them drawn yet, with their factors and, as classes, their shapes.

    `image_size` is 32 or 64. A sprite's number counts its factors up as digits, y first.
    """
    progress("drawing sprites", 0, None)
    rows = SpriteRows(image_size)
    grid = torch.cartesian_prod(*(torch.arange(size) for size in FACTOR_SIZES))
    progress("drawing sprites", COUNT, COUNT)
    return StoredSets(
        PackedImages(StreamedPixels(rows), labels=grid[:, 0].clone(), factors=grid),
        class_names=SHAPE_NAMES,
        factor_names=FACTOR_NAMES,
    )


def draw_sprites(factors: torch.Tensor, image_size: int) -> torch.Tensor:
    """Draw the sprites of factors (B, 5), int64, as uint8 (B, 1, image_size, image_size), white on black.

    The factors are shape, scale, rotation (counterclockwise), x (rightwards) and y (downwards), each from 0 to below
    its FACTOR_SIZES. Raises DataError for others.
    """
    values = factors.cpu().numpy()
    if values.ndim != 2 or values.shape[1] != len(FACTOR_SIZES) or (values < 0).any() or (values >= FACTOR_SIZES).any():
        raise DataError(
            f"sprites: expected factors (B, {len(FACTOR_SIZES)}), "
            f"{', '.join(f'{name} below {size}' for name, size in zip(FACTOR_NAMES, FACTOR_SIZES, strict=True))}, "
            f"got {tuple(values.shape)}"
            + (f" up to {values.max(0).tolist()}" if values.ndim == 2 and len(values) else "")
        )
    return StreamedPixels(SpriteRows(image_size), np.ravel_multi_index(tuple(values.T), FACTOR_SIZES))[:]


class SpriteRows:
    """The sprites by their numbers, as images (1, H, W) that are drawn when they are read; by several threads at once."""

    def __init__(self, image_size: int) -> None:
        """`image_size` is 32 or 64, the side of the images."""
        self.shape = (COUNT, 1, image_size, image_size)
        self._windows = _windows(image_size)

    def read_into(self, out: _Pixels, rows: NDArray[np.int64]) -> None:
        """Draw the sprites of some numbers (n,) into `out` (n, 1, H, W)."""
        for start in range(0, len(rows), _IMAGES_AT_ONCE):
            pose, place = np.divmod(rows[start : start + _IMAGES_AT_ONCE], _PLACES * _PLACES)
            x, y = np.divmod(place, _PLACES)
            # Moving the window up and to the left moves the shape down and to the right.
            out[start : start + _IMAGES_AT_ONCE, 0] = self._windows[pose, _PLACES - 1 - y, _PLACES - 1 - x]

    def digest(self, rows: NDArray[np.int64]) -> bytes:
        """What stands for the pixels of `rows`."""
        return hashlib.sha256(f"sprites {_DRAWING} {self.shape[-1]}".encode() + rows.tobytes()).digest()


@cache
def _windows(image_size: int) -> _Pixels:
    """A view (poses, 32, 32, H, W): each shape, size and turn on a black canvas, seen through a window at each place."""
    step = _SIDE // image_size
    canvas = np.zeros((math.prod(FACTOR_SIZES[:3]), _CANVAS, _CANVAS), np.float32)
    middle = slice(_CANVAS // 2 - _REACH, _CANVAS // 2 + _REACH + 1)
    canvas[:, middle, middle] = _draw_poses()
    size = _CANVAS - step + 1
    means = sum(canvas[:, row : row + size, column : column + size] for row in range(step) for column in range(step))
    # Not 255, so that no half of a grey value is left for the last bit of a sine to decide on.
    pixels = np.floor(np.asarray(means) * np.float32(255.996 / step**2)).astype(np.uint8)
    side = _SIDE - step + 1
    return np.lib.stride_tricks.sliding_window_view(pixels, (side, side), axis=(1, 2))[..., ::step, ::step]


def _draw_poses() -> _Values:
    """How much of each pixel is covered, by each shape (slowest), size and turn about the middle: (720, 31, 31)."""
    _, scales, turns = FACTOR_SIZES[:3]
    side = 2 * _REACH + 1
    along = (np.arange(side * _SAMPLES) + 0.5) / _SAMPLES - side / 2
    right, up = along[None, None, :], -along[None, :, None]
    angle = 2 * math.pi * np.arange(turns)[:, None, None] / turns
    across = np.cos(angle) * right + np.sin(angle) * up
    upwards = np.cos(angle) * up - np.sin(angle) * right
    poses = []
    for distance in (_to_square, _to_ellipse, _to_heart):
        for scale in np.linspace(0.5, 1, scales):
            # A sample is a small pixel, and its edge a straight line.
            covered = np.clip(0.5 - _SAMPLES * distance(across, upwards, scale * _RADIUS), 0, 1)
            poses.append(covered.reshape(turns, side, _SAMPLES, side, _SAMPLES).mean((2, 4)))
    return np.concatenate(poses)


def _to_square(across: _Values, upwards: _Values, radius: float) -> _Values:
    """How far outside of a square with corners at `radius` points are; inside, less than 0."""
    distance: _Values = np.maximum(np.abs(across), np.abs(upwards)) - radius / math.sqrt(2)
    return distance


def _to_ellipse(across: _Values, upwards: _Values, radius: float) -> _Values:
    """How far outside of an ellipse twice as long as it is high points are, to first order; not for its very center."""
    x, y = across / radius, upwards / (radius / 2)
    level = np.hypot(x, y)
    slope = np.hypot(x / radius, y / (radius / 2))
    distance: _Values = level * (level - 1) / slope
    return distance


def _to_heart(across: _Values, upwards: _Values, radius: float) -> _Values:
    """How far outside of a heart points are: a square on its corner and a disc on each of its upper sides.

    It turns about its center of mass, from which its lower corner is `radius` away.
    """
    # With sides of 1, from the square's center: half a diagonal, and up to the center of mass.
    corner = math.sqrt(0.5)
    center = (math.pi / 4) * (1 / 2 + 2 / (3 * math.pi)) / math.sqrt(2) / (1 + math.pi / 4)
    side = radius / (corner + center)
    across, upwards = np.abs(across) / side, upwards / side + center
    square = (across + np.abs(upwards)) * math.sqrt(0.5) - 0.5
    disc = np.hypot(across - corner / 2, upwards - corner / 2) - 0.5
    distance: _Values = side * np.minimum(square, disc)
    return distance
