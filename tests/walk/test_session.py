"""A session driven as by keys, without a terminal, with a decoder that stands in for the process."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fake_decoder import EPSILON, FakeDecoder
from walking import Walking

from vae_tui.runs.layout import Run
from vae_tui.walk.anchors import Anchor
from vae_tui.walk.messages import (
    Decode,
    ExportGif,
    FitImage,
)
from vae_tui.walk.recorded import read_walk

Start = Callable[[], Walking]


# Place


def test_the_same_place_is_decoded_as_one_class_after_the_other(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("fake_decoder.FakeDecoder.conditional", True)
    walking = start()
    walking.deliver()
    assert walking.walk.class_name == "none"
    walking.session.place.step(0.5)
    walking.deliver()
    before, walking.decoders[-1].sent = walking.z.copy(), []
    seen = []
    for _ in range(4):
        walking.session.place.change_class(1)
        walking.deliver()
        seen.append(walking.walk.class_name)
    assert seen == ["circle", "ring", "spot", "none"]
    assert len(walking.sent(Decode)) == 4, "each class is seen"
    np.testing.assert_array_equal(walking.z, before)
    walking.session.place.change_class(-1)
    walking.session.place.change_class(-1)
    walking.deliver()
    assert walking.walk.class_name == "ring", "keys that come faster than replies are all taken"
    walking.session.motion.add_here()
    walking.session.place.step(1.0)
    walking.session.motion.add_here()
    walking.session.storage.export(str(tmp_path / "walk.toml"), 8)
    assert read_walk(tmp_path / "walk.toml").class_name == "ring"


def test_between_anchors_of_two_classes_the_class_goes_over_too(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("fake_decoder.FakeDecoder.conditional", True)
    walking = start()
    walking.session.view.fit((120, 160))
    walking.deliver()
    session, walk = walking.session, walking.walk

    def decoded() -> Decode:
        walking.deliver()
        request: Decode = walking.sent(Decode)[-1]
        np.testing.assert_array_equal(request.points[0], walk.z)
        return request

    def are_decoded_as(*expected: float) -> None:
        request = decoded()
        assert request.shares is not None
        np.testing.assert_allclose(request.shares, np.tile(expected, (len(request.points), 1)))

    assert decoded().shares is None, "nowhere is there a class yet"
    session.motion.add_source("circle")
    are_decoded_as(1, 0, 0, 0)
    assert walk.class_name == "circle"
    session.motion.add_source("spot")
    walking.deliver()
    session.motion.change_speed(-1)
    session.motion.toggle_play()
    session.advance(1.0)
    are_decoded_as(0.75, 0, 0.25, 0)
    assert walk.class_name == "75% circle, 25% spot"
    session.place.step(0.5)
    are_decoded_as(0.75, 0, 0.25, 0)
    session.view.show("strip")
    are_decoded_as(0.75, 0, 0.25, 0)
    session.view.show("image")
    session.storage.export(str(tmp_path / "walk.toml"), 1)
    recorded = read_walk(tmp_path / "walk.toml")
    assert recorded.shares is not None
    np.testing.assert_allclose(recorded.shares[[0, 10, 20, 30], 2], [0, 0.5, 1, 0.5])
    session.place.draw(3)
    assert decoded().shares is None, "a draw is of no class"
    session.place.undo()
    assert decoded().shares is not None
    session.motion.go_to_next()
    are_decoded_as(1, 0, 0, 0)
    seen = []
    for _ in range(5):
        session.place.change_class(1)
        assert decoded().shares is None or walk.classes.wanted is None
        seen.append(walk.class_name)
    assert seen == ["circle", "ring", "spot", "none", "circle"], "the last is the image's own again"
    assert walk.classes.wanted is None


def test_a_class_that_was_chosen_goes_for_images_of_another_too(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_decoder.FakeDecoder.conditional", True)
    walking = start()
    walking.deliver()
    walking.session.place.change_class(2)
    walking.deliver()
    for name in ("circle", "spot"):
        walking.session.motion.add_source(name)
        walking.deliver()
    assert walking.walk.class_name == "ring"
    assert all(request.shares is None for request in walking.sent(Decode))


def test_an_image_that_is_gone_to_is_decoded_as_of_its_class(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_decoder.FakeDecoder.conditional", True)
    walking = start()
    walking.deliver()
    for name in ("ring", "spot"):
        walking.session.place.go_to(f"next:{name}")
        walking.deliver()
        assert walking.walk.class_name == name


def test_a_plain_model_has_no_classes_between_anchors(walking: Walking, tmp_path: Path) -> None:
    for name in ("circle", "spot"):
        walking.session.motion.add_source(name)
        walking.deliver()
    walking.session.storage.export(str(tmp_path / "walk.toml"), 1)
    assert read_walk(tmp_path / "walk.toml").shares is None
    assert all(request.shares is None for request in walking.sent(Decode))
    assert walking.walk.class_name == ""


def test_a_model_that_is_given_no_class_says_so(walking: Walking) -> None:
    walking.session.place.change_class(1)
    assert walking.notice.startswith("this model is given no class")


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
    np.testing.assert_array_equal(walking.z, np.array([0, 1, 0, -2.5, 0], np.float32))
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


def test_playing_between_anchors_needs_two_and_says_so(walking: Walking) -> None:
    walking.session.motion.add_here()
    walking.session.motion.toggle_play()
    assert "two anchors are needed" in walking.notice
    assert not walking.session.advance(1.0)


def test_without_an_anchor_it_plays_at_random(walking: Walking) -> None:
    session, motion = walking.session, walking.walk.motion
    session.motion.toggle_play()
    assert "at random, as there are no anchors" in walking.notice
    start = walking.z.copy()
    assert session.advance(1.0)
    assert np.count_nonzero(walking.z != start) == len(start)
    session.motion.toggle_play()
    assert not motion.playing
    assert motion.kind == "anchors", "which it goes to once there are two"
    for value in (1.0, 3.0):
        session.place.set_value(value)
        session.motion.add_here()
    session.motion.toggle_play()
    np.testing.assert_allclose(walking.z, walking.walk.stops[0])


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
    assert "saved as 4" in walking.notice
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
    np.testing.assert_array_equal(walk.points[:, [1, 3]], np.array([[0, 0], [1, 0], [1, -1]], np.float32))
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
    found = session.storage.path()
    assert found is not None
    points, _ = found
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


def test_an_image_is_fitted_from_where_one_stands_and_that_can_be_undone(walking: Walking) -> None:
    session = walking.session
    session.place.fit_image()
    assert walking.notice.startswith("which image? a adds one")
    session.motion.add_source("ring")
    walking.deliver()
    session.motion.add_source("spot")
    walking.deliver()
    session.motion.go_to_next()
    at_ring = walking.z
    walking.sent()
    session.place.fit_image()
    (request,) = walking.sent(FitImage)
    assert request.source == "ring"
    walking.deliver()
    np.testing.assert_allclose(walking.z, at_ring + 0.5)
    assert walking.notice == "fitted to test (ring): -log p(x, z) 111.25 nats, 120.50 where it began"
    session.place.fit_image()
    assert walking.sent(FitImage)[0].source == "spot", "the last, as one stands at none"
    walking.walk.anchors.add(Anchor("mean of ring", np.zeros(5, np.float32), np.zeros(5, np.float32), "mean:ring"))
    assert walking.walk.anchors.image_for(np.zeros(5, np.float32)) == "spot", "a mean is no image"
    walking.deliver()
    session.place.undo()
    session.place.undo()
    np.testing.assert_array_equal(walking.z, at_ring)


def test_a_drag_moves_along_the_map_s_axes_and_is_undone_as_one(walking: Walking) -> None:
    session, start = walking.session, walking.z
    session.view.set_plane("z3", "z0")
    session.view.drag(0.25, 0.0, begins=True)
    session.view.drag(0.25, -0.5, begins=False)
    np.testing.assert_allclose(walking.z, [-3, 0, 0, 3, 0])
    walking.deliver()
    assert walking.walk.image is not None
    session.directions.add("pca:1")
    walking.deliver()
    session.view.set_plane("pca:1", "z0")
    before, vector = walking.z, walking.walk.dimensions.axes.vector(5)
    session.view.drag(0.1, 0.0, begins=True)
    np.testing.assert_allclose(walking.z, before + 0.6 * vector, atol=1e-6)
    session.place.undo()
    np.testing.assert_array_equal(walking.z, before)
    session.place.undo()
    np.testing.assert_array_equal(walking.z, start)


def test_one_level_of_a_ladder_is_drawn_anew_and_the_other_stays(
    start: Callable[[], Walking], monkeypatch: pytest.MonkeyPatch
) -> None:
    walking = start()
    for key in (partial(walking.session.place.draw_level, "lower"), partial(walking.session.place.change_class, 1)):
        key()
        assert walking.notice == "the model is still being opened: in a moment"
        walking.walk.notice = None
    walking.deliver()
    walking.session.place.draw_level("lower")
    assert walking.notice == 'this model has one level of latents: one trained with network = "ladder" has two'
    monkeypatch.setattr(FakeDecoder, "upper_dim", 2)
    walking = start()
    walking.deliver()
    session = walking.session
    session.place.set_value(2.5)
    before = walking.z
    session.place.draw_level("lower")
    walking.deliver()
    np.testing.assert_array_equal(walking.z[:2], before[:2])
    np.testing.assert_allclose(walking.z[2:], 2 * EPSILON[2:])
    assert walking.notice == "the lower level drawn anew, seed 1"
    lower = walking.z[2:]
    session.place.draw_level("upper")
    walking.deliver()
    np.testing.assert_allclose(walking.z[:2], 3 * EPSILON[:2])
    np.testing.assert_array_equal(walking.z[2:], lower)
    session.place.undo()
    session.place.undo()
    np.testing.assert_array_equal(walking.z, before)


def test_steps_go_no_further_than_a_value_can_be_typed(walking: Walking) -> None:
    walking.session.place.set_value(1000.0)
    walking.session.place.step(1.0)
    assert walking.z.max() == 1000
    walking.session.storage.save_bookmark(3)
    assert "saved as 3" in walking.notice
