"""Names and numbers stand beside the tiles that they are of, however these are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from vae_tui.tui.graphics.app import PictureApp, PictureChoice
from vae_tui.tui.widgets.canvas import Canvas
from vae_tui.tui.widgets.grid_labels import LABEL_COLUMNS, ColumnLabels, RowLabels


class LabelledApp(PictureApp[None]):
    """A canvas of three rows of four tiles, with labels."""

    def compose(self) -> ComposeResult:
        self.canvas = Canvas()
        self.rows, self.columns = RowLabels(self.canvas), ColumnLabels(self.canvas)
        yield Horizontal(self.rows, Vertical(self.canvas, self.columns))

    def show(self, columns: list[str]) -> None:
        self.canvas.show(np.full((12, 1, 8, 8, 1), 200, np.uint8), columns=4)
        self.rows.show(["first", "second 2.5 nats", "third"])
        self.columns.show(columns)

    @property
    def lines(self) -> list[str]:
        return ["".join(part.text for part in strip) for strip in self.screen._compositor.render_strips()]


@pytest.mark.parametrize("mode", ["half", "octant", "quadrant", "ascii", "sixel", "kitty"])
async def test_each_label_is_at_the_middle_of_its_row_or_column(mode: PictureChoice) -> None:
    app = LabelledApp(images=mode)
    async with app.run_test(size=(70, 24)) as pilot:
        await pilot.pause()
        app.show(["-1", "0", "1", "2"])
        await pilot.pause()
        found = {line[:LABEL_COLUMNS].strip(): y for y, line in enumerate(app.lines) if line[:LABEL_COLUMNS].strip()}
        assert list(found) == ["first", "second", "third"]
        cells = app.canvas.tile_cells
        assert len(cells) == 12
        for (top, _, bottom, _), y in zip(cells[::4], found.values(), strict=True):
            assert top <= y < bottom
            assert abs(y - (top + bottom - 1) / 2) <= 1
        below = app.lines[-1]
        assert below.split() == ["-1", "0", "1", "2"]
        for (_, left, _, right), text in zip(cells, ["-1", "0", "1", "2"], strict=False):
            assert abs(below.index(f" {text} ") + 1 + len(text) / 2 - LABEL_COLUMNS - (left + right) / 2) <= 1


async def test_a_label_that_would_touch_the_one_before_is_left_out() -> None:
    app = LabelledApp(images="half")
    async with app.run_test(size=(70, 24)) as pilot:
        await pilot.pause()
        app.show(["1", "a label over two", "left out", "1"])
        await pilot.pause()
        assert app.lines[-1].split() == ["1", "a", "label", "over", "two", "1"]


async def test_of_a_label_that_is_too_long_the_first_word_stands_or_nothing() -> None:
    app = LabelledApp(images="half")
    async with app.run_test(size=(70, 24)) as pilot:
        await pilot.pause()
        app.show([])
        app.rows.show(["z10234 12.34", "z10 1.23", "+123456789.00"])
        await pilot.pause()
        assert [line[:LABEL_COLUMNS].strip() for line in app.lines if line[:LABEL_COLUMNS].strip()] == [
            "z10234",
            "z10 1.23",
        ]


async def test_no_tiles_have_no_labels() -> None:
    app = LabelledApp(images="half")
    async with app.run_test(size=(70, 24)) as pilot:
        await pilot.pause()
        app.show(["-1", "0", "1", "2"])
        app.canvas.show(None)
        app.rows.show(())
        app.columns.show(())
        await pilot.pause()
        assert not "".join(app.lines).strip()
