"""Pixels as half blocks: a cell shows two pixels, one above the other, so that pixels come out square."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from vae_tui.imaging.grid import Pixels

_UPPER = "▀"
_CUBE = np.array([0, 95, 135, 175, 215, 255])
"""The levels of each channel in the 6 x 6 x 6 cube that is colours 16 to 231 of 256."""
_GREYS = np.arange(8, 239, 10)
"""Colours 232 to 255."""


def render_half_blocks(pixels: Pixels, depth: Literal["truecolor", "256"] = "truecolor") -> list[list[Segment]]:
    """Rows of segments for pixels (H, W, C), C 1 or 3: H / 2 rows, rounded up, of W cells.

    The pixels below an odd last row are black.
    """
    height, width, _ = pixels.shape
    if height % 2:
        pixels = np.concatenate([pixels, np.zeros_like(pixels[:1])])
    colors = _nearest_of_256(pixels) if depth == "256" else _packed(pixels)
    style_of = _style_of_256 if depth == "256" else _style_of_rgb
    upper, lower = colors[0::2], colors[1::2]
    rows = []
    for top, bottom in zip(upper, lower, strict=True):
        changes = np.flatnonzero((top[1:] != top[:-1]) | (bottom[1:] != bottom[:-1])) + 1
        starts = [0, *changes.tolist()] if width else []
        ends = [*changes.tolist(), width]
        row = []
        for start, end, above, below in zip(starts, ends, top[starts].tolist(), bottom[starts].tolist(), strict=False):
            # A space shows its ground only: no seam in terminals whose half blocks do not quite fill their half.
            row.append(Segment((" " if above == below else _UPPER) * (end - start), style_of(above, below)))
        rows.append(row)
    return rows


def _packed(pixels: Pixels) -> NDArray[np.int64]:
    """Colours as 0xRRGGBB."""
    wide: NDArray[np.int64] = np.broadcast_to(pixels, (*pixels.shape[:2], 3)).astype(np.int64)
    packed: NDArray[np.int64] = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    return packed


def _nearest_of_256(pixels: Pixels) -> NDArray[np.int64]:
    """The index of the nearest colour among the cube and the greys of a terminal with 256 colours."""
    wide = np.broadcast_to(pixels, (*pixels.shape[:2], 3)).astype(np.int64)
    nearest_level = np.abs(np.arange(256)[:, None] - _CUBE).argmin(axis=1)
    level = nearest_level[wide]
    cube_error = ((_CUBE[level] - wide) ** 2).sum(axis=-1)
    grey = np.clip((wide.mean(axis=-1) - 3) // 10, 0, 23).astype(np.int64)
    grey_error = ((_GREYS[grey][..., None] - wide) ** 2).sum(axis=-1)
    in_cube = 16 + 36 * level[..., 0] + 6 * level[..., 1] + level[..., 2]
    nearest: NDArray[np.int64] = np.where(grey_error < cube_error, 232 + grey, in_cube)
    return nearest


@lru_cache(maxsize=16384)
def _style_of_rgb(above: int, below: int) -> Style:
    return Style.from_color(_rgb(above), _rgb(below))


@lru_cache(maxsize=16384)
def _style_of_256(above: int, below: int) -> Style:
    return Style.from_color(Color.from_ansi(above), Color.from_ansi(below))


def _rgb(packed: int) -> Color:
    return Color.from_rgb(packed >> 16, packed >> 8 & 255, packed & 255)
