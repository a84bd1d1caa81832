"""What each view has decoded for a session driven as by keys, and how often."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from fake_decoder import DEVIATIONS, draw
from walking import Walking

from vae_tui.walk.messages import (
    Decode,
    EncodeTestImages,
    Failed,
    FindNeighbors,
    MeasurePlace,
    Project,
)
from vae_tui.walk.views.scatter import ScatterView
from vae_tui.walk.views.view import VIEW_NAMES, ViewName

Start = Callable[[], Walking]


@pytest.mark.parametrize("view", VIEW_NAMES)
def test_after_a_key_one_request_has_all_that_is_to_be_decoded(walking: Walking, view: ViewName) -> None:
    session = walking.session
    session.view.show(view)
    walking.deliver()
    walking.sent()
    for press in (
        lambda: session.place.arrow(1, 0),
        lambda: session.place.step(0.1),
        lambda: session.place.big_arrow(1, 0),
        lambda: session.place.step(-1.0),
        session.place.reset_all,
        session.place.undo,
        session.place.redo,
        session.motion.add_here,
        lambda: session.place.pull(3, 1.5),
        lambda: session.place.draw(5),
        lambda: session.place.change_temperature(0.1),
        session.place.snap,
    ):
        before = walking.z
        press()
        walking.deliver()
        decoded = walking.sent(Decode)
        assert len(decoded) == (0 if np.array_equal(before, walking.z) else 1)
        for request in decoded:
            np.testing.assert_array_equal(request.points[0], walking.z)
    assert walking.walk.image is not None
    np.testing.assert_array_equal(walking.walk.image, draw(walking.z[None])[0])


def test_to_choose_another_dimension_decodes_only_what_is_seen_of_it(walking: Walking) -> None:
    for view, count in (("image", 0), ("strip", 1), ("table", 0), ("map", 0)):
        walking.session.view.show(view)  # type: ignore[arg-type]
        walking.deliver()
        walking.sent()
        walking.session.place.choose(1)
        assert len(walking.sent(Decode)) == count


@pytest.mark.parametrize("view", VIEW_NAMES)
def test_to_show_a_view_takes_one_decode_at_most(walking: Walking, view: ViewName) -> None:
    walking.session.view.show(view)
    walking.deliver()
    assert len(walking.sent(Decode)) == (1 if view in ("strip", "table", "map", "codes") else 0)


def test_what_changes_nothing_sends_nothing(walking: Walking) -> None:
    walking.session.motion.toggle_end()
    walking.session.motion.change_speed(1)
    walking.session.storage.toggle_recording()
    walking.session.view.fit((120, 160))
    walking.session.place.choose(1)
    assert walking.sent() == []


@pytest.mark.parametrize(("view", "count", "mark"), [("strip", 11, 5), ("table", 52, 6), ("map", 140, 62)])
def test_a_view_of_many_pictures_splits_the_reply(walking: Walking, view: ViewName, count: int, mark: int) -> None:
    walking.session.view.show(view)
    walking.deliver()
    current, scene = walking.walk.views.current, walking.walk.scene
    assert current.tiles is not None
    np.testing.assert_array_equal(current.tiles.images, draw(current.tiles.points))
    assert len(current.tiles.images) == count
    assert current.mark(scene) == mark
    walking.session.view.go_to_tile(0)
    np.testing.assert_array_equal(walking.z, current.tiles.points[0])


def test_a_view_that_needs_room_waits_until_it_is_known(walking: Walking) -> None:
    walking.session.view.fit(None)
    walking.session.view.show("map")
    walking.deliver()
    assert walking.sent(Decode) == []
    walking.session.view.fit((60, 80))
    walking.deliver()
    assert len(walking.sent(Decode)) == 1
    assert walking.walk.views.current.tiles is not None


def test_a_reply_for_a_view_that_was_left_is_only_the_image(walking: Walking) -> None:
    walking.session.place.step(1.0)
    walking.session.view.show("strip")
    walking.session.view.show("neighbors")
    walking.deliver()
    tiles = walking.walk.views.current.tiles
    assert tiles is not None
    assert len(tiles.images) == 16
    np.testing.assert_array_equal(tiles.points[0], walking.z)


def test_the_image_is_seen_though_it_was_decoded_for_a_view_that_was_left(walking: Walking) -> None:
    walking.session.view.show("neighbors")
    walking.deliver()
    walking.session.place.step(1.0)
    walking.session.view.show("image")
    walking.deliver()
    tiles = walking.walk.views.current.tiles
    assert tiles is not None
    np.testing.assert_array_equal(tiles.images, draw(walking.z[None]))


@pytest.mark.parametrize("view", ["strip", "table", "map", "neighbors"])
def test_the_key_of_the_view_that_is_seen_changes_nothing(walking: Walking, view: ViewName) -> None:
    walking.session.view.show(view)
    walking.deliver()
    walking.sent()
    tiles = walking.walk.views.current.tiles
    walking.session.view.show(view)
    assert walking.walk.views.current.tiles is tiles
    assert walking.sent() == []


def test_neighbors_are_found_for_the_picture_that_is_decoded(walking: Walking) -> None:
    walking.session.view.show("neighbors")
    walking.deliver()
    walking.sent()
    walking.session.place.step(1.0)
    assert walking.sent(FindNeighbors) == []
    walking.deliver()
    (found,) = walking.sent(FindNeighbors)
    np.testing.assert_array_equal(found.image, draw(walking.z[None])[0])
    assert walking.walk.views.current.captions(walking.walk.scene)[1] == "7 ring 0.12"


def test_codes_are_encoded_once_and_each_plane_is_projected_once(walking: Walking) -> None:
    session, scatter = walking.session, walking.walk.views.scatter
    session.view.show("scatter")
    session.place.step(0.1)
    assert len(walking.sent(EncodeTestImages)) == 1
    walking.deliver()
    assert [request.method for request in walking.sent(Project)] == ["pca"]
    assert scatter.dots(walking.walk.scene) is not None
    for expected in (["tsne"], [], []):
        session.view.vary()
        walking.deliver()
        assert [request.method for request in walking.sent(Project)] == expected
    session.view.show("image")
    session.view.show("scatter")
    walking.deliver()
    assert walking.sent(EncodeTestImages) == walking.sent(Project) == []


def test_a_cursor_moves_in_the_plane_of_the_codes_and_the_window_follows(walking: Walking) -> None:
    walking.session.view.show("scatter")
    walking.deliver()
    view = walking.walk.views.current
    assert isinstance(view, ScatterView)
    before = view.dots(walking.walk.scene)
    walking.session.place.big_arrow(1, 0)
    after = view.dots(walking.walk.scene)
    assert before is not None
    assert after is not None
    step = 0.1 * (before.window[1] - before.window[0])
    assert after.cursor == pytest.approx((before.cursor[0] + step, before.cursor[1]))
    for _ in range(12):
        walking.session.place.big_arrow(1, 0)
    moved = view.dots(walking.walk.scene)
    assert moved is not None
    assert moved.window[1] == pytest.approx(moved.cursor[0])
    walking.session.view.go_to_spot((0.25, -0.5))
    np.testing.assert_allclose(walking.z[[1, 3]], [0.25, -0.5], atol=1e-6)


def test_a_map_moves_zooms_and_takes_other_dimensions(walking: Walking) -> None:
    session = walking.session
    session.view.show("map")
    view = walking.walk.views.current
    assert view.title(walking.walk.scene) == "z1 → -3.0 … +3.0   z3 ↑ -3.0 … +3.0"
    session.place.arrow(1, 1)
    np.testing.assert_allclose(walking.z[[1, 3]], [0.15, 0.15], atol=1e-6)
    session.view.zoom(0.5)
    assert "z1 → -1.4 … +1.6" in view.title(walking.walk.scene)
    session.view.set_plane("z4", "z0")
    assert view.title(walking.walk.scene) == "z4 → -3.0 … +3.0   z0 ↑ -3.0 … +3.0"


def test_traversals_go_over_the_range_of_the_data_once_it_is_known(walking: Walking) -> None:
    session = walking.session
    session.view.show("strip")
    session.view.vary()
    view = walking.walk.views.current
    assert view.title(walking.walk.scene) == "z1 from -3.0 to +3.0"
    walking.deliver()
    low, high = np.percentile(walking.decoders[-1].codes[:, 1], [0.5, 99.5])
    assert view.title(walking.walk.scene) == f"z1 from {low:+.1f} to {high:+.1f}"
    assert len(walking.sent(EncodeTestImages)) == 1


def test_what_a_view_needs_and_cannot_have_is_told_and_not_sent_for_again(walking: Walking) -> None:
    walking.session.view.show("scatter")
    walking.inbox = [(number, Failed("no images here")) for number, _ in walking.inbox]
    walking.deliver()
    assert walking.walk.views.problem == walking.notice == "no images here"
    walking.sent()
    walking.session.place.step(0.1)
    walking.deliver()
    assert walking.sent(EncodeTestImages) == []
    walking.session.view.show("scatter")
    assert len(walking.sent(EncodeTestImages)) == 1


def test_codes_are_changed_one_place_at_a_time(walking: Walking) -> None:
    session = walking.session
    session.view.show("codes")
    walking.deliver()
    view = walking.walk.views.current
    assert view.title(walking.walk.scene) == "place 2 of 5: codes 0 to 3 of 4"
    assert view.tiles is not None
    assert view.tiles.points[:, 1].tolist() == [-1.5, -0.5, 0.5, 1.5]
    session.place.arrow(1, 0)
    session.place.arrow(1, 0)
    walking.deliver()
    assert walking.z.tolist() == [0, 1.5, 0, 0, 0], "from the nearest to 0, the second, two on"
    session.place.arrow(1, 0)
    assert walking.z[1] == 1.5, "there is none after the last"
    assert view.captions(walking.walk.scene) == ["code 3", "1 [3] 1 1 1"]
    assert view.mark(walking.walk.scene) == 3
    session.view.go_to_tile(0)
    assert walking.z[1] == -1.5


def test_rows_and_columns_of_a_table_are_named(walking: Walking) -> None:
    walking.session.view.fit((120, 160), (90, 120))
    walking.session.view.show("table")
    walking.deliver()
    walk = walking.walk
    view, scene = walk.views.current, walk.scene
    labels, found = view.labels(scene), view.spread(scene)
    assert labels is not None
    assert found is not None
    assert scene.area == (90, 120), "labels have a part of the room"
    columns = found.columns or 0
    assert len(labels.columns) == columns
    points = found.points.reshape(len(labels.rows), columns, -1)
    for row, name in zip(points, labels.rows, strict=True):
        (moved,) = np.flatnonzero(np.ptp(row, axis=0)).tolist()
        assert name == f"z{moved} {scene.rates[moved]:.2f}"
        assert [f"{value:+.1f}" for value in row[:, moved]] == list(labels.columns)


def test_a_map_has_both_its_values_along_it(walking: Walking) -> None:
    walking.session.view.show("map")
    walking.deliver()
    view, scene = walking.walk.views.current, walking.walk.scene
    labels, spread = view.labels(scene), view.spread(scene)
    assert labels is not None
    assert spread is not None
    shape = len(labels.rows), len(labels.columns)
    points = spread.points.reshape(*shape, -1)
    across = np.flatnonzero(np.ptp(points[0], axis=0))
    upwards = np.flatnonzero(np.ptp(points[:, 0], axis=0))
    assert [f"{value:+.2f}" for value in points[0, :, across[0]]] == list(labels.columns)
    assert [f"{value:+.2f}" for value in points[:, 0, upwards[0]]] == list(labels.rows)
    assert float(labels.rows[0]) > float(labels.rows[-1]), "it rises upwards"


def test_in_a_strip_each_picture_has_its_value_beneath_it(walking: Walking) -> None:
    walking.session.view.show("strip")
    walking.deliver()
    tiles = walking.walk.views.current.tiles
    assert tiles is not None
    assert list(tiles.labels) == [f"{value:+.2f}" for value in tiles.points[:, walking.walk.dimensions.chosen]]
    shown = tiles
    walking.session.place.choose(1)
    assert walking.walk.views.current.tiles is shown, "labels stay with their pictures until there are others"


def test_each_neighbor_has_its_index_and_class_beneath_it(walking: Walking) -> None:
    walking.session.view.show("neighbors")
    walking.deliver()
    tiles = walking.walk.views.current.tiles
    assert tiles is not None
    assert len(tiles.labels) == len(tiles.images)
    assert list(tiles.labels[:4]) == ["here", "0 circle", "7 ring", "14 spot"]


@pytest.mark.parametrize("view", ["image", "strip", "neighbors", "scatter", "codes"])
def test_other_views_have_no_labels(walking: Walking, view: ViewName) -> None:
    walking.session.view.show(view)
    walking.deliver()
    assert walking.walk.views.current.labels(walking.walk.scene) is None
    assert not walking.walk.views.current.is_labelled


def test_the_image_says_how_far_out_it_is_and_what_is_near(walking: Walking) -> None:
    session, walk = walking.session, walking.walk
    session.view.show("image")
    walking.deliver()
    session.place.reset_all()
    assert walk.views.current.captions(walk.scene)[1] == "|z| 0.00, past 0%"
    for dimension in range(len(walking.z)):
        session.place.pull(dimension, 3.0)
    assert walk.views.current.captions(walk.scene)[1] == f"|z| {3 * len(walking.z) ** 0.5:.2f}, past 100%"
    assert len(walk.views.current.captions(walk.scene)) == 2, "no codes are known"
    session.view.show("scatter")
    walking.deliver()
    session.view.show("image")
    codes = walk.scene.codes
    assert codes is not None
    walk.go(codes.means[3].copy())
    walking.deliver()
    expected = f"nearest test code ({codes.names[codes.labels[3]]}) 0.00 away"
    assert walk.views.current.captions(walk.scene)[2] == expected


def test_the_image_says_how_probable_its_place_is_in_as_many_letters_as_there_are(walking: Walking) -> None:
    session, walk = walking.session, walking.walk
    assert walk.views.current.titles(walk.scene) == ["log p(z) -4.59 nats"]
    session.view.show("scatter")
    walking.deliver()
    session.view.show("image")
    session.place.pull(1, 2.0)
    walking.deliver()
    assert walk.views.current.titles(walk.scene) == [
        "log p(z) -6.59 nats   log q(z) -8.09 nats, over 90 test images",
        "log p(z) -6.59   log q(z) -8.09 of 90",
        "log p(z) -6.6, q(z) -8.1 of 90",
    ]


def test_a_place_is_measured_once_and_only_after_its_picture(walking: Walking) -> None:
    walking.session.place.step(1.0)
    assert walking.sent(MeasurePlace) == []
    walking.deliver()
    (request,) = walking.sent(MeasurePlace)
    np.testing.assert_array_equal(request.point, walking.z)
    walking.session.view.show("strip")
    walking.deliver()
    assert walking.sent(MeasurePlace) == [], "it is the same place"


def test_at_the_code_of_an_image_its_posterior_has_a_width(walking: Walking) -> None:
    session, walk = walking.session, walking.walk
    assert walk.measure.deviations_at(walk.z) is None
    session.motion.add_source("ring")
    walking.deliver()
    np.testing.assert_array_equal(walk.measure.deviations_at(walk.z), DEVIATIONS)
    session.place.step(0.1)
    assert walk.measure.deviations_at(walk.z) is None, "it is another place, measured or not"
    walking.deliver()
    assert walk.measure.deviations_at(walk.z) is None
    session.place.undo()
    walking.deliver()
    np.testing.assert_array_equal(walk.measure.deviations_at(walk.z), DEVIATIONS)


def test_the_prior_is_as_long_as_a_normal_distribution_is(walking: Walking) -> None:
    norms = walking.walk.dimensions.norms
    assert (np.diff(norms) >= 0).all()
    assert np.square(norms).mean() == pytest.approx(len(walking.z), rel=0.1)
    middles, noises = np.full((200, 5), 10, np.float32), np.zeros((200, 5), np.float32)
    walking.walk.dimensions.reach(5, (middles, noises))
    np.testing.assert_allclose(walking.walk.dimensions.norms, 10 * 5**0.5, rtol=1e-6)
