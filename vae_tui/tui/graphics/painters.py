"""Pictures that the terminal draws itself, over the cells of a canvas, and what of them it shows already."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.kitty import delete_pictures, place_picture, transmit_picture
from vae_tui.imaging.placeholders import delete_placed, number_picture, transmit_placed, write_row
from vae_tui.imaging.sixel import USE_REGISTERS, encode_sixel, whole_bands
from vae_tui.tui.graphics.frame import ShownCells, Spans

_LARGEST = 800
"""Pixels; xterm cuts off what of one sixel picture is beyond 1,000."""
# Pictures of other programs in the same terminal have numbers too, so ours begin where they hardly do.
_numbers = itertools.count(((os.getpid() & 0x3FFFF) << 12) + 1)
_placed = itertools.count(os.getpid() * 1024)


@dataclass(frozen=True)
class Box:
    """Cells of the screen: its place and its size."""

    x: int
    y: int
    columns: int
    rows: int

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns


class KittyPainter:
    """Sends each picture once and anew when it changed; the terminal keeps and scales them."""

    def __init__(self) -> None:
        self._shown: list[tuple[int, Box, Pixels]] = []

    def paint(self, tiles: list[tuple[Box, Pixels]], overwritten: Spans) -> str:
        """What to write so that just these pictures are shown; cells that were overwritten lie below them."""
        sent = []
        kept = []
        for index, (box, pixels) in enumerate(tiles):
            before = self._shown[index] if index < len(self._shown) else None
            number = next(_numbers) if before is None else before[0]
            if before is None or not _equal(before[2], pixels):
                pixels = pixels.copy()
                sent.append(_move(box) + transmit_picture(number, pixels, rows=box.rows, columns=box.columns))
            elif before[1] != box:
                pixels = before[2]
                sent.append(_move(box) + place_picture(number, rows=box.rows, columns=box.columns))
            kept.append((number, box, pixels))
        gone = [number for number, _, _ in self._shown[len(tiles) :]]
        self._shown = kept
        return "".join(sent) + delete_pictures(gone)

    def clear(self) -> str:
        """What to write so that nothing is left."""
        return self.paint([], [])

    def forget(self) -> None:
        """The terminal shows none of them any more."""
        self._shown = []


class PlaceholderPainter:
    """Sends each picture once and anew when it changed, through tmux, and writes the cells that show it.

    A picture that changed has another number, since tmux leaves cells alone that stay as they are.
    """

    def __init__(self) -> None:
        self._shown: list[tuple[int, Box, Pixels]] = []
        self._gone: list[int] = []

    def paint(self, tiles: list[tuple[Box, Pixels]], overwritten: Spans, *, ground: str, shown: ShownCells) -> str:
        """What to write so that just these pictures are shown, on `ground` (parameters of CSI m).

        Of the cells it writes `shown` knows nothing afterwards, so that whatever is to be there later is written.
        """
        sent, kept = [], []
        boxes = {box for box, _ in tiles}
        for _, box, _ in self._shown:
            if box not in boxes:
                sent += _blank(box, overwritten, ground)
        for index, (box, pixels) in enumerate(tiles):
            number, before, drawn = self._shown[index] if index < len(self._shown) else (0, None, None)
            rows: list[int] = list(range(box.rows))
            if drawn is not None and before == box and _equal(drawn, pixels):
                pixels = drawn
                rows = [row for row in rows if _is_overwritten(box, row, overwritten)]
            else:
                number, pixels = number_picture(next(_placed)), pixels.copy()
                sent.append(transmit_placed(number, pixels, rows=box.rows, columns=box.columns))
            for row in rows:
                sent.append(
                    _move(Box(box.x, box.y + row, box.columns, 1)) + write_row(number, row, box.columns, ground)
                )
                shown.forget_cells(box.x, box.y + row, box.columns)
            kept.append((number, box, pixels))
        left = {number for number, _, _ in kept}
        gone = [*self._gone, *(number for number, _, _ in self._shown if number not in left)]
        self._shown, self._gone = kept, []
        return "".join(sent) + delete_placed(gone)

    def clear(self) -> str:
        """What to write so that no picture is left, where the cells are about to be written."""
        gone = [*self._gone, *(number for number, _, _ in self._shown)]
        self._shown, self._gone = [], []
        return delete_placed(gone)

    def forget(self) -> None:
        """The terminal shows none of them any more; what is left of them somewhere else goes with the next."""
        self._gone += [number for number, _, _ in self._shown]
        self._shown = []


def _blank(box: Box, overwritten: Spans, ground: str) -> list[str]:
    """What empties the cells of a box, but for the rows that something else was written over."""
    return [
        f"{_move(Box(box.x, box.y + row, box.columns, 1))}\x1b[{ground}m{' ' * box.columns}\x1b[m"
        for row in range(box.rows)
        if not _is_overwritten(box, row, overwritten)
    ]


def _is_overwritten(box: Box, row: int, overwritten: Spans) -> bool:
    """Whether cells of a row of a box were written over."""
    return any(y == box.y + row and first < box.x + box.columns and last > box.x for y, first, last in overwritten)


class SixelPainter:
    """Sends the cells that changed, tile by tile, and again those that text was written over."""

    def __init__(self) -> None:
        self._shown: Pixels | None = None
        self._area: Box | None = None
        self._begun = False

    def paint(
        self,
        pixels: Pixels,
        area: Box,
        tiles: Iterable[tuple[int, int, int, int]],
        ground: tuple[int, int, int],
        overwritten: Spans,
        *,
        in_tmux: bool = False,
    ) -> str:
        """What to write so that `area` shows pixels (H, W, 3) that fill its cells.

        `tiles` are the top, left, bottom and right pixels of what may change by itself. Cells that are all `ground` and
        were written over need nothing. tmux takes a picture to be as high as its bands, and would blank the row of cells
        that it then reaches into: in it a few pixels at the foot are left out.
        """
        cell = pixels.shape[0] // area.rows, pixels.shape[1] // area.columns
        if self._shown is None or self._area != area or self._shown.shape != pixels.shape:
            # Whatever moved an area or changed its size has written its cells anew.
            self._shown = np.empty_like(pixels)
            self._shown[:] = ground
        stale = _by_cell(self._shown != pixels, cell)
        for y, first, last in overwritten:
            if area.y <= y < area.y + area.rows:
                row, start, stop = y - area.y, max(0, first - area.x), max(0, last - area.x)
                stale[row, start:stop] |= _by_cell(pixels[row * cell[0] : (row + 1) * cell[0]] != ground, cell)[0][
                    start:stop
                ]
        self._shown, self._area = pixels, area
        sent = [] if self._begun else [USE_REGISTERS]
        for top, left, bottom, right in _boxes(stale, tiles, cell):
            end = top * cell[0] + whole_bands((bottom - top) * cell[0]) if in_tmux else bottom * cell[0]
            part = pixels[top * cell[0] : end, left * cell[1] : right * cell[1]]
            sent.append(_move(Box(area.x + left, area.y + top, right - left, bottom - top)) + encode_sixel(part))
        self._begun |= len(sent) > 1
        return "".join(sent) if self._begun else ""

    def forget(self) -> None:
        """The terminal shows none of it any more."""
        self._shown = None


def _move(box: Box) -> str:
    return f"\x1b[{box.y + 1};{box.x + 1}H"


def _equal(one: Pixels, other: Pixels) -> bool:
    return one.shape == other.shape and bool(np.array_equal(one, other))


def _by_cell(differs: NDArray[np.bool_], cell: tuple[int, int]) -> NDArray[np.bool_]:
    """Whether anything differs in each cell, (rows, columns), for pixels (H, W, C)."""
    height, width = differs.shape[0] // cell[0], differs.shape[1] // cell[1]
    blocks = differs.reshape(height, cell[0], width, cell[1] * differs.shape[2])
    cells: NDArray[np.bool_] = np.logical_or.reduce(blocks, axis=(1, 3))
    return cells


def _boxes(
    stale: NDArray[np.bool_], tiles: Iterable[tuple[int, int, int, int]], cell: tuple[int, int]
) -> list[tuple[int, int, int, int]]:
    """The cells to send as boxes of top, left, bottom and right: the stale part of each tile, and of what is left."""
    left_over = stale.copy()
    boxes = []
    for top, left, bottom, right in tiles:
        where = slice(top // cell[0], -(-bottom // cell[0])), slice(left // cell[1], -(-right // cell[1]))
        boxes += _extent(left_over[where], where[0].start, where[1].start)
        left_over[where] = False
    boxes += _extent(left_over, 0, 0)
    rows, columns = max(1, _LARGEST // cell[0]), max(1, _LARGEST // cell[1])
    return [
        (row, column, min(row + rows, bottom), min(column + columns, right))
        for top, left, bottom, right in boxes
        for row in range(top, bottom, rows)
        for column in range(left, right, columns)
    ]


def _extent(stale: NDArray[np.bool_], top: int, left: int) -> list[tuple[int, int, int, int]]:
    """The smallest box around what is stale, if anything is."""
    rows, columns = np.flatnonzero(stale.any(axis=1)), np.flatnonzero(stale.any(axis=0))
    if not len(rows):
        return []
    return [(top + int(rows[0]), left + int(columns[0]), top + int(rows[-1]) + 1, left + int(columns[-1]) + 1)]
