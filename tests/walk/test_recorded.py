from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vae_tui.errors import VaeTuiError
from vae_tui.walk.recorded import RecordedWalk, read_walk, write_walk


def test_a_walk_reads_back_to_the_same_bits(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(40, 7)).astype(np.float32)
    write_walk(tmp_path / "walk.toml", RecordedWalk(points, 12.5, "checkpoints/a run/step-000000001.safetensors"))
    walk = read_walk(tmp_path / "walk.toml")
    assert walk.points.dtype == np.float32
    assert walk.points.tobytes() == points.tobytes()
    assert (walk.frames_per_second, walk.checkpoint) == (12.5, "checkpoints/a run/step-000000001.safetensors")


def test_the_class_of_each_point_reads_back_too(tmp_path: Path) -> None:
    shares = np.array([[1, 0, 0], [0.9, 0.1, 0], [0, 0, 1]], np.float32)
    write_walk(tmp_path / "walk.toml", RecordedWalk(np.zeros((3, 2), np.float32), 10, "", "none", shares))
    walk = read_walk(tmp_path / "walk.toml")
    assert walk.shares is not None
    assert walk.shares.tobytes() == shares.tobytes()
    assert walk.class_name == "none"


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
        ("points = [[1]]\nclass_shares = 3", "class_shares: expected a list of shares"),
        ("points = [[1]]\nclass_shares = [['a']]", r"class_shares\[0\]: expected numbers"),
        ("points = [[1]]\nclass_shares = [[1], [1]]", "class_shares: expected a list for each of 1 points, got 2"),
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
        write_walk(tmp_path / "nowhere" / "walk.toml", RecordedWalk(np.zeros((1, 2), np.float32), 10))
