"""Values spread along an axis or over a window of a plane."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Window = tuple[float, float, float, float]
"""Left, right, bottom and top of what is seen of a plane."""


def spread(low: float, high: float, count: int) -> NDArray[np.float32]:
    """Values (count,) from one end to the other."""
    return np.linspace(low, high, count).astype(np.float32)


def fill_window(window: Window, rows: int, columns: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each place of a map is across and upwards, (rows * columns,) both, topmost row first."""
    left, right, bottom, top = window
    return np.tile(spread(left, right, columns), rows), np.repeat(spread(top, bottom, rows), columns)


def nearest(values: NDArray[np.float32], value: float) -> int:
    """The index of the value nearest to one."""
    return int(np.abs(values - value).argmin())


def zoom(window: Window, factor: float, around: tuple[float, float]) -> Window:
    """The window made `factor` times as large, a place of it staying where it is seen."""
    x, y = around
    left, right, bottom, top = window
    return (x + (left - x) * factor, x + (right - x) * factor, y + (bottom - y) * factor, y + (top - y) * factor)


def pan_to(window: Window, place: tuple[float, float]) -> Window:
    """The window moved, by no more than needed, so that a place is in it."""
    left, right, bottom, top = window
    x, y = place
    across = min(0.0, x - left) + max(0.0, x - right)
    upwards = min(0.0, y - bottom) + max(0.0, y - top)
    return left + across, right + across, bottom + upwards, top + upwards
