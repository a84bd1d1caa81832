"""Where pictures stand on a canvas, and room for a line of text beneath each of them."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest

from vae_tui.imaging.block_glyphs import MOSAICS
from vae_tui.imaging.mosaics import CELL
from vae_tui.imaging.terminal import Mode
from vae_tui.tui.widgets.canvas_plan import HALF_BLOCK, Pictures, Plan, make_plan

MODES = get_args(Mode)
DRAWN_BY_THE_TERMINAL = "kitty", "sixel"


def plan(mode: Mode, area: tuple[int, int], *, stack: int = 1, count: int = 11, labelled: bool = True) -> Plan:
    cell = CELL if mode in MOSAICS else (20, 9) if mode in DRAWN_BY_THE_TERMINAL else HALF_BLOCK
    found = make_plan(Pictures(count, stack, 28, 28, labelled=labelled), mode, cell, area)
    assert found is not None
    return found


@pytest.mark.parametrize("area", [(18, 44), (34, 74), (54, 150)])
@pytest.mark.parametrize("stack", [1, 2])
@pytest.mark.parametrize("mode", MODES)
def test_each_label_has_a_row_of_cells_of_its_own_beneath_its_stack(
    mode: Mode, stack: int, area: tuple[int, int]
) -> None:
    found = plan(mode, area, stack=stack, count=5)
    assert len(found.label_cells) == len(found.tile_cells) == found.layout.count
    rows = {row for row, _, _ in found.label_cells}
    assert max(rows) < area[0]
    for (row, first, last), (top, left, bottom, right) in zip(found.label_cells, found.tile_cells, strict=True):
        assert first == left
        assert right - 2 <= last <= right
        assert bottom <= row <= bottom + 1, "right beneath it"
        assert not rows.intersection(range(top, bottom)), "no label lies over a picture"


@pytest.mark.parametrize("area", [(18, 44), (34, 74), (54, 150)])
@pytest.mark.parametrize("mode", MODES)
def test_between_labels_there_is_a_blank(mode: Mode, area: tuple[int, int]) -> None:
    labels = plan(mode, area, count=30).label_cells
    together = [(one, other) for one, other in pairwise(labels) if one[0] == other[0]]
    assert together
    assert all(last < next_first for (_, _, last), (_, next_first, _) in together)


@pytest.mark.parametrize("mode", DRAWN_BY_THE_TERMINAL)
def test_what_the_terminal_draws_stays_off_the_labels_with_its_frame(mode: Mode) -> None:
    found = plan(mode, (34, 74))
    rows = {row for row, _, _ in found.label_cells}
    for top, _, bottom, _ in found.boxes:
        assert not rows.intersection(range(top // found.cell[0], -(-bottom // found.cell[0])))


@pytest.mark.parametrize("area", [(18, 44), (17, 44), (9, 30), (6, 20), (40, 100)])
@pytest.mark.parametrize("mode", MODES)
def test_labels_cost_no_picture(mode: Mode, area: tuple[int, int]) -> None:
    labelled = plan(mode, area)
    assert labelled.layout.count >= plan(mode, area, labelled=False).layout.count
    if area[0] > 16:
        assert labelled.layout.count == len(labelled.label_cells) == 11, "a traversal at 80 x 24 has both"


@pytest.mark.parametrize("mode", MODES)
def test_without_labels_there_is_no_room_for_any(mode: Mode) -> None:
    assert plan(mode, (18, 44), labelled=False).label_cells == []


@pytest.mark.parametrize("mode", [*MOSAICS, "half"])
def test_where_nine_fit_so_tiles_have_the_model_s_own_resolution(mode: Mode) -> None:
    found = plan(mode, (58, 198) if mode == "half" else (29, 99), count=64, labelled=False)
    assert (found.layout.height, found.layout.width) == (28, 28)
    assert 9 <= found.layout.count < 64


@pytest.mark.parametrize("stack", [1, 2])
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "kitty"])
def test_a_frame_has_room_above_pictures_with_labels(mode: Mode, stack: int) -> None:
    cell = CELL if mode in MOSAICS else (20, 9) if mode in DRAWN_BY_THE_TERMINAL else HALF_BLOCK
    for rows in range(6, 30):
        found = make_plan(Pictures(6, stack, 28, 28, 6, labelled=True), mode, cell, (rows, 78))
        if found is not None and found.text is not None:
            assert min(top for top, _ in found.places) >= found.gap, rows
            assert max(row for row, _, _ in found.label_cells) < rows
