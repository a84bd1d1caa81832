"""A session driven as by keys, without a terminal; the decoder stands in for the process unless a test says otherwise."""

from __future__ import annotations

import os
import queue
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_decoder import EPSILON, draw
from walking import Walking, write_checkpoint

from vae_tui.errors import CheckpointError
from vae_tui.runs.layout import Run
from vae_tui.walk.decoder import DecoderProcess
from vae_tui.walk.messages import (
    CheckpointOpened,
    Decode,
    DecoderDied,
    DrawPrior,
    EncodeTestImages,
    ExportGif,
    Failed,
    FindNeighbors,
    FindSource,
    OpenCheckpoint,
    Progressed,
    Project,
    Reply,
    Snapped,
)
from vae_tui.walk.recorded import read_walk
from vae_tui.walk.session import WalkSession
from vae_tui.walk.views.scatter import ScatterView
from vae_tui.walk.views.view import VIEW_NAMES, ViewName

Start = Callable[[], Walking]


# Place


def test_steps_there_and_back_are_no_way_at_all(walking: Walking) -> None:
    for _ in range(7):
        walking.session.place.step(0.1)
    assert walking.z[1] == np.float32(0.7)
    for _ in range(7):
        walking.session.place.step(-0.1)
    assert not walking.z.any()


def test_every_move_can_be_undone_and_done_again(walking: Walking) -> None:
    place = walking.session.place
    place.step(1.0)
    place.choose(1)
    place.set_value(-2.5)
    place.reset_all()
    assert not walking.z.any()
    place.undo()
    np.testing.assert_array_equal(walking.z, np.float32([0, 1, 0, -2.5, 0]))
    place.undo()
    place.undo()
    assert not walking.z.any()
    place.undo()
    assert walking.notice == "there is nothing to undo"
    for _ in range(4):
        place.redo()
    assert walking.notice == "there is nothing to redo"
    assert not walking.z.any()


def test_arrows_choose_and_step_where_there_is_no_cursor(walking: Walking) -> None:
    place = walking.session.place
    place.arrow(0, -1)
    assert walking.walk.dimensions.chosen == 3
    place.big_arrow(1, 0)
    assert walking.z[3] == 1
    place.big_arrow(0, 1)
    assert walking.walk.dimensions.chosen == 1


def test_a_slider_is_pulled_to_a_value_or_only_chosen(walking: Walking) -> None:
    walking.session.place.pull(4, 0.123)
    assert walking.walk.dimensions.chosen == 4
    assert walking.z[4] == np.float32(0.12)
    walking.session.place.pull(0, None)
    assert walking.walk.dimensions.chosen == 0
    assert walking.walk.position.undo_count == 1


def test_a_seed_is_gone_to_once_it_is_drawn_and_the_next_one_after_it(walking: Walking) -> None:
    walking.session.place.draw_next()
    assert not walking.z.any()
    walking.deliver()
    np.testing.assert_allclose(walking.z, EPSILON)
    assert walking.walk.position.place.seed == 0
    walking.session.place.draw_next()
    walking.deliver()
    np.testing.assert_allclose(walking.z, 2 * EPSILON)
    assert walking.walk.position.place.seed == 1


def test_of_two_seeds_the_last_is_gone_to(walking: Walking) -> None:
    walking.session.place.draw(3)
    walking.session.place.draw(4)
    walking.deliver()
    assert walking.walk.position.place.seed == 4
    assert walking.walk.position.undo_count == 1


def test_a_drawn_place_moves_with_the_temperature_and_one_made_by_hand_does_not(walking: Walking) -> None:
    place = walking.session.place
    place.draw(0)
    walking.deliver()
    place.change_temperature(-0.5)
    np.testing.assert_allclose(walking.z, EPSILON / 2)
    place.step(0.1)
    before = walking.z
    place.change_temperature(0.3)
    np.testing.assert_array_equal(walking.z, before)
    assert walking.walk.draws.temperature == 0.8


def test_snapping_and_calculating_go_where_the_decoder_says(walking: Walking) -> None:
    walking.session.place.step(1.0)
    walking.session.place.snap()
    walking.deliver()
    assert walking.z[1] == 0.5
    walking.session.motion.add_here()
    walking.session.place.calculate("A + z")
    walking.deliver()
    assert walking.z[1] == 1.0
    assert walking.notice == "here: A + z"
    walking.session.place.undo()
    walking.session.place.undo()
    assert walking.z[1] == 1.0


# Views


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
    assert len(walking.sent(Decode)) == (1 if view in ("strip", "table", "map") else 0)


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
    session.view.set_plane(4, 0)
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


# Anchors and motion


def test_anchors_are_found_gone_to_and_removed(walking: Walking) -> None:
    motion = walking.session.motion
    motion.go_to_next()
    assert "there is no anchor yet" in walking.notice
    motion.add_source("circle")
    motion.add_source("ring")
    motion.add_source("square")
    walking.deliver()
    assert walking.notice == "there is no class 'square'"
    assert list(walking.walk.anchors.captions) == ["A test 0 (circle)", "B test 1 (ring)"]
    np.testing.assert_array_equal(walking.z, walking.decoders[-1].codes[1])
    motion.go_to_next()
    np.testing.assert_array_equal(walking.z, walking.decoders[-1].codes[0])
    assert walking.notice == "at A"
    motion.remove_last()
    assert len(walking.walk.anchors) == 1
    for _ in range(10):
        motion.add_here()
    assert "there are 10 anchors already" in walking.notice


def test_playing_needs_two_anchors_and_says_so(walking: Walking) -> None:
    walking.session.motion.toggle_play()
    assert "two anchors are needed" in walking.notice
    assert not walking.session.advance(1.0)


def test_playing_goes_from_anchor_to_anchor_and_is_undone_as_one_step(walking: Walking) -> None:
    session = walking.session
    for value in (1.0, 3.0):
        session.place.set_value(value)
        session.motion.add_here()
    session.motion.toggle_method()
    session.motion.change_speed(1)
    session.motion.toggle_play()
    undo_count = walking.walk.position.undo_count
    walking.deliver()
    walking.sent()
    for seconds, expected in ((0.5, 2.0), (1.0, 2.0), (0.25, 1.5)):
        assert session.advance(seconds)
        assert walking.z[1] == pytest.approx(expected)
        walking.deliver()
        assert len(walking.sent(Decode)) == (0 if seconds == 1.0 else 1)
    assert walking.walk.position.undo_count == undo_count
    session.place.step(0.1)
    assert not session.advance(1.0)


def test_playing_along_a_dimension_reaches_as_far_as_the_prior(walking: Walking) -> None:
    walking.walk.dimensions.reach(5, (np.full((9, 5), 8.5, np.float32), np.zeros((9, 5), np.float32)))
    motion = walking.session.motion
    motion.next_kind()
    for _ in range(2):
        motion.change_speed(1)
    motion.toggle_play()
    walking.session.advance(4.2)
    assert walking.z[1] == pytest.approx(8.4)
    motion.next_kind()
    assert walking.walk.motion.kind == "random walk"
    assert walking.session.advance(1.0)
    motion.toggle_play()
    assert not walking.session.advance(1.0)


def test_anchors_drawn_with_one_epsilon_are_walked_between_in_the_middle_of_it(walking: Walking) -> None:
    walking.session.motion.add_source("circle")
    walking.session.motion.add_source("ring")
    walking.deliver()
    walking.session.motion.toggle_play()
    walking.session.motion.toggle_at()
    walking.session.advance(0.0)
    np.testing.assert_allclose(walking.z, walking.decoders[-1].codes[0] + EPSILON, rtol=1e-6)


# What is stored


def test_bookmarks_stay_with_the_run(walking: Walking, followed: Run) -> None:
    session = walking.session
    session.place.step(1.0)
    session.storage.save_bookmark(4)
    assert "kept as 4" in walking.notice
    assert session.storage.slots == "taken: 4"
    session.place.reset_all()
    session.storage.go_to_bookmark(4)
    assert walking.z[1] == 1
    session.storage.go_to_bookmark(9)
    assert "bookmark 9 is empty" in walking.notice
    assert list(tomllib.loads((followed.path / "bookmarks.toml").read_text())["bookmarks"]) == ["4"]
    (followed.path / "bookmarks.toml").write_text("[bookmarks]\n1 = [1.0]\n")
    session.storage.go_to_bookmark(1)
    assert walking.notice == "bookmark 1 has 1 dimensions, this model has 5"
    (followed.path / "bookmarks.toml").write_text("[")
    session.storage.save_bookmark(1)
    assert "holds no bookmarks" in walking.notice


def test_a_recording_has_a_frame_for_every_move(walking: Walking, tmp_path: Path) -> None:
    session = walking.session
    session.storage.toggle_recording()
    session.place.step(1.0)
    session.place.choose(1)
    session.place.step(-1.0)
    session.storage.toggle_recording()
    assert "recorded 3 frames, 0.3 s" in walking.notice
    session.place.reset_all()
    session.storage.export(str(tmp_path / "walk.toml"), 1)
    walk = read_walk(tmp_path / "walk.toml")
    np.testing.assert_array_equal(walk.points[:, [1, 3]], np.float32([[0, 0], [1, 0], [1, -1]]))
    session.storage.export(str(tmp_path / "walk.gif"), 1)
    (request,) = walking.sent(ExportGif)
    np.testing.assert_array_equal(request.points, walk.points)
    walking.deliver()
    assert walking.notice == f"wrote {tmp_path / 'walk.gif'}"


def test_without_a_recording_the_way_through_the_anchors_and_back_is_exported(walking: Walking, tmp_path: Path) -> None:
    session = walking.session
    session.storage.export(str(tmp_path / "walk.gif"), 1)
    assert "nothing to export that moves" in walking.notice
    session.motion.toggle_method()
    session.motion.add_here()
    session.place.step(1.0)
    session.motion.add_here()
    points = session.storage.path()
    assert points is not None
    np.testing.assert_allclose(points[[0, 10, 20, 30], 1], [0, 0.5, 1, 0.5])


def test_the_view_is_exported_as_a_picture(walking: Walking, tmp_path: Path) -> None:
    walking.session.view.show("strip")
    walking.session.storage.export(str(tmp_path / "early.png"), 11)
    assert walking.notice == "there is no picture yet"
    walking.deliver()
    walking.session.storage.export(str(tmp_path / "walk.png"), 11)
    assert (tmp_path / "walk.png").is_file()
    walking.session.storage.export(str(tmp_path / "walk.png"), 11)
    assert "is there already" in walking.notice


# The decoder


def test_everything_but_pictures_is_there_before_the_checkpoint_is_open(start: Start) -> None:
    walking = start()
    walking.session.place.step(1.0)
    walking.session.place.draw_next()
    walking.session.motion.add_source("ring")
    assert walking.z[1] == 1
    assert [type(request) for request in walking.sent()] == [OpenCheckpoint]
    walking.deliver()
    # What was wanted before is sent once it is open; then what is to be seen.
    kinds = [type(request) for request in walking.sent()]
    assert kinds[:2] == [DrawPrior, FindSource]
    assert len(walking.walk.anchors) == 1
    np.testing.assert_array_equal(walking.walk.image, draw(walking.z[None])[0])


def test_progress_is_told_until_the_reply_is_there(start: Start) -> None:
    walking = start()
    ((number, _),) = walking.inbox
    link = walking.walk.link
    walking.session.receive(0, Progressed("importing torch", 0, None))
    assert link.progress_of(OpenCheckpoint) == "importing torch"
    walking.deliver()
    assert link.progress_of(OpenCheckpoint) == ""
    walking.session.receive(number, Progressed("too late", 0, None))
    walking.session.view.show("scatter")
    ((number, _),) = walking.inbox
    walking.session.receive(number, Progressed("encoding", 30, 120))
    assert link.progress_of(EncodeTestImages, Project) == "encoding 25%"


def test_replies_that_nobody_waits_for_any_more_are_dropped(walking: Walking) -> None:
    walking.session.place.step(1.0)
    ((number, reply),) = walking.inbox
    walking.deliver()
    image = walking.walk.image
    walking.session.receive(number, reply)
    walking.session.receive(number + 100, reply)
    assert walking.walk.image is image


def test_of_pictures_that_come_late_the_newer_stays(walking: Walking) -> None:
    walking.session.place.step(1.0)
    walking.session.place.step(1.0)
    older, newer = walking.inbox
    walking.inbox = [newer, older]
    walking.deliver()
    np.testing.assert_array_equal(walking.walk.image, draw(walking.z[None])[0])


def test_a_decoder_that_dies_is_told_and_the_next_key_starts_another(walking: Walking) -> None:
    walking.session.place.step(1.0)
    walking.inbox = [(0, DecoderDied("killed"))]
    walking.deliver()
    assert walking.notice == "the decoder died: killed; the next key starts another"
    assert walking.decoders[0].is_closed
    assert len(walking.decoders) == 1
    walking.session.place.step(1.0)
    assert len(walking.decoders) == 2
    walking.deliver()
    np.testing.assert_array_equal(walking.walk.image, draw(walking.z[None])[0])
    assert walking.z[1] == 2


def test_a_session_that_is_closed_starts_no_decoder_any_more(walking: Walking) -> None:
    walking.session.close()
    walking.session.place.step(1.0)
    walking.session.look_for_newer()
    assert [decoder.is_closed for decoder in walking.decoders] == [True]


def test_a_newer_checkpoint_is_opened_in_place(walking: Walking, followed: Run) -> None:
    session = walking.session
    session.look_for_newer()
    assert walking.sent() == []
    session.view.show("scatter")
    walking.deliver()
    session.place.step(1.0)
    walking.deliver()
    walking.sent()
    newer = write_checkpoint(followed.path / "step-000000200.safetensors")
    session.look_for_newer()
    session.look_for_newer()
    assert walking.sent() == [OpenCheckpoint(newer.absolute())]
    assert walking.walk.link.progress_of(OpenCheckpoint) == f"opening {newer.name}"
    walking.deliver()
    assert walking.walk.opened is not None
    assert (walking.walk.opened.step, walking.walk.checkpoint) == (200, newer.absolute())
    assert walking.z[1] == 1
    # All that was computed with the older one is computed anew.
    assert [type(request) for request in walking.sent()] == [Decode, EncodeTestImages, Project]


def test_what_the_older_checkpoint_still_replies_is_not_shown(walking: Walking, followed: Run) -> None:
    session = walking.session
    session.view.show("scatter")
    codes = walking.inbox.pop()
    write_checkpoint(followed.path / "step-000000200.safetensors")
    session.look_for_newer()
    walking.deliver()
    before = walking.walk.scene.codes
    session.receive(codes[0], codes[1])
    assert walking.walk.scene.codes is before


def test_a_newer_checkpoint_that_was_pruned_before_it_was_open_changes_nothing(walking: Walking, followed: Run) -> None:
    write_checkpoint(followed.path / "step-000000200.safetensors")
    walking.session.look_for_newer()
    walking.inbox = [(number, Failed("no such file")) for number, _ in walking.inbox]
    walking.deliver()
    assert walking.notice == walking.walk.failure == ""
    walking.session.place.step(1.0)
    walking.deliver()
    np.testing.assert_array_equal(walking.walk.image, draw(walking.z[None])[0])


def test_a_first_checkpoint_that_was_pruned_gives_way_to_a_newer_one_or_ends_the_walk(
    start: Start, followed: Run
) -> None:
    walking = start()
    newer = write_checkpoint(followed.path / "step-000000200.safetensors")
    walking.inbox = [(number, Failed("no such file")) for number, _ in walking.inbox]
    walking.session.receive(*walking.inbox.pop())
    assert walking.walk.failure == ""
    assert walking.sent()[-1] == OpenCheckpoint(newer.absolute())
    walking.inbox = [(number, Failed("no such file")) for number, _ in walking.inbox]
    walking.deliver()
    assert walking.walk.failure == "no such file"


def test_a_space_of_another_size_ends_what_does_not_fit_it(walking: Walking) -> None:
    session = walking.session
    session.place.step(1.0)
    session.motion.add_here()
    session.motion.add_here()
    session.storage.toggle_recording()
    session.motion.toggle_play()
    walking.deliver()
    session.place.snap()
    walking.walk.enter(CheckpointOpened(walking.walk.checkpoint, 2, 9, "mlp", (), (0.5, 0.7), True))
    assert (len(walking.walk.anchors), walking.walk.motion.playing, walking.walk.recording.active) == (0, False, False)
    np.testing.assert_array_equal(walking.z, np.float32([0, 1]))
    assert walking.walk.dimensions.order == [1, 0]
    # What is replied to what was sent before has five latents.
    assert isinstance(walking.inbox[0][1], Snapped)
    session.receive(*walking.inbox[0])
    assert len(walking.z) == 2


def test_a_file_that_holds_no_vae_is_refused(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "state.safetensors")
    path.write_bytes(path.read_bytes().replace(b"latent_dim", b"latent_sum"))
    with pytest.raises(CheckpointError, match="holds no VAE"):
        WalkSession(path, lambda: pytest.fail("no decoder is needed"))


def test_with_a_real_process_places_are_decoded_and_its_death_is_survived(walked_run: Run) -> None:
    inbox: queue.Queue[tuple[int, Reply]] = queue.Queue()
    processes: list[DecoderProcess] = []

    def start() -> DecoderProcess:
        processes.append(DecoderProcess(lambda number, reply: inbox.put((number, reply))))
        return processes[-1]

    def receive_until(condition: Callable[[], object]) -> None:
        while not condition():
            session.receive(*inbox.get(timeout=120))

    session = WalkSession(walked_run.latest().path, start)
    walk = session.walk
    session.start()
    session.place.step(1.0)
    receive_until(lambda: walk.image is not None)
    assert walk.opened is not None
    assert (walk.opened.step, walk.opened.class_names) == (7, ("bottom", "middle", "top"))
    session.view.show("strip")
    receive_until(lambda: walk.views.current.tiles)
    session.motion.add_source("class:top")
    receive_until(lambda: len(walk.anchors))
    session.view.show("neighbors")
    receive_until(lambda: walk.views.current.tiles)
    session.view.show("scatter")
    receive_until(lambda: walk.views.scatter.dots(walk.scene))
    os.kill(processes[0].pid, 9)
    receive_until(lambda: walk.opened is None)
    assert walk.notice is not None
    assert "the decoder died: it ended with exit status -9" in walk.notice.text
    before = walk.image
    session.place.step(1.0)
    receive_until(lambda: walk.image is not before)
    session.close()
    assert len(processes) == 2
