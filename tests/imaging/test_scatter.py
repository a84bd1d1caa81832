from __future__ import annotations

import numpy as np
import pytest

from vae_tui.imaging.scatter import PALETTE, class_color, draw_scatter

CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)


def where(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Rows and columns of the pixels that have a colour, nearly."""
    return np.argwhere((np.abs(picture.astype(int) - colour) < 12).all(2))


def test_points_stand_where_they_are_in_their_classes_colours() -> None:
    names = [f"class number {index} of 4" for index in range(4)]  # too long to stand among the points
    picture = draw_scatter(CORNERS, np.arange(4), names, alpha=1.0)
    assert picture.shape == (720, 840, 3)
    places = []
    for index in range(4):
        found = where(picture, class_color(index))
        places.append(found[found[:, 1] < found[:, 1].max() - 20].mean(0))  # the legend is to the right
    lower_left, lower_right, upper_right, upper_left = places
    assert lower_left[1] < lower_right[1]
    assert upper_left[0] < lower_left[0]
    assert abs(upper_right[1] - lower_right[1]) < 2
    # The same scale both ways.
    assert abs((lower_left[0] - upper_left[0]) - (lower_right[1] - lower_left[1])) < 4


def test_a_legend_names_every_class() -> None:
    without = draw_scatter(CORNERS, None)
    assert not len(where(without, class_color(1)))
    legend = draw_scatter(CORNERS, np.zeros(4, int), ("a", "b"), alpha=1.0)
    assert len(where(legend, class_color(1)))  # no point has it, the legend does


@pytest.mark.parametrize(
    "coordinates",
    [
        np.zeros((0, 2)),
        np.zeros((1, 2)),
        np.full((3, 2), np.nan),
        CORNERS * 1e-12 + 1e6,
        CORNERS * [1, 0],
        CORNERS * 1e8,
    ],
    ids=["none", "one", "nan", "alike", "flat", "huge"],
)
def test_any_points_make_a_picture(coordinates: np.ndarray) -> None:
    picture = draw_scatter(coordinates, size=(300, 200), title="t", axes=("x", "y"))
    assert picture.shape == (200, 300, 3)
    assert picture.dtype == np.uint8


def test_many_classes_and_long_names_stay_inside() -> None:
    names = [f"a class with quite a long name, number {index}" for index in range(90)]
    picture = draw_scatter(np.random.default_rng(0).normal(size=(90, 2)), np.arange(90), names)
    assert (picture[:, -2:] == 255).all()


def test_the_same_points_are_the_same_picture() -> None:
    points = np.random.default_rng(0).normal(size=(500, 2))
    np.testing.assert_array_equal(draw_scatter(points), draw_scatter(points))


def test_there_are_colours_for_ten_classes() -> None:
    assert len(set(PALETTE)) == len(PALETTE) >= 10
