"""What a terminal draws for the characters of block mosaics, by their names in Unicode."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import numpy as np
from rich.segment import Segment

from vae_tui.imaging.grid import Pixels

FINE = 12
"""Rows of pixels in a cell, of which there are two columns: each kind's squares are whole numbers of them."""
_PARTS = {"UPPER LEFT": (0, 0), "UPPER RIGHT": (0, 1), "LOWER LEFT": (1, 0), "LOWER RIGHT": (1, 1)}
_OLDER_OCTANTS = {
    **{0x1CEA8: "1", 0x1CEAB: "2", 0x1CEA3: "7", 0x1CEA0: "8", 0x1FBE6: "35", 0x1FBE7: "46"},
    **{0x1FB82: "12", 0x1FB85: "123456", 0x2582: "78", 0x2586: "345678"},
}


def coverage(character: str) -> np.ndarray:
    """Where a character has ink, (12, 2)."""
    inked = np.zeros((FINE, 2), bool)
    code = ord(character)
    if character in " █":
        inked[:] = character == "█"
    elif character in "▀▄":
        inked[slice(0, 6) if character == "▀" else slice(6, 12)] = True
    elif character in "▌▐":
        inked[:, "▌▐".index(character)] = True
    elif code in _OLDER_OCTANTS:
        _ink(inked, _OLDER_OCTANTS[code], 4)
    elif 0x1CD00 <= code <= 0x1CDE5:
        _ink(inked, _octant(code), 4)
    else:
        name = unicodedata.name(character)
        if sextant := re.fullmatch(r"BLOCK SEXTANT-(\d+)", name):
            _ink(inked, sextant[1], 3)
        else:
            assert name.startswith("QUADRANT "), name
            for part in name.removeprefix("QUADRANT ").split(" AND "):
                row, column = _PARTS[part]
                inked[6 * row : 6 * row + 6, column] = True
    return inked


def decode_mosaics(rows: Iterable[Iterable[Segment]]) -> Pixels:
    """What a terminal shows of rows of segments: (12 R, 2 W, 3)."""
    shown = []
    for row in rows:
        cells = []
        for text, style, _ in row:
            assert style is not None
            assert style.color is not None
            assert style.bgcolor is not None
            ink, ground = (np.array(color.get_truecolor(), np.uint8) for color in (style.color, style.bgcolor))
            cells += [np.where(coverage(character)[..., None], ink, ground) for character in text]
        shown.append(np.concatenate(cells, axis=1))
    return np.concatenate(shown)


def _ink(inked: np.ndarray, numbers: str, rows: int) -> None:
    """Ink the squares that are numbered so, from 1 on, row by row, of which there are so many rows."""
    high = FINE // rows
    for number in map(int, numbers):
        row, column = divmod(number - 1, 2)
        inked[row * high : row * high + high, column] = True


def _octant(code: int) -> str:
    """The squares of an octant, which stand in the order of their bits without those that are older."""
    older = {sum(1 << int(number) - 1 for number in numbers) for numbers in _OLDER_OCTANTS.values()}
    older |= {sum(_two_rows(part) for part in range(4) if quadrants >> part & 1) for quadrants in range(16)}
    bits = [bits for bits in range(256) if bits not in older][code - 0x1CD00]
    return "".join(str(number + 1) for number in range(8) if bits >> number & 1)


def _two_rows(quadrant: int) -> int:
    """The bits of a quadrant's two octants."""
    row, column = divmod(quadrant, 2)
    return (1 << column | 1 << column + 2) << 4 * row
