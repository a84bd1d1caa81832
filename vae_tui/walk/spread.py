"""Latents spread around the present one, along dimensions or over a window of a plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vae_tui.walk.paths import Latents, Point

Window = tuple[float, float, float, float]
"""Left, right, bottom and top of what is seen of a plane."""


def spread(low: float, high: float, count: int) -> NDArray[np.float32]:
    """Values (count,) from one end to the other."""
    return np.linspace(low, high, count).astype(np.float32)


def traverse(z: Point, dimensions: Sequence[int], values: Sequence[NDArray[np.float32]]) -> Latents:
    """A row for each dimension, which takes its `values` (V,), the others as in z (Z,); returns (D * V, Z)."""
    rows = []
    for dimension, steps in zip(dimensions, values, strict=True):
        row = np.tile(z, (len(steps), 1))
        row[:, dimension] = steps
        rows.append(row)
    return np.concatenate(rows)


def spread_plane(z: Point, plane: tuple[int, int], window: Window, rows: int, columns: int) -> Latents:
    """A map (rows * columns, Z), topmost row first: two dimensions fill the window, the others are as in z (Z,)."""
    left, right, bottom, top = window
    points = np.tile(z, (rows * columns, 1))
    points[:, plane[0]] = np.tile(spread(left, right, columns), rows)
    points[:, plane[1]] = np.repeat(spread(top, bottom, rows), columns)
    return points


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
