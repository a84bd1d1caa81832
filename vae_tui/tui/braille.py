"""Curves as braille: two by four dots a cell, joined by straight lines.

plotext draws braille too, but spends 140 ms on the curves of a large screen, where this takes 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vae_tui.runs.series import Point

_BLANK = 0x2800
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


def trace(
    points: Sequence[Point], across: tuple[float, float], upwards: tuple[float, float], columns: int, rows: int
) -> NDArray[np.int64]:
    """The code of the braille character of each cell (rows, columns), topmost row first; 0 where no dot is.

    `across` and `upwards` are the values at the outer dots; what lies outside them is left out.
    """
    dots = np.zeros((4 * rows, 2 * columns), bool)
    x = _to_dots(np.array([x for x, _ in points]), across, 2 * columns)
    y = _to_dots(np.array([y for _, y in points]), upwards, 4 * rows)
    if len(points) > 1:
        x, y = _join(x, y)
    right, up = np.rint(x).astype(int), np.rint(y).astype(int)
    inside = (right >= 0) & (right < 2 * columns) & (up >= 0) & (up < 4 * rows)
    dots[4 * rows - 1 - up[inside], right[inside]] = True
    bits = (dots.reshape(rows, 4, columns, 2) * _BITS[None, :, None, :]).sum(axis=(1, 3))
    codes: NDArray[np.int64] = np.where(bits > 0, bits + _BLANK, 0)
    return codes


def cell_of(value: float, extent: tuple[float, float], cells: int, dots: int) -> int:
    """The cell in which `trace` sets the dot of a value; a cell is so many dots long."""
    return int(np.rint(_to_dots(np.array([value]), extent, cells * dots)[0])) // dots


def _to_dots(values: NDArray[np.float64], extent: tuple[float, float], count: int) -> NDArray[np.float64]:
    """Where values lie in dots; not further out than the chart is wide, so that lines to a far spike stay short."""
    low, high = extent
    return np.clip((values - low) / (high - low) * (count - 1), -float(count), 2.0 * count)


def _join(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put dots between each pair of neighbours, so close that no gap is left."""
    across, upwards = np.diff(x), np.diff(y)
    counts = np.ceil(np.maximum(np.abs(across), np.abs(upwards))).astype(int) + 1
    segment = np.repeat(np.arange(len(counts)), counts)
    along = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    share = along / counts[segment]
    return (
        np.append(x[:-1][segment] + across[segment] * share, x[-1]),
        np.append(y[:-1][segment] + upwards[segment] * share, y[-1]),
    )
