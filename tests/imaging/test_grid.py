from __future__ import annotations

import numpy as np

from vae_tui.imaging.grid import BACKGROUND, make_grid, pair_rows, split_grid


def tiles(values: list[int]) -> np.ndarray:
    return np.array(values, np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 1), np.uint8)


def test_rows_of_one_kind_stand_over_rows_of_the_other() -> None:
    paired = pair_rows(tiles([1, 2, 3]), tiles([11, 12, 13]), 2)
    assert paired[:, 0, 0, 0].tolist() == [1, 2, 11, 12, 3, BACKGROUND, 13, BACKGROUND]


def test_a_grid_is_split_into_what_it_was_made_of() -> None:
    images = tiles([1, 2, 3, 4, 5])
    np.testing.assert_array_equal(split_grid(make_grid(images, 3), 5, 3), images)
