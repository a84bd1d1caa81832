"""Points of a plane counted in the cells of a terminal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_tui.walk.spread import Window

LEVELS = 5
"""How many shades of density there are."""
_LEAST_RANGE = 16
"""Where the fullest cell has fewer points than that, a cell with half of them is not yet among the emptiest."""
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


@dataclass(frozen=True)
class Cells:
    """What each cell shows, all (rows, columns).

    `dots` are the dots of a braille character, 0 for an empty cell; `classes` is the class that most of its points are
    of, -1 for none; `levels` rises with their number from 0 to LEVELS - 1; `lit` is where the class that is lit up has
    points, or, with none lit up, any has.
    """

    dots: NDArray[np.int64]
    classes: NDArray[np.int64]
    levels: NDArray[np.int64]
    lit: NDArray[np.bool_]


def count_cells(
    points: NDArray[np.float32], labels: NDArray[np.int64], window: Window, shape: tuple[int, int], lit: int | None
) -> Cells:
    """Count points (M, 2) of classes `labels` (M,), -1 for none, in `shape` (rows, columns) cells over a window.

    In a cell with points of the class `lit` there are no others.
    """
    rows, columns = shape
    left, right, bottom, top = window
    across = np.floor((points[:, 0] - left) / (right - left) * 2 * columns).astype(np.int64)
    down = np.floor((top - points[:, 1]) / (top - bottom) * 4 * rows).astype(np.int64)
    inside = (across >= 0) & (across < 2 * columns) & (down >= 0) & (down < 4 * rows)
    across, down, labels = across[inside], down[inside], labels[inside]
    cells = down // 4 * columns + across // 2

    are_lit = np.full(len(cells), True) if lit is None else labels == lit
    lit_cells = np.zeros(rows * columns, np.bool_)
    lit_cells[cells[are_lit]] = True
    shown = are_lit | ~lit_cells[cells]
    across, down, labels, cells = across[shown], down[shown], labels[shown], cells[shown]

    dots = np.zeros(rows * columns, np.int64)
    np.bitwise_or.at(dots, cells, _BITS[down % 4, across % 2])
    counts = np.bincount(cells, minlength=rows * columns)
    levels = _grade(counts, counts[lit_cells])
    classes = _most_frequent(cells, labels, rows * columns)
    return Cells(dots.reshape(shape), classes.reshape(shape), levels.reshape(shape), lit_cells.reshape(shape))


def _grade(counts: NDArray[np.int64], scale: NDArray[np.int64]) -> NDArray[np.int64]:
    """The level of each cell by its number of points; every halving from the fullest of `scale` on counts the same."""
    fullest = max(1.0, float(np.percentile(scale, 99))) if len(scale) else 1.0
    halvings = np.log2(fullest / np.maximum(counts, 1)) / np.log2(max(fullest, _LEAST_RANGE))
    levels: NDArray[np.int64] = np.clip(np.rint((1 - halvings) * (LEVELS - 1)), 0, LEVELS - 1).astype(np.int64)
    return levels


def _most_frequent(cells: NDArray[np.int64], labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The class that most points of each cell are of, the first of several such; -1 where none of them has one."""
    known = labels >= 0
    votes = np.zeros((count, max(1, int(labels.max(initial=0)) + 1)), np.int32)
    np.add.at(votes, (cells[known], labels[known]), 1)
    return np.where(votes.any(axis=1), votes.argmax(axis=1), -1)
