from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vae_tui.tui.prompt_inputs import (
    check_class,
    check_directions,
    check_place,
    check_plane,
    check_seed,
    check_value,
    read_number,
    read_plane,
    suggest_classes,
    suggest_directions,
    suggest_places,
    suggest_sources,
)
from vae_tui.walk.axes import Axes, Direction

AXES = Axes(5, (), np.full(5, 3, np.float32))


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


@pytest.mark.parametrize("text", ["0 0", "0 5", "1", "0 1 2", "9" * 5000, "z0 pca:1", ""])
def test_what_is_no_plane_is_told(text: str) -> None:
    assert "two different axes of z0 to z4" in str(check_plane(text, AXES))


def test_what_is_right_is_not_complained_about() -> None:
    assert check_value("-1000") is check_seed("42") is check_plane("z3, 0", AXES) is None


def test_a_plane_may_be_of_directions_but_not_of_two_that_are_one() -> None:
    along = np.array([0.6, 0.8, 0, 0, 0], np.float32)
    ways = (Direction("pca:1", along), Direction("pca:2", -along), Direction("class:a b-c", along[::-1].copy()))
    axes = Axes(5, ways, np.full(8, 3, np.float32))
    assert read_plane("pca:1, 3") == ["pca:1", "z3"]
    assert read_plane("class:a b-c 3") == ["class:a b-c", "z3"]
    assert read_plane("0 class:a b-c") == ["z0", "class:a b-c"]
    assert read_plane("z1 z2") == ["z1", "z2"]
    assert check_plane("pca:1 3", axes) is None
    assert "the same way, or opposite ways" in str(check_plane("pca:1 pca:2", axes))
    assert "z0 to z4, pca:1, pca:2" in str(check_plane("pca:1 pca:3", axes))


def test_directions_are_suggested_one_after_the_other() -> None:
    def names(text: str) -> list[str]:
        return [name for name, _ in suggest_directions(text, ["4", "9"], "AB")]

    assert names("") == ["pca:1", "jacobian:1", "class:4-9", "line:A-B"]
    assert names("c") == ["class:4-9", "class:9-4"]
    assert names("pca:1 line") == ["pca:1 line:A-B", "pca:1 line:B-A"]
    assert names("pca:1 ") == ["pca:1 pca:1", "pca:1 jacobian:1", "pca:1 class:4-9", "pca:1 line:A-B"]
    boots = [name for name, _ in suggest_directions("pca:1 class:ankle b", ["Ankle boot", "Bag"], "")]
    assert boots == ["pca:1 class:Ankle boot-Bag"]
    assert names("sideways") == []
    many = [f"class {number}" for number in range(1000)]
    assert len(suggest_directions("class:", many, "")) == 8
    assert [name for name, _ in suggest_directions("", [], "")] == ["pca:1", "jacobian:1"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected pca:K, class:A-B, jacobian:K or line:A-B"),
        ("pca:1 up", "pca:1 up: expected pca:1 to pca:5"),
        ("up", "up: expected pca:K"),
        ("x" * 300, f"{'x' * 30}…: expected pca:K"),
        ("pca:0", "expected pca:1 to pca:5"),
        ("jacobian:", "jacobian:: expected jacobian:1 to jacobian:5"),
        ("pca:１", "expected pca:1 to pca:5"),
        ("line:A-C", "expected two anchors and a hyphen, such as line:A-B; the anchors are A, B"),
        ("class:4", "expected two classes and a hyphen, of 4, 9, Ankle boot"),
        ("class:4-hat", "expected two classes and a hyphen"),
    ],
)
def test_what_is_no_direction_is_not_taken(text: str, problem: str) -> None:
    assert problem in str(check_directions(text, 5, ["4", "9", "Ankle boot"], "AB"))


def test_directions_that_are_right_are_not_complained_about() -> None:
    for text in ("pca:5 jacobian:1,line:a-b", "class:4-9", "class:ankle boot-9", "class:ank-4 pca:1"):
        assert check_directions(text, 5, ["4", "9", "Ankle boot"], "AB") is None
    assert check_directions("class:0-1", 5, ["bag", "boot"], "") is None
    assert check_directions("class:0-2", 5, ["bag", "boot"], "") is not None
    assert check_directions("class:what-ever", 5, None, "") is None, "classes are not known yet"
    assert "no anchor yet" in str(check_directions("line:A-B", 5, [], ""))
    assert "these images have none" in str(check_directions("class:4-9", 5, [], ""))


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


CLASSES = ("top", "trouser", "bag")


def test_places_to_go_to_are_suggested_as_one_types() -> None:
    assert [name for name, _ in suggest_places("", CLASSES)][:4] == [
        "class:top",
        "next:top",
        "mean:top",
        "class:trouser",
    ]
    assert [name for name, _ in suggest_places("TR", CLASSES)] == ["class:trouser", "next:trouser", "mean:trouser"]
    assert [name for name, _ in suggest_places("next:t", CLASSES)] == ["next:top", "next:trouser"]
    assert suggest_places("1234", CLASSES)[0] == ("1234", "test image")
    assert suggest_places("A - B + C", CLASSES) == []


def test_a_number_that_is_a_class_is_suggested_as_that_and_as_an_image() -> None:
    suggested = dict(suggest_places("7", ("3", "7")))
    assert suggested["7"] == "the mean of its codes"
    assert suggested["test:7"] == "test image"
    assert suggested["next:7"] == "its next test image after the one you are at"


def test_pictures_are_places_to_go_to(tmp_path: Path) -> None:
    (tmp_path / "shoe.png").touch()
    assert suggest_places(f"{tmp_path}/s", CLASSES) == [(f"{tmp_path}/shoe.png", "picture")]


def test_classes_are_suggested_and_checked() -> None:
    assert suggest_classes("t", CLASSES, [1000, 20, 3]) == [("top", "1,000 codes"), ("trouser", "20 codes")]
    assert suggest_classes("b", CLASSES, ()) == [("bag", "")]
    assert check_class("tro", CLASSES) is check_class("2", CLASSES) is None
    assert "fits several: top, trouser" in str(check_class("t", CLASSES))
    assert "there is no class 'hat'" in str(check_place("next:hat", CLASSES))
    assert check_place("next:hat", None) is check_place("hat", CLASSES) is check_place("next:bag", CLASSES) is None
