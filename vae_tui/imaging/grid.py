"""Grids of images, as uint8 arrays and as PNG files."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vae_tui.text import printable

Pixels = NDArray[np.uint8]
BACKGROUND = 48
"""Grey level between tiles: apart from black and from white."""
PADDING = 2
"""Pixels between the tiles of a grid, and around them."""
_READABLE_SIDE, _READABLE_MOVING_SIDE = 720, 240
"""Pixels along the longer side, at least."""
_LARGEST_SCALE = 8


def choose_channels(images: Pixels, channels: list[int] | None) -> Pixels:
    """Of images (..., C) the channels that are shown, None for all."""
    return images if channels is None else np.ascontiguousarray(images[..., channels])


def make_grid(images: Pixels, columns: int, *, padding: int = PADDING) -> Pixels:
    """Lay images (N, H, W, C) out in rows of `columns`, `padding` pixels apart and around; returns (H', W', C)."""
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    shape = (rows * (height + padding) + padding, columns * (width + padding) + padding, channels)
    grid = np.full(shape, BACKGROUND, np.uint8)
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        top, left = padding + row * (height + padding), padding + column * (width + padding)
        grid[top : top + height, left : left + width] = image
    return grid


def pair_rows(upper: Pixels, lower: Pixels, columns: int) -> Pixels:
    """Order images (N, H, W, C) for a grid that has each row of `upper` over the same row of `lower`.

    The last rows are filled up with BACKGROUND where they are not full.
    """
    filling = np.full((-len(upper) % columns, *upper.shape[1:]), BACKGROUND, np.uint8)
    both = [np.concatenate([part, filling]).reshape(-1, columns, *upper.shape[1:]) for part in (upper, lower)]
    return np.stack(both, 1).reshape(-1, *upper.shape[1:])


def split_grid(grid: Pixels, count: int, columns: int, *, padding: int = PADDING) -> Pixels:
    """Undo `make_grid`: the `count` images (N, H, W, C) of a grid (H', W', C)."""
    rows = -(-count // columns)
    height, width = (grid.shape[0] - padding) // rows - padding, (grid.shape[1] - padding) // columns - padding
    tiles = [
        grid[top : top + height, left : left + width]
        for top in range(padding, rows * (height + padding), height + padding)
        for left in range(padding, columns * (width + padding), width + padding)
    ]
    return np.stack(tiles[:count])


def choose_scale(height: int, width: int, *, moving: bool = False) -> int:
    """How many times to enlarge a picture so that it can be looked at; less where it moves, for a file of modest size."""
    side = _READABLE_MOVING_SIDE if moving else _READABLE_SIDE
    return min(_LARGEST_SCALE, max(1, -(-side // max(height, width))))


def encode_png(pixels: Pixels, *, scale: int = 1, text: Mapping[str, str] | None = None) -> bytes:
    """Write pixels (H, W, C), C 1 or 3, as PNG, each `scale` pixels large, with `text` as its comments."""
    if scale != 1:
        pixels = pixels.repeat(scale, axis=0).repeat(scale, axis=1)
    comments = PngInfo()
    for key, value in (text or {}).items():
        comments.add_itxt(key, printable(value, lines=True))
    buffer = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    image.save(buffer, "PNG", pnginfo=comments, optimize=False)
    return buffer.getvalue()


def decode_png(content: bytes) -> Pixels:
    """Read a PNG as pixels (H, W, C); C is 1 for grey pictures and 3 for all others."""
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image if image.mode == "L" else image.convert("RGB"), np.uint8)
    return pixels[..., None] if pixels.ndim == 2 else pixels
