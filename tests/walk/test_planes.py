from __future__ import annotations

import numpy as np
import pytest

from vae_tui.walk.axes import Axes
from vae_tui.walk.plane import CodePlane, Codes, look_along
from vae_tui.walk.spread import fill_window, pan_to, zoom

AXES = Axes(4, (), np.full(4, 3, np.float32))


@pytest.fixture
def codes() -> Codes:
    means = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    return Codes(means, np.zeros(50, np.int64), ["only"])


def test_a_cursor_in_two_dimensions_moves_those_alone(codes: Codes) -> None:
    plane, z = look_along(codes, AXES, 3, 1), np.array([1, 2, 3, 4], np.float32)
    assert plane.place(z) == (4, 2)
    np.testing.assert_allclose(plane.lift((-1, 5), z), [1, 5, 3, -1])


def test_a_cursor_among_points_without_a_way_back_goes_to_the_code_it_is_at(codes: Codes) -> None:
    points = np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32)
    plane = CodePlane(points, np.arange(50), ("a", "b"), codes.means)
    z = plane.lift((float(points[7, 0]), float(points[7, 1])), codes.means[0])
    np.testing.assert_array_equal(z, codes.means[7])
    assert plane.place(z) == pytest.approx(tuple(points[7]))


def test_the_window_holds_all_but_the_outermost_codes(codes: Codes) -> None:
    plane = look_along(codes, AXES, 0, 1)
    left, right, bottom, top = plane.window()
    inside = (plane.points > [left, bottom]).all(axis=1) & (plane.points < [right, top]).all(axis=1)
    assert inside.sum() >= 48


def test_a_map_has_its_first_dimension_across_and_its_second_upwards() -> None:
    z = np.array([9, 9, 9], np.float32)
    points = Axes(3, (), np.full(3, 3, np.float32)).spread_plane(z, (0, 2), *fill_window((-1, 1, -2, 2), 3, 2))
    np.testing.assert_allclose(points, [[-1, 9, 2], [1, 9, 2], [-1, 9, 0], [1, 9, 0], [-1, 9, -2], [1, 9, -2]])


def test_zooming_keeps_the_cursor_where_it_is_seen() -> None:
    left, right, bottom, top = zoom((-4, 4, -2, 2), 0.5, (2, 1))
    assert (left, right, bottom, top) == (-1, 3, -0.5, 1.5)


def test_panning_goes_no_further_than_needed() -> None:
    assert pan_to((0, 1, 0, 1), (0.5, 0.5)) == (0, 1, 0, 1)
    assert pan_to((0, 1, 0, 1), (1.5, -1)) == (0.5, 1.5, -1, 0)
