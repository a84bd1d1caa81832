from __future__ import annotations

import numpy as np
import pytest

from vae_tui.walk.axes import Axes
from vae_tui.walk.motion import End, Motion, RandomWalk, Route, along
from vae_tui.walk.paths import METHODS

STOPS = [np.array([0, 0], np.float32), np.array([2, 0], np.float32), np.array([2, 2], np.float32)]


@pytest.mark.parametrize(
    ("place", "end", "expected"),
    [
        (0.5, "bounce", [1, 0]),
        (2.0, "bounce", [2, 2]),
        (2.5, "bounce", [2, 1]),
        (4.0, "bounce", [0, 0]),
        (-0.5, "bounce", [1, 0]),
        (2.5, "loop", [1, 1]),
        (3.5, "loop", [1, 0]),
        (-0.5, "loop", [1, 1]),
    ],
)
def test_a_route_bounces_or_loops_in_both_directions(place: float, end: str, expected: list[float]) -> None:
    np.testing.assert_allclose(Route(STOPS, "lerp").at(place, end), expected, atol=1e-6)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("place", "end", "expected"),
    [
        (0, "bounce", [1, 0]),
        (0.25, "bounce", [0.75, 0.25]),
        (1.5, "bounce", [0.5, 0.5]),
        (-0.25, "bounce", [0.75, 0.25]),
    ],
)
def test_classes_change_evenly_from_stop_to_stop_also_along_arcs(place: float, end: End, expected: list[float]) -> None:
    stops = [np.array(stop, np.float32) for stop in ([1, 0], [0, 1], [-1, 0])]
    shares = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    for method in METHODS:
        route = Route(stops, method, shares)
        found = route.shares_at(place, end)
        assert found is not None
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert Route(stops, "lerp").shares_at(place, end) is None


def test_a_route_along_a_dimension_leaves_the_others() -> None:
    way = along(np.array([5, 1], np.float32), Axes(2, (), np.full(2, 3, np.float32)), 1, -3, 3)
    np.testing.assert_allclose(way.at(0, "bounce"), [5, -3])
    np.testing.assert_allclose(way.at(4.5, "bounce"), [5, 1.5])


def test_a_random_walk_goes_the_same_way_again_and_back() -> None:
    start = np.array([1, 2, 3], np.float32)
    walk, again = RandomWalk(start, 4, 1.0), RandomWalk(start, 4, 1.0)
    np.testing.assert_array_equal(walk.at(0, "loop"), start)
    for place in (0.3, 7.9, -2.2):
        np.testing.assert_array_equal(walk.at(place, "loop"), again.at(place, "loop"))
    assert not np.array_equal(walk.at(1, "loop"), walk.at(-1, "loop"))


def test_a_random_walk_makes_no_leaps() -> None:
    walk = RandomWalk(np.zeros(8, np.float32), 0, 1.0)
    points = np.stack([walk.at(place, "loop") for place in np.arange(-3, 3, 0.01)])
    assert np.linalg.norm(np.diff(points, axis=0), axis=1).max() < 0.2


def test_a_random_walk_under_a_learned_prior_goes_from_draw_to_draw_of_it() -> None:
    draws = np.arange(12, dtype=np.float32).reshape(4, 3), np.ones((4, 3), np.float32)
    walk = RandomWalk(np.zeros(3, np.float32), 0, 0.5, draws)
    stops = [walk.at(place, "bounce") for place in (1, 2, 3, -1)]
    expected = draws[0] + 0.5
    assert all((np.abs(expected - stop).sum(1) < 1e-5).any() for stop in stops)
    np.testing.assert_array_equal(walk.at(0, "bounce"), 0)


def test_speed_goes_through_slow_to_backwards() -> None:
    motion, seen = Motion(), []
    for _ in range(20):
        motion.change_speed(-1)
        seen.append(motion.speed)
    assert 0 not in seen
    assert seen[-1] == -4
    assert sorted(seen, reverse=True) == seen


def test_motion_goes_on_along_its_route_until_it_is_stopped() -> None:
    motion = Motion()
    assert motion.advance(1.0) is None
    motion.change_speed(1)
    np.testing.assert_allclose(motion.start(Route(STOPS, "lerp")), [0, 0])
    for expected in ([1, 0], [2, 0], [2, 1]):
        assert motion.advance(0.5) == pytest.approx(expected, abs=1e-6)
    motion.reroute(Route([np.array([0, 0], np.float32), np.array([0, 4], np.float32)], "lerp"))
    assert motion.advance(0.25) == pytest.approx([0, 1], abs=1e-6)
    motion.stop()
    assert not motion.playing
    assert motion.advance(1.0) is None
