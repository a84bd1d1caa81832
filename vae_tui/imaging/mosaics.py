"""Pixels as block mosaics: a cell is parted into squares, 2 x 2, 2 x 3 or 2 x 4, each in one of the cell's two colours.

Which squares have which colour, and what the colours are, is the choice of least squared error among all there are.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment

from vae_tui.imaging.block_glyphs import Mosaic
from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.half_blocks import pack, style_of
from vae_tui.imaging.palette import to_16, to_256, to_grays
from vae_tui.imaging.terminal import Colors

CELL = 4, 2
"""Height and width of a cell in pixels, which are square: those of an octant."""
LINES: dict[Mosaic, int] = {"octant": 1, "sextant": 3, "quadrant": 1}
"""In how many lines each row of pixels is drawn, so that the edges of a kind's squares lie between two of them."""

_QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
_SEXTANTS = "".join(
    {0: " ", 21: "▌", 42: "▐", 63: "█"}.get(bits) or chr(0x1FB00 + bits - 1 - (bits > 21) - (bits > 42))
    for bits in range(64)
)
_OLDER = {
    **{
        0x00: " ",
        0xFF: "█",
        0x01: "\U0001cea8",
        0x02: "\U0001ceab",
        0x03: "\U0001fb82",
        0x05: "▘",
        0x0A: "▝",
        0x0F: "▀",
    },
    **{0x14: "\U0001fbe6", 0x28: "\U0001fbe7", 0x3F: "\U0001fb85", 0x40: "\U0001cea3", 0x50: "▖", 0x55: "▌", 0x5A: "▞"},
    **{0x5F: "▛", 0x80: "\U0001cea0", 0xA0: "▗", 0xA5: "▚", 0xAA: "▐", 0xAF: "▜", 0xC0: "▂", 0xF0: "▄", 0xF5: "▙"},
    **{0xFA: "▟", 0xFC: "▆"},
}
"""Octants that are older than the rest, and so not among them (Unicode 16, U+1CD00 to U+1CDE5)."""
_OCTANTS = "".join(
    _OLDER.get(bits) or chr(0x1CD00 + bits - sum(older < bits for older in _OLDER)) for bits in range(256)
)
CHARACTERS: dict[Mosaic, str] = {
    "octant": _OCTANTS,
    # Where there are sextants there are quadrants, whose edges are elsewhere.
    "sextant": _SEXTANTS[:32] + "▘▝▀▖▞▛" + "▗▚▜▄▙▟" + _SEXTANTS[32:],
    "quadrant": _QUADRANTS,
}
"""The characters of each kind, from space to full; each is the inverse of the one as far from the other end."""
_SELDOM_DRAWN = frozenset("\U0001cea8\U0001ceab\U0001cea3\U0001cea0\U0001fbe6\U0001fbe7")
"""foot draws the block of octants, but not those that are elsewhere and newer than sextants; their inverses are in the block."""
_CELLS_AT_ONCE = 2048
_FLAT = 1.0
"""A cell whose pixels are no further than this from their mean, in levels, is in one colour."""


def to_mosaic(pixels: Pixels, kind: Mosaic, colors: Colors = "truecolor", *, coarse: bool = False) -> NDArray[np.int64]:
    """The cells for lines of pixels (H, W, C), C 1 or 3: (H / 4 / LINES, W / 2, 3), both rounded up, of ink, ground and a character.

    Ink and ground are colours 0xRRGGBB that the terminal has; the character is an index of CHARACTERS, 0 in a cell of one
    colour. `coarse` takes greys to the nearest that has a number, which costs half the bytes. The pixels below and right of
    an odd end are those of the edge.
    """
    height, width, channels = pixels.shape
    lines = CELL[0] * LINES[kind]
    padded = np.pad(pixels, ((0, -height % lines), (0, -width % CELL[1]), (0, 0)), mode="edge")
    rows, columns = padded.shape[0] // lines, padded.shape[1] // CELL[1]
    blocks = padded.reshape(rows, lines, columns, CELL[1], channels).swapaxes(1, 2)
    values = blocks.reshape(rows * columns, -1, channels).astype(np.float32)
    ink = values.mean(1)
    ground = ink.copy()
    chosen = np.zeros(len(values), np.int64)
    varied = np.flatnonzero((np.abs(values - ink[:, None]) > _FLAT).any(axis=(1, 2)))
    for start in range(0, len(varied), _CELLS_AT_ONCE):
        part = varied[start : start + _CELLS_AT_ONCE]
        chosen[part], ink[part], ground[part] = _fit(values[part], kind)
    shown = [_show(color.round().astype(np.uint8), colors, coarse=coarse) for color in (ink, ground)]
    chosen[shown[0] == shown[1]] = 0
    shown[0] = np.where(chosen == 0, shown[1], shown[0])
    return np.stack([*shown, chosen], axis=1).reshape(rows, columns, 3)


def render_mosaic_row(cells: NDArray[np.int64], kind: Mosaic) -> list[Segment]:
    """Segments for a row of cells (W, 3); they change as few colours from one to the next as they can."""
    characters = CHARACTERS[kind]
    segments: list[Segment] = []
    text, ink, ground = "", -1, -1
    for own_ink, own_ground, index in cells.tolist():
        wanted, character = (own_ink, own_ground), characters[index]
        if not index:
            # A space shows its ground only, so the ink may stay.
            wanted = ink if ink >= 0 else own_ground, own_ground
        elif own_ink == ground or own_ground == ink:
            wanted, character = (own_ground, own_ink), characters[-1 - index]
        if character in _SELDOM_DRAWN:
            wanted, character = (wanted[1], wanted[0]), characters[-1 - characters.index(character)]
        if wanted != (ink, ground):
            if text:
                segments.append(Segment(text, style_of(ink, ground)))
            text, (ink, ground) = "", wanted
        text += character
    if text:
        segments.append(Segment(text, style_of(ink, ground)))
    return segments


@cache
def _choices(kind: Mosaic) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What of each line's pixel of a cell a character inks, (K, P), and of the cell, (K,), for the first half of CHARACTERS but space."""
    lines = CELL[0] * LINES[kind]
    if kind == "sextant":
        sextants, quadrants = _inked(3, lines), _inked(2, lines)
        shares = np.concatenate([sextants[:32], quadrants[[_QUADRANTS.index(character) for character in "▘▝▀▖▞▛"]]])
    else:
        every = _inked(4 if kind == "octant" else 2, lines)
        shares = every[: len(every) // 2]
    return shares[1:], shares[1:].sum(1)


def _inked(rows: int, lines: int) -> NDArray[np.float32]:
    """Which of a cell's pixels are inked, (K, 2 * lines), where bits say which squares are, of so many rows."""
    bits = np.arange(1 << 2 * rows)[:, None] >> np.arange(2 * rows) & 1
    inked: NDArray[np.float32] = (
        bits.reshape(-1, rows, 2).repeat(lines // rows, axis=1).reshape(len(bits), -1).astype(np.float32)
    )
    return inked


def _fit(
    values: NDArray[np.float32], kind: Mosaic
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Characters (N,), ink and ground (N, C) with the least squared error from the values (N, P, C) of cells."""
    shares, inked = _choices(kind)
    grounded = values.shape[1] - inked
    sums = values.swapaxes(1, 2) @ shares.T  # (N, C, K)
    rest = values.sum(1)[:, :, None] - sums
    # What two means explain; the sum of squares less this is the error.
    best = (np.square(sums).sum(1) / inked + np.square(rest).sum(1) / grounded).argmax(1)
    each = np.arange(len(values))
    return best + 1, sums[each, :, best] / inked[best, None], rest[each, :, best] / grounded[best, None]


def _show(colors: Pixels, depth: Colors, *, coarse: bool) -> NDArray[np.int64]:
    """Colours (N, C) as the terminal has them, packed (N,)."""
    if depth == "256":
        colors = to_256(colors)
    elif depth == "16":
        colors = to_16(colors)
    elif coarse:
        gray = (colors == colors[..., :1]).all(axis=-1, keepdims=True)
        colors = np.where(gray, to_grays(colors), colors)
    return pack(colors)
