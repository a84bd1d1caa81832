from __future__ import annotations

from pathlib import Path

import pytest

from vae_tui.tui.prompt_inputs import check_plane, check_seed, check_value, read_number, suggest_sources


def test_numbers_are_read_as_people_write_them() -> None:
    assert read_number("−2.5") == -2.5
    assert read_number("1e2") == 100
    assert read_number("nan") is None


@pytest.mark.parametrize("text", ["much", "1001", "inf", ""])
def test_what_is_no_value_is_told(text: str) -> None:
    assert "is no number between −1000 and 1000" in str(check_value(text))


@pytest.mark.parametrize("text", ["3.5", "-1", "²", "1" * 19])
def test_what_is_no_seed_is_told(text: str) -> None:
    assert "is no whole number" in str(check_seed(text))


@pytest.mark.parametrize("text", ["0 0", "0 5", "1", "0 1 2", "9" * 5000])
def test_what_is_no_plane_is_told(text: str) -> None:
    assert "two different dimensions of 0 to 4" in str(check_plane(text, 5))


def test_what_is_right_is_not_complained_about() -> None:
    assert check_value("-1000") is check_seed("42") is check_plane("z3, z0", 5) is None


def test_sources_are_suggested_by_how_they_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    classes = ["top", "trouser"]

    def names(text: str) -> list[str]:
        return [name for name, _ in suggest_sources(text, classes)]

    assert names("t") == ["class:top", "mean:top", "class:trouser", "mean:trouser"]
    assert names("mean:to") == ["mean:top"]
    assert names("12") == ["12", "train:12"]
    (tmp_path / "photo.jpg").touch()
    (tmp_path / "photos").mkdir()
    (tmp_path / "phone.txt").touch()
    assert suggest_sources("pho", classes) == [("photo.jpg", "picture"), ("photos/", "folder")]
