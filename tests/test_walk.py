from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vae_tui.errors import VaeTuiError
from vae_tui.walk import Walk, lerp, pass_through, read_walk, slerp, write_walk


def test_a_straight_line_goes_evenly() -> None:
    points = lerp(np.float32([0, 2]), np.float32([4, 0]), np.array([0, 0.25, 1]))
    np.testing.assert_allclose(points, [[0, 2], [1, 1.5], [4, 0]])


def test_an_arc_keeps_its_distance_from_the_origin() -> None:
    points = slerp(np.float32([3, 0]), np.float32([0, 3]), np.linspace(0, 1, 7))
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 3, rtol=1e-6)
    np.testing.assert_allclose(points[3], [3 / np.sqrt(2)] * 2, rtol=1e-6)


def test_the_length_of_an_arc_changes_evenly() -> None:
    points = slerp(np.float32([1, 0]), np.float32([0, 3]), np.array([0, 0.5, 1]))
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), [1, 2, 3], rtol=1e-6)


@pytest.mark.parametrize("end", [[2, 4], [-1, -2], [0, 0]], ids=["the same direction", "opposite", "the origin"])
def test_where_there_is_no_arc_it_is_a_line(end: list[float]) -> None:
    start, shares = np.float32([1, 2]), np.linspace(0, 1, 5)
    np.testing.assert_allclose(slerp(start, np.float32(end), shares), lerp(start, np.float32(end), shares), atol=1e-6)


@pytest.mark.parametrize("method", ["lerp", "slerp"])
def test_a_way_through_anchors_has_each_of_them_once(method: str) -> None:
    anchors = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    points = pass_through(anchors, 4, method=method)  # type: ignore[arg-type]
    assert points.shape == (7, 5)
    np.testing.assert_allclose(points[[0, 3, 6]], anchors, rtol=1e-6)


def test_a_closed_way_can_be_repeated_without_a_halt() -> None:
    anchors = np.float32([[0], [3]])
    np.testing.assert_allclose(pass_through(anchors, 4, closed=True), [[0], [1], [2], [3], [2], [1]])


@pytest.mark.parametrize(("count", "frames"), [(1, 5), (2, 1)])
def test_a_way_needs_two_ends(count: int, frames: int) -> None:
    with pytest.raises(VaeTuiError, match="two anchors and two frames"):
        pass_through(np.zeros((count, 2), np.float32), frames)


def test_a_walk_reads_back_to_the_same_bits(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(40, 7)).astype(np.float32)
    write_walk(tmp_path / "walk.toml", Walk(points, 12.5, "checkpoints/a run/step-000000001.safetensors"))
    walk = read_walk(tmp_path / "walk.toml")
    assert walk.points.dtype == np.float32
    assert walk.points.tobytes() == points.tobytes()
    assert (walk.frames_per_second, walk.checkpoint) == (12.5, "checkpoints/a run/step-000000001.safetensors")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("points = [", "is not TOML"),
        ("points = " + "[" * 5000, "is not TOML"),
        ("points = [[" + "1" * 5000 + "]]", "is not TOML"),
        ("points = [[1.0]]\nframes_per_second = 1e-9", "from 0.01 to 100"),
        ("", "points: expected a list of points"),
        ("points = []", "points: expected a list of points"),
        ("points = [[]]", "points: expected a list of points"),
        ("points = [1, 2]", "points: expected a list of points"),
        ("points = [[1], [1, 2]]", r"points\[1\] has 2 numbers, points\[0\] has 1"),
        ("points = [[nan]]", r"points\[0\]: expected numbers"),
        ("points = [[true]]", r"points\[0\]: expected numbers"),
        ("points = [[1e9]]", r"points\[0\]: expected numbers"),
        ("points = [[1]]\nframes_per_second = 0", "frames_per_second: expected a number from 0.01"),
        ("points = [[1]]\nframes_per_second = 'fast'", "frames_per_second: expected a number from 0.01"),
        ("points = [[1]]\ncheckpoint = 3", "checkpoint: expected a file's name"),
        ("points = [[1]]\nspeed = 3", "unknown key speed"),
    ],
)
def test_a_bad_walk_is_refused_with_its_key(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "walk.toml"
    path.write_text(text)
    with pytest.raises(VaeTuiError, match=problem) as caught:
        read_walk(path)
    assert str(path) in str(caught.value)


def test_a_walk_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(VaeTuiError, match="no such file"):
        read_walk(tmp_path / "walk.toml")


def test_a_walk_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(VaeTuiError, match="cannot be written"):
        write_walk(tmp_path / "nowhere" / "walk.toml", Walk(np.zeros((1, 2), np.float32), 10))
