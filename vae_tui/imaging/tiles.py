"""Images laid out in an area of pixels: as many as fit whole, none too small to read, in the middle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from vae_tui.imaging.grid import Pixels

READABLE = 10
"""The shorter side of a tile is not made smaller than this many pixels, unless not even one would fit."""


@dataclass(frozen=True)
class Layout:
    """`rows` x `columns` stacks of tiles, each tile `height` x `width` pixels; there are `count` stacks."""

    count: int
    rows: int
    columns: int
    height: int
    width: int


def fit_tiles(
    count: int, tile: tuple[int, int], area: tuple[int, int], *, stack: int = 1, gap: int = 1
) -> Layout | None:
    """Lay `count` stacks of `stack` tiles of (height, width) out in an area of (height, width) pixels.

    Shows as many as fit at a readable size, then makes them as large as that allows: up to their own size, beyond it
    only whole times. Tiles stand `gap` pixels apart, stacks of several tiles two more. None where nothing fits.
    """
    if count < 1:
        return None
    for scale_least, scale_most in ((min(READABLE, *tile), min(tile)), (2, min(READABLE, *tile) - 1)):
        best = None
        for side in range(scale_least, scale_most + 1):
            layout = _lay_out(count, _scaled(tile, side / min(tile)), area, stack, gap)
            if layout and (best is None or layout.count >= best.count):
                best = layout
        if best is not None:
            break
        # Not even one is readable here, so the second time round shows the largest single one that fits.
        count = 1
    if best is None:
        return None
    times = 2
    while best.count == count:
        larger = _lay_out(count, (tile[0] * times, tile[1] * times), area, stack, gap)
        if larger is None or larger.count < count:
            break
        best, times = larger, times + 1
    return best


def compose(
    stacks: Pixels, layout: Layout, area: tuple[int, int], *, ground: tuple[int, int, int], gap: int = 1
) -> Pixels:
    """Draw stacks (N, S, h, w, C) into an area of (height, width) pixels of colour `ground`; returns (H, W, 3)."""
    stack = stacks.shape[1]
    canvas = np.empty((*area, 3), np.uint8)
    canvas[:] = ground
    step_down, step_right = _pitch((layout.height, layout.width), stack, gap)
    used_down, used_right = layout.rows * step_down - _stack_gap(stack, gap), layout.columns * step_right - gap
    # An even start keeps the upper edge of every first row on the edge of a cell.
    first_row, first_column = (area[0] - used_down) // 2 // 2 * 2, (area[1] - used_right) // 2
    for index in range(layout.count):
        row, column = divmod(index, layout.columns)
        left = first_column + column * step_right
        for level in range(stack):
            top = first_row + row * step_down + level * (layout.height + gap)
            tile = resize(stacks[index, level], layout.height, layout.width)
            canvas[top : top + layout.height, left : left + layout.width] = tile
    return canvas


def resize(image: Pixels, height: int, width: int) -> Pixels:
    """Bring an image (h, w, C) to another size: averaged when made smaller, its pixels kept square when made larger."""
    if image.shape[:2] == (height, width):
        return image
    smaller = height < image.shape[0] or width < image.shape[1]
    method = Image.Resampling.HAMMING if smaller else Image.Resampling.NEAREST
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    resized = np.asarray(picture.resize((width, height), method), np.uint8)
    return resized[..., None] if resized.ndim == 2 else resized


def _lay_out(count: int, tile: tuple[int, int], area: tuple[int, int], stack: int, gap: int) -> Layout | None:
    step_down, step_right = _pitch(tile, stack, gap)
    rows, columns = (area[0] + _stack_gap(stack, gap)) // step_down, (area[1] + gap) // step_right
    shown = min(count, rows * columns)
    if shown < 1:
        return None
    rows = -(-shown // columns)
    return Layout(shown, rows, -(-shown // rows), *tile)


def _pitch(tile: tuple[int, int], stack: int, gap: int) -> tuple[int, int]:
    """From one stack to the next, downwards and to the right."""
    return stack * (tile[0] + gap) - gap + _stack_gap(stack, gap), tile[1] + gap


def _stack_gap(stack: int, gap: int) -> int:
    return gap if stack == 1 else gap + 2


def _scaled(tile: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(tile[0] * scale)), max(1, round(tile[1] * scale))
