"""Which cells of a picture changed, so that only those are sent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CHEAPER_THAN_A_MOVE = 3
"""Cells: sending so few that did not change costs less than moving the cursor past them."""


def find_runs(changed: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """The runs of true cells of (rows, columns), as (row, first, past the last), those that nearly touch joined."""
    runs: list[tuple[int, int, int]] = []
    bordered = np.zeros((changed.shape[0], changed.shape[1] + 2), np.int8)
    bordered[:, 1:-1] = changed
    rows, edges = np.nonzero(np.diff(bordered, axis=1))
    for row, first, last in zip(rows[0::2].tolist(), edges[0::2].tolist(), edges[1::2].tolist(), strict=True):
        if runs and runs[-1][0] == row and first - runs[-1][2] <= _CHEAPER_THAN_A_MOVE:
            runs[-1] = (row, runs[-1][1], last)
        else:
            runs.append((row, first, last))
    return runs
