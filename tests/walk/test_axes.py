"""Directions are walked along as dimensions are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from walking import Walking

from vae_tui.walk.axes import Axes, Direction, split_names
from vae_tui.walk.dimensions import Dimensions
from vae_tui.walk.messages import Decode, DecoderDied, FindDirections
from vae_tui.walk.paths import Point

LONG, STEEP = np.array([0.6, 0.8, 0], np.float32), np.array([0, 0.6, -0.8], np.float32)
Z = np.array([1, 2, 3], np.float32)


@pytest.fixture
def axes() -> Axes:
    return Axes(3, (Direction("long", LONG), Direction("steep", STEEP)), np.full(5, 3, np.float32))


def test_each_has_a_name_and_a_unit_vector(axes: Axes) -> None:
    assert [axes.name(axis) for axis in range(len(axes))] == ["z0", "z1", "z2", "long", "steep"]
    assert [axes.find(name) for name in ("z2", "steep", "z3", "")] == [2, 4, None, None]
    np.testing.assert_array_equal(axes.vector(1), [0, 1, 0])
    np.testing.assert_array_equal(axes.vector(3), LONG)


@pytest.mark.parametrize(
    ("name", "width", "short"),
    [
        ("pca:1", 5, "pca:1"),
        ("jacobian:12", 11, "jacobian:12"),
        ("jacobian:12", 10, "jac:12"),
        ("class:4-9", 8, "4-9"),
        ("line:A-B", 7, "A-B"),
        ("class:t-shirt-ankle boot", 10, "t-shirt-a…"),
    ],
)
def test_a_name_is_shortened_to_what_it_is_of(name: str, width: int, short: str) -> None:
    assert Axes(3, (Direction(name, LONG),), np.full(4, 3, np.float32)).name(3, width) == short


@pytest.mark.parametrize("axis", range(5))
def test_a_move_changes_the_value_along_an_axis_and_nothing_across_it(axes: Axes, axis: int) -> None:
    moved = axes.move(Z, axis, -1.5)
    assert axes.value(moved, axis) == pytest.approx(-1.5)
    way = (moved - Z) / np.linalg.norm(moved - Z)
    np.testing.assert_allclose(abs(way @ axes.vector(axis)), 1, rtol=1e-5)
    np.testing.assert_allclose(axes.values(np.stack([Z, moved]), axis), [axes.value(Z, axis), -1.5], rtol=1e-5)


@pytest.mark.parametrize("plane", [(0, 2), (3, 1), (3, 4), (2, 4)])
def test_a_plane_of_any_two_has_both_values_everywhere_by_the_shortest_way(axes: Axes, plane: tuple[int, int]) -> None:
    across, upwards = np.array([-1, 0, 2], np.float32), np.array([3, 1, -2], np.float32)
    points = axes.spread_plane(Z, plane, across, upwards)
    np.testing.assert_allclose(axes.values(points, plane[0]), across, atol=1e-5)
    np.testing.assert_allclose(axes.values(points, plane[1]), upwards, atol=1e-5)
    beside = np.cross(axes.vector(plane[0]), axes.vector(plane[1]))
    np.testing.assert_allclose((points - Z) @ beside, 0, atol=1e-5)


def test_directions_stand_above_dimensions_and_reach_as_far_as_the_prior_does_along_them() -> None:
    dimensions = Dimensions(3, [0.1, 0.9, 0.5])
    noises = np.random.default_rng(0).standard_normal((4000, 3)).astype(np.float32)
    dimensions.reach(3, (6 * noises[:, :1] * LONG, 0 * noises))
    dimensions.add([Direction("long", LONG), Direction("steep", STEEP)])
    assert dimensions.rows == [3, 4, 1, 2, 0]
    assert dimensions.chosen == 3
    assert dimensions.axes.spans[3] == pytest.approx(6 * 2.8, abs=1.5)
    assert dimensions.axes.spans[4] == pytest.approx(6 * 0.48 * 2.8, abs=1.5)
    dimensions.choose(2)
    assert dimensions.chosen == 1
    dimensions.choose(-9)
    assert dimensions.chosen == 3


def test_one_of_the_same_name_takes_the_place_of_another_and_the_chosen_one_can_be_removed() -> None:
    dimensions = Dimensions(3, [0.1, 0.9, 0.5])
    dimensions.add([Direction("a", LONG), Direction("b", STEEP)])
    dimensions.add([Direction("a", STEEP)])
    assert [direction.name for direction in dimensions.axes.directions] == ["a", "b"]
    np.testing.assert_array_equal(dimensions.axes.vector(3), STEEP)
    removed = dimensions.remove_chosen()
    assert removed is not None
    assert removed.name == "a"
    assert dimensions.axes.name(dimensions.chosen) == "b"
    dimensions.remove_chosen()
    assert dimensions.chosen == 1
    assert dimensions.remove_chosen() is None
    dimensions.rank(2, [0.1, 0.2])
    assert len(dimensions.axes) == 2


def _components(walking: Walking, *names: str) -> list[Point]:
    found = {direction.name: direction.vector for direction in walking.walk.dimensions.axes.directions}
    return [found[name] for name in names]


def test_they_are_found_by_the_decoder_where_one_is_and_walked_by_the_keys(walking: Walking) -> None:
    session = walking.session
    session.place.set_value(1.0)
    here = walking.z
    session.directions.add("pca:1, jacobian:2")
    (request,) = walking.sent(FindDirections)
    assert request.names == ("pca:1", "jacobian:2")
    np.testing.assert_array_equal(request.point, here)
    walking.deliver()
    first, second = _components(walking, "pca:1", "jacobian:2")
    assert walking.notice == "added: pca:1 half, jacobian:2 half"
    session.place.step(0.5)
    np.testing.assert_allclose(
        walking.z, here + (round(float(here @ first), 4) + 0.5 - here @ first) * first, atol=1e-5
    )
    session.place.choose(1)
    session.place.reset()
    assert walking.z @ second == pytest.approx(0, abs=1e-6)
    session.directions.remove()
    assert walking.notice == "removed jacobian:2"


def test_directions_named_while_the_decoder_starts_are_found_once_it_has(start: Callable[[], Walking]) -> None:
    walking = start()
    walking.session.directions.add("pca:1")
    walking.deliver()
    assert [direction.name for direction in walking.walk.dimensions.axes.directions] == ["pca:1"]
    walking.session.receive(0, DecoderDied("killed"))
    walking.session.directions.add("pca:2")
    walking.deliver()
    assert [direction.name for direction in walking.walk.dimensions.axes.directions] == ["pca:1", "pca:2"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("pca:1 jacobian:2,line:A-B", ["pca:1", "jacobian:2", "line:A-B"]),
        ("class:Ankle boot-Bag pca:1", ["class:Ankle boot-Bag", "pca:1"]),
        (" pca:1, pca:2 ,, ", ["pca:1", "pca:2"]),
        ("up and down", ["up and down"]),
    ],
)
def test_names_have_commas_or_spaces_between_them(text: str, names: list[str]) -> None:
    assert split_names(text) == names


def test_a_line_and_others_are_added_in_one_step(walking: Walking) -> None:
    session = walking.session
    session.motion.add_here()
    session.place.set_value(2.0)
    session.motion.add_here()
    session.directions.add("line:A-B pca:1")
    assert not walking.walk.dimensions.axes.directions
    walking.deliver()
    assert walking.notice == "added: pca:1 half, line:A-B 2.00 apart"


def test_a_line_leads_from_anchor_to_anchor(walking: Walking) -> None:
    session = walking.session
    session.directions.add("line:A-B")
    assert "there is no anchor yet" in walking.notice
    session.motion.add_here()
    session.place.set_value(2.0)
    session.motion.add_here()
    session.directions.add("line:b-a")
    (way,) = _components(walking, "line:B-A")
    np.testing.assert_allclose(way, -walking.walk.dimensions.axes.vector(walking.walk.dimensions.order[0]))
    for wrong in ("line:A", "line:A-C", "line:-B", "line:A-B-A"):
        session.directions.add(wrong)
        assert walking.notice == f"{wrong}: expected two anchors and a hyphen, such as line:A-B; the anchors are A, B"
    session.directions.add("line:A-A")
    assert walking.notice == "line:A-A: these anchors are in one place"


def test_what_names_no_direction_is_replied_to_with_why_and_a_dimension_is_not_removed(walking: Walking) -> None:
    walking.session.directions.add("up")
    walking.deliver()
    assert walking.notice == "up: expected pca:K"
    walking.session.directions.remove()
    assert "a latent dimension stays" in walking.notice


def test_where_the_plane_went_along_one_that_is_removed_it_says_along_what_it_goes_now(walking: Walking) -> None:
    session = walking.session
    session.directions.add("pca:1 pca:2")
    walking.deliver()
    session.view.set_plane("pca:1", "z3")
    session.directions.remove()
    assert walking.notice == "removed pca:1; map and scatter go along z1 and z3"
    session.directions.remove()
    assert walking.notice == "removed pca:2"


def test_strip_table_map_and_scatter_go_along_them(walking: Walking) -> None:
    session, walk = walking.session, walking.walk
    session.directions.add("pca:1 pca:2")
    walking.deliver()
    (first,) = _components(walking, "pca:1")
    axes = walk.dimensions.axes

    def decoded(view: str) -> Point:
        walking.sent()
        session.view.show(view)  # type: ignore[arg-type]
        walking.deliver()
        points: Point = walking.sent(Decode)[-1].points
        return points[1:]

    strip = decoded("strip")
    np.testing.assert_allclose(strip - walk.z, np.outer((strip - walk.z) @ first, first), atol=1e-5)
    assert walk.views.current.title(walk.scene) == "pca:1 from -3.0 to +3.0"
    table = decoded("table")
    labels = walk.views.current.labels(walk.scene)
    assert labels is not None
    assert list(labels.rows[:3]) == ["pca:1", "pca:2", "z1 1.52"]
    np.testing.assert_allclose(
        axes.values(table[: len(labels.columns)], 5), np.linspace(-3, 3, len(labels.columns)), atol=1e-5
    )
    session.view.set_plane("pca:1", "z3")
    plane = decoded("map")
    assert walk.views.current.title(walk.scene).startswith("pca:1 → -3.0 … +3.0   z3 ↑")
    assert sorted(set(np.round(axes.values(plane, 5), 3).tolist()))[0] == -3
    before = walk.z
    session.place.arrow(1, 0)
    np.testing.assert_allclose(axes.value(walk.z, 3), before[3], atol=1e-6)
    assert axes.value(walk.z, 5) > axes.value(before, 5)
    session.view.show("scatter")
    walking.deliver()
    assert walk.views.scatter.title(walk.scene) == "test codes   pca:1 →   z3 ↑"


def test_they_are_kept_with_a_bookmark(walking: Walking) -> None:
    session = walking.session
    session.directions.add("pca:1")
    walking.deliver()
    (vector,) = _components(walking, "pca:1")
    session.storage.save_bookmark(4)
    session.directions.remove()
    assert not walking.walk.dimensions.axes.directions
    session.storage.go_to_bookmark(4)
    again = walking.walk.dimensions.axes.directions[0]
    assert (again.name, again.note, again.vector.tobytes()) == ("pca:1", "half", vector.tobytes())
