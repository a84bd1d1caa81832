"""Points counted in cells: how full each is, and whose points are seen in it."""

from __future__ import annotations

import numpy as np

from vae_tui.tui.widgets.scatter_cells import LEVELS, Cells, count_cells

SIX = (0.0, 6.0, 0.0, 1.0)
"""A window over six cells in a row, each 1 wide."""


def count(*given: tuple[float, int], lit: int | None = None) -> Cells:
    """Points at these places across, of these classes."""
    points = np.array([(across, 0.9) for across, _ in given], np.float32)
    return count_cells(points, np.array([label for _, label in given]), SIX, (1, 6), lit)


def test_every_halving_of_the_fullest_cell_is_a_step_down() -> None:
    counts = [256, 64, 16, 4, 1]
    cells = count(*[(x + 0.1, 0) for x, points in enumerate(counts) for _ in range(points)])
    assert cells.levels[0, :5].tolist() == [4, 3, 2, 1, 0]
    assert (cells.dots[0, :5] > 0).all()
    assert cells.dots[0, 5] == 0


def test_where_no_cell_is_full_none_is_at_the_lowest_level() -> None:
    assert count((0.1, 0), (1.1, 0), (2.1, 0)).levels[0, :3].tolist() == [LEVELS - 1] * 3
    assert count((0.1, 0), (0.6, 0), (1.1, 0)).levels[0, :2].tolist() == [LEVELS - 1, LEVELS - 2]


def test_a_cell_is_of_the_class_that_most_of_its_points_are_of() -> None:
    cells = count((0.1, 1), (0.6, 2), (0.2, 2), (1.1, -1), (2.1, -1), (2.2, 1))
    assert cells.classes[0].tolist() == [2, -1, 1, -1, -1, -1]


def test_points_of_the_class_that_is_lit_up_are_not_hidden_by_others() -> None:
    plain = count((0.1, 1), (0.6, 2), (0.2, 2), (1.1, 2))
    assert plain.lit[0].tolist() == [True, True, False, False, False, False]
    lit = count((0.1, 1), (0.6, 2), (0.2, 2), (1.1, 2), lit=1)
    assert lit.lit[0].tolist() == [True, False, False, False, False, False]
    assert lit.classes[0, :2].tolist() == [1, 2]
    assert plain.dots[0, 0] == 0x01 | 0x08, "a dot for either half of the cell"
    assert lit.dots[0, 0] == 0x01, "that of the class alone"
    assert lit.dots[0, 1] == plain.dots[0, 1]


def test_how_full_cells_are_is_told_of_the_lit_points_alone() -> None:
    given = [(0.1, 0)] * 200 + [(1.1, 1)] * 20 + [(2.1, 1)]
    assert count(*given).levels[0, :3].tolist() == [4, 2, 0]
    assert count(*given, lit=1).levels[0, 1:3].tolist() == [4, 0]


def test_what_is_beyond_the_window_is_not_counted() -> None:
    assert not count((-0.1, 0), (6.1, 0)).dots.any()
    assert not count((0.5, 0), lit=3).lit.any(), "of this class there is none"
