"""Pixels as half blocks: a cell shows two pixels, one above the other, so that pixels come out square."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.palette import to_16, to_256, to_grays
from vae_tui.imaging.terminal import Colors

_UPPER, _LOWER = "▀", "▄"


def to_half_blocks(pixels: Pixels, colors: Colors = "truecolor", *, coarse: bool = False) -> NDArray[np.int64]:
    """The cells for pixels (H, W, C), C 1 or 3: (H / 2 rounded up, W, 2) colours 0xRRGGBB, the upper one first.

    Colours are those the terminal has. `coarse` takes greys to the nearest that has a number, which costs half the
    bytes. The pixels below an odd last row are black.
    """
    if pixels.shape[0] % 2:
        pixels = np.concatenate([pixels, np.zeros_like(pixels[:1])])
    if colors == "256":
        pixels = to_256(pixels)
    elif colors == "16":
        pixels = to_16(pixels)
    elif coarse:
        gray = (pixels == pixels[..., :1]).all(axis=-1, keepdims=True)
        pixels = np.where(gray, to_grays(pixels), pixels)
    packed = pack(pixels)
    return np.stack([packed[0::2], packed[1::2]], axis=-1)


def render_half_block_row(cells: NDArray[np.int64]) -> list[Segment]:
    """Segments for a row of cells (W, 2); they change as few colours from one to the next as they can."""
    changes = np.flatnonzero((cells[1:] != cells[:-1]).any(axis=1)) + 1
    starts = [0, *changes.tolist()] if len(cells) else []
    segments = []
    ink = ground = -1
    for start, end, (above, below) in zip(
        starts, [*changes.tolist(), len(cells)], cells[starts].tolist(), strict=False
    ):
        if above == below:
            # A space shows its ground only: no seam in terminals whose half blocks do not quite fill their half.
            character, ground = " ", above
            ink = ink if ink >= 0 else above
        elif above == ground or below == ink:
            character, ink, ground = _LOWER, below, above
        else:
            character, ink, ground = _UPPER, above, below
        segments.append(Segment(character * (end - start), style_of(ink, ground)))
    return segments


def render_half_blocks(pixels: Pixels, colors: Colors = "truecolor") -> list[list[Segment]]:
    """Rows of segments for pixels (H, W, C), C 1 or 3: H / 2 rows, rounded up, of W cells."""
    return [render_half_block_row(row) for row in to_half_blocks(pixels, colors)]


def pack(pixels: Pixels) -> NDArray[np.int64]:
    """Pixels (..., C), C 1 or 3, as colours 0xRRGGBB (...)."""
    wide: NDArray[np.int64] = np.broadcast_to(pixels, (*pixels.shape[:-1], 3)).astype(np.int64)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


@lru_cache(maxsize=4096)
def style_of(ink: int, ground: int) -> Style:
    """The style of colours 0xRRGGBB."""
    return Style.from_color(_rgb(ink), _rgb(ground))


@lru_cache(maxsize=4096)
def _rgb(packed: int) -> Color:
    return Color.from_rgb(packed >> 16, packed >> 8 & 255, packed & 255)
