from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vae_tui.errors import VaeTuiError
from vae_tui.walk.bookmarks import Bookmark, Bookmarks


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.toml").touch()
    return tmp_path / "run" / "step-000000001.safetensors"


def test_a_place_is_saved_with_its_run_to_the_bit(checkpoint: Path) -> None:
    z = np.random.default_rng(0).normal(size=5).astype(np.float32)
    Bookmarks(checkpoint).save(3, Bookmark(z))
    Bookmarks(checkpoint).save(0, Bookmark(-z))
    saved = Bookmarks(checkpoint.with_name("step-000000002.safetensors")).read()
    assert sorted(saved) == [0, 3]
    assert saved[3].z.tobytes() == z.tobytes()
    assert (checkpoint.parent / "bookmarks.toml").is_file()
    assert sorted(Bookmarks(checkpoint.parent / "snapshots" / checkpoint.name).read()) == [0, 3]


def test_a_place_too_far_out_is_refused_and_the_others_stay(checkpoint: Path) -> None:
    Bookmarks(checkpoint).save(2, Bookmark(np.array([1000.0, -1000.0], np.float32)))
    for far in (1001.0, np.nan):
        with pytest.raises(VaeTuiError, match="further than 1,000 from 0"):
            Bookmarks(checkpoint).save(3, Bookmark(np.array([0.0, far], np.float32)))
    assert list(Bookmarks(checkpoint).read()) == [2]


def test_a_file_in_no_run_has_its_bookmarks_with_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    Bookmarks(tmp_path / "a.safetensors").save(1, Bookmark(np.array([1], np.float32)))
    assert Bookmarks(tmp_path / "b.safetensors").read() == {}
    assert list(Bookmarks(tmp_path / "a.safetensors").read()) == [1]


@pytest.mark.parametrize(
    "text",
    [
        "bookmarks = 3",
        "[bookmarks]\n12 = [1]",
        "[bookmarks]\nx = [1]",
        "[bookmarks]\n1 = ['a']",
        "[bookmarks]\n1 = [1e30]",
        "[bookmarks]\n1 = [1]\n[[directions.1]]\nname = 'a'",
        "[bookmarks]\n1 = [1]\n[[directions.1]]\nname = 'a'\nnote = ''\nvector = [2]",
        "[bookmarks]\n1 = [1]\n[[directions.1]]\nname = 'a'\nnote = ''\nvector = [0, 1]",
        "directions = 1\n[bookmarks]\n1 = [1]",
        "[" * 5000,
    ],
)
def test_a_file_that_holds_none_is_not_written_over(checkpoint: Path, text: str) -> None:
    path = checkpoint.parent / "bookmarks.toml"
    path.write_text(text)
    with pytest.raises(VaeTuiError, match="holds no bookmarks"):
        Bookmarks(checkpoint).save(1, Bookmark(np.array([1], np.float32)))
    assert path.read_text() == text
