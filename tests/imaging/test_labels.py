"""Labels stand beside the rows and columns that they are of, and leave the images as they are."""

from __future__ import annotations

import numpy as np
import pytest

from vae_tui.imaging.grid import BACKGROUND, make_grid
from vae_tui.imaging.labels import Labels, add_labels


def grid(rows: int, columns: int, side: int, scale: int, channels: int = 1) -> np.ndarray:
    tiles = np.random.default_rng(0).integers(60, 256, (rows * columns, side, side, channels), np.uint8)
    return make_grid(tiles, columns).repeat(scale, axis=0).repeat(scale, axis=1)


def inked(strip: np.ndarray) -> list[float]:
    """The middles of the runs of pixels that are written on, along a strip."""
    where = np.flatnonzero(strip)
    runs = np.split(where, np.flatnonzero(np.diff(where) > 6) + 1)
    return [float(run[0] + run[-1]) / 2 for run in runs]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_grid_is_as_it_was(channels: int) -> None:
    plain = grid(3, 4, 10, 5, channels)
    labelled = add_labels(plain, Labels(["z0", "z1", "z2"], ["-1", "0", "1", "2"]), scale=5)
    assert labelled.shape[2] == channels
    height, width = plain.shape[:2]
    assert np.array_equal(labelled[:height, -width:], plain)
    assert labelled.shape[0] > height
    assert labelled.shape[1] > width


def test_each_stands_at_the_middle_of_its_row_or_column() -> None:
    plain = grid(3, 4, 20, 3)
    labelled = add_labels(plain, Labels(["H", "H", "H"], ["H", "H", "H", "H"]), scale=3)[..., 0]
    height, width = plain.shape[:2]
    left = labelled.shape[1] - width
    rows = inked((labelled[:height, :left] != BACKGROUND).any(1))
    assert rows == pytest.approx([6 + 66 * row + 30 for row in range(3)], abs=3)
    columns = inked((labelled[height:, left:] != BACKGROUND).any(0))
    assert columns == pytest.approx([6 + 66 * column + 30 for column in range(4)], abs=3)


def test_rows_without_columns_and_columns_without_rows() -> None:
    plain = grid(2, 2, 20, 2)
    rows, columns = (
        add_labels(plain, Labels(rows=["a", "b"]), scale=2),
        add_labels(plain, Labels(columns=["a", "b"]), scale=2),
    )
    assert rows.shape[0] == plain.shape[0]
    assert columns.shape[1] == plain.shape[1]


@pytest.mark.parametrize(("columns", "every"), [(10, 1), (40, 2), (100, 5)])
def test_of_labels_that_would_touch_some_are_left_out(columns: int, every: int) -> None:
    plain = grid(1, columns, 20, 1)
    written = add_labels(plain, Labels(columns=["888" if columns > 10 else "8"] * columns))
    strip = (written[plain.shape[0] :, :, 0] != BACKGROUND).any(0)
    middles = inked(strip)
    assert np.diff(middles) == pytest.approx(22 * every, abs=2) if every < 5 else np.diff(middles).min() > 22


def test_a_thousand_columns_of_a_pixel_each_are_written_too() -> None:
    add_labels(
        grid(500, 500, 1, 1), Labels([f"{row:.1f}" for row in range(500)], [f"{column:.1f}" for column in range(500)])
    )


def test_the_same_labels_are_the_same_pixels() -> None:
    labels = Labels(["z3 (1.20 nats)"], ["-3.0"])
    assert np.array_equal(
        add_labels(grid(1, 1, 30, 2), labels, scale=2), add_labels(grid(1, 1, 30, 2), labels, scale=2)
    )
