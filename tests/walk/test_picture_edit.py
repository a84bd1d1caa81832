"""A picture that is changed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from walking import Walking

from vae_tui.walk.messages import DecoderDied, EditFitted, FitEdited
from vae_tui.walk.picture_edit import PictureEdit


@pytest.fixture
def edit() -> PictureEdit:
    return PictureEdit(np.full((28, 20, 1), 7, np.uint8))


def is_changed(edit: PictureEdit) -> bool:
    return bool(edit.hidden.any() or (edit.image != 7).any())


def test_it_begins_with_a_copy_and_a_brush_that_fits_the_picture() -> None:
    image = np.zeros((28, 28, 1), np.uint8)
    edit = PictureEdit(image)
    edit.stroke((3, 3), (3, 3))
    assert not image.any()
    assert edit.brush == 2
    assert PictureEdit(np.zeros((128, 128, 3), np.uint8)).brush == 9
    assert PictureEdit(np.zeros((4, 4, 1), np.uint8)).brush == 1


def test_a_stroke_paints_a_line_as_wide_as_the_brush(edit: PictureEdit) -> None:
    edit.resize_brush(-5)
    assert edit.brush == 1
    edit.stroke((2, 3), (5, 9))
    painted = np.argwhere(edit.image[..., 0] == 255)
    assert len(painted) == 7, "one pixel a column, the longer way"
    assert painted[:, 1].tolist() == [3, 4, 4, 5, 6, 7, 8, 9][: len(painted)] or sorted(painted[:, 1]) == [
        *range(3, 10)
    ]
    edit.resize_brush(2)
    edit.stroke((20, 10), (20, 10))
    assert (edit.image[19:22, 9:12] == 255).all()
    assert (edit.image[18, :] == 7).all()


def test_the_pen_draws_along_with_the_cursor_while_it_is_down(edit: PictureEdit) -> None:
    edit.resize_brush(-1)
    edit.move(-4, 0)
    assert not is_changed(edit)
    row, column = edit.cursor
    edit.toggle_pen()
    edit.move(0, 3)
    edit.toggle_pen()
    edit.move(2, 0)
    assert np.argwhere(edit.image[..., 0] == 255).tolist() == [[row, column + right] for right in range(4)]
    edit.move(-100, -100)
    assert edit.cursor == (0, 0)


def test_a_part_is_hidden_and_uncovered_and_the_picture_stays(edit: PictureEdit) -> None:
    edit.change_tool(1)
    edit.resize_brush(1)
    assert (edit.tool, edit.brush) == ("hide", 2)
    edit.fill()
    assert edit.hidden.all()
    edit.change_tool(1)
    edit.stroke((14, 10), (14, 10))
    edit.invert_hidden()
    assert edit.hidden.sum() == 5, "a brush of two pixels covers a pixel and its neighbours"
    assert (edit.image == 7).all()
    covered, open_part = edit.draw()[15, 10], edit.draw()[0, 0]
    assert tuple(open_part) == (7, 7, 7)
    assert len(set(covered.tolist())) > 1, "it lies under a chessboard in colour"


def test_colors_are_of_the_palette_or_picked(edit: PictureEdit) -> None:
    edit.choose_color(0)
    assert (edit.color, edit.color_name) == ((0,), "black")
    edit.choose_color(8)
    assert edit.color_name == "black", "of greys there are five"
    edit.pick_color()
    assert (edit.color, edit.color_name) == ((7,), "#070707")
    of_three = PictureEdit(np.full((8, 8, 3), (1, 2, 3), np.uint8))
    of_three.pick_color()
    assert of_three.color_name == "#010203"
    of_three.change_tool(1)
    of_three.choose_color(2)
    assert (of_three.tool, of_three.color_name) == ("paint", "red")
    of_three.fill()
    assert (of_three.image == of_three.color).all()


def test_changes_are_undone_and_made_again_a_dragged_stroke_as_one(edit: PictureEdit) -> None:
    edit.stroke((2, 2), (2, 2))
    edit.stroke((2, 2), (9, 9), goes_on=True)
    after = edit.image.copy()
    edit.change_tool(1)
    edit.fill()
    assert edit.undo()
    assert not edit.hidden.any()
    assert edit.undo()
    assert not is_changed(edit)
    assert not edit.undo()
    assert edit.redo()
    np.testing.assert_array_equal(edit.image, after)
    edit.start_again()
    assert not is_changed(edit)
    assert not edit.redo(), "what was changed anew ends what could be made again"
    assert edit.undo()
    np.testing.assert_array_equal(edit.image, after)


def test_one_goes_to_a_place_that_agrees_with_an_edited_picture_and_that_can_be_undone(walking: Walking) -> None:
    session, found, problems = walking.session, list[EditFitted](), list[str]()
    walking.deliver()
    assert walking.walk.image is not None
    edit = PictureEdit(walking.walk.image)
    edit.fill()
    session.place.step(1.0)
    before = walking.z.copy()
    session.place.fit_edit(edit, by="weights", seed=3, then=found.append, failed=problems.append)
    (request,) = walking.sent(FitEdited)
    assert (request.image == 255).all()
    assert (request.seed, request.hidden.sum()) == (3, 0)
    np.testing.assert_array_equal(request.point, before)
    walking.deliver()
    np.testing.assert_array_equal(walking.z, before, "it is for the user to go there")
    session.place.go_to_fitted(found[0], 0)
    np.testing.assert_allclose(walking.z, before + 0.5)
    assert walking.notice == "fitted to the edited picture: -log p(x, z) 111.25 nats, 120.50 where it began"
    session.place.undo()
    np.testing.assert_array_equal(walking.z, before)
    edit.invert_hidden()
    session.place.fit_edit(edit, by="gradient", seed=0, then=found.append, failed=problems.append)
    walking.deliver()
    session.place.go_to_fitted(found[1], 2)
    np.testing.assert_array_equal(walking.z, found[1].points[2])
    assert walking.notice == "fitted to the edited picture: 3 of 8 that agree with what is not hidden"
    assert not problems


def test_where_the_decoder_died_another_is_started_for_an_edited_picture(walking: Walking) -> None:
    walking.deliver()
    assert walking.walk.image is not None
    walking.session.receive(0, DecoderDied("killed"))
    walking.inbox.clear()
    found, problems = list[EditFitted](), list[str]()
    edit = PictureEdit(walking.walk.image)
    walking.session.place.fit_edit(edit, by="weights", seed=0, then=found.append, failed=problems.append)
    walking.deliver()
    assert len(walking.decoders) == 2
    assert (len(found), problems) == (1, [])
