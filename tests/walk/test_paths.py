from __future__ import annotations

import numpy as np
import pytest

from vae_tui.errors import VaeTuiError
from vae_tui.walk.paths import lerp, pass_through, slerp


def test_a_straight_line_goes_evenly() -> None:
    points = lerp(np.array([0, 2], np.float32), np.array([4, 0], np.float32), np.array([0, 0.25, 1]))
    np.testing.assert_allclose(points, np.array([[0, 2], [1, 1.5], [4, 0]]))


def test_an_arc_keeps_its_distance_from_the_origin() -> None:
    points = slerp(np.array([3, 0], np.float32), np.array([0, 3], np.float32), np.linspace(0, 1, 7))
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 3, rtol=1e-6)
    np.testing.assert_allclose(points[3], [3 / np.sqrt(2)] * 2, rtol=1e-6)


def test_the_length_of_an_arc_changes_evenly() -> None:
    points = slerp(np.array([1, 0], np.float32), np.array([0, 3], np.float32), np.array([0, 0.5, 1]))
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), [1, 2, 3], rtol=1e-6)


@pytest.mark.parametrize("end", [[2, 4], [-1, -2], [0, 0]], ids=["the same direction", "opposite", "the origin"])
def test_where_there_is_no_arc_it_is_a_line(end: list[float]) -> None:
    start, shares = np.array([1, 2], np.float32), np.linspace(0, 1, 5)
    goal = np.array(end, np.float32)
    np.testing.assert_allclose(slerp(start, goal, shares), lerp(start, goal, shares), atol=1e-6)


@pytest.mark.parametrize("method", ["lerp", "slerp"])
def test_a_way_through_anchors_has_each_of_them_once(method: str) -> None:
    anchors = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    points = pass_through(anchors, 4, method=method)  # type: ignore[arg-type]
    assert points.shape == (7, 5)
    np.testing.assert_allclose(points[[0, 3, 6]], anchors, rtol=1e-6)


def test_a_closed_way_can_be_repeated_without_a_halt() -> None:
    anchors = np.array([[0], [3]], np.float32)
    np.testing.assert_allclose(pass_through(anchors, 4, closed=True), [[0], [1], [2], [3], [2], [1]])


@pytest.mark.parametrize(("count", "frames"), [(1, 5), (2, 1)])
def test_a_way_needs_two_ends(count: int, frames: int) -> None:
    with pytest.raises(VaeTuiError, match="two anchors and two frames"):
        pass_through(np.zeros((count, 2), np.float32), frames)
