"""The canvas without a terminal of its own: half blocks and characters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import numpy as np
import pytest
from block_mosaics import FINE, decode_mosaics
from rich.cells import set_cell_size
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import ModalScreen

from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.tiles import place_stacks
from vae_tui.tui.graphics.app import PictureApp, PictureChoice
from vae_tui.tui.widgets.canvas import Canvas


class CanvasApp(PictureApp[None]):
    """A canvas and nothing else."""

    def __init__(self, images: PictureChoice = "auto") -> None:
        super().__init__(images=images)
        self.canvas = Canvas()
        self.areas: list[tuple[int, int]] = []

    def compose(self) -> ComposeResult:
        yield self.canvas

    def on_canvas_area_changed(self, event: Canvas.AreaChanged) -> None:
        self.areas.append(event.canvas.area)

    @property
    def shown(self) -> Pixels:
        """The pixels that the half blocks on the screen show."""
        rows = []
        for strip in self.screen._compositor.render_strips():
            above: list[tuple[int, ...]] = []
            below: list[tuple[int, ...]] = []
            for text, style, _ in strip:
                assert style is not None
                ground = tuple(style.bgcolor.get_truecolor()) if style.bgcolor else (0, 0, 0)
                ink = tuple(style.color.get_truecolor()) if style.color else (0, 0, 0)
                for character in text:
                    above.append(ink if character == "▀" else ground)
                    below.append(ink if character == "▄" else ground)
            rows += [above, below]
        return np.array(rows, np.uint8)

    @property
    def text(self) -> list[str]:
        return ["".join(part.text for part in strip) for strip in self.screen._compositor.render_strips()]


Show = Callable[..., AbstractAsyncContextManager[tuple[CanvasApp, Pilot[None]]]]


@pytest.fixture
def show(terminal_with_colors: None) -> Show:
    @asynccontextmanager
    async def show(
        size: tuple[int, int] = (40, 15), images: PictureChoice = "auto"
    ) -> AsyncIterator[tuple[CanvasApp, Pilot[None]]]:
        app = CanvasApp(images)
        async with app.run_test(size=size) as pilot:
            yield app, pilot

    return show


def tiles(count: int, side: int = 8) -> Pixels:
    """Tiles of noise (N, 1, side, side, 1)."""
    return np.random.default_rng(count).integers(0, 256, (count, 1, side, side, 1), np.uint8)


async def test_one_picture_is_shown_whole_times_larger_in_the_middle(show: Show) -> None:
    async with show() as (app, pilot):
        picture = tiles(1)
        app.canvas.show(picture)
        await pilot.pause()
        assert app.canvas.area == (30, 40)
        large = picture[0, 0].repeat(3, axis=0).repeat(3, axis=1).repeat(3, axis=2)
        assert np.array_equal(app.shown[2:26, 8:32], large)


async def test_a_picture_as_large_as_the_area_is_shown_as_it_is(show: Show) -> None:
    async with show() as (app, pilot):
        picture = np.random.default_rng(0).integers(0, 256, (1, 1, *app.canvas.area, 3), np.uint8)
        app.canvas.show(picture)
        await pilot.pause()
        assert np.array_equal(app.shown, picture[0, 0])


async def test_only_changed_cells_are_painted_again(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    async with show() as (app, pilot):
        picture = tiles(1, 30)
        app.canvas.show(picture)
        await pilot.pause()
        painted: list[tuple[int, ...]] = []
        refresh = app.canvas.refresh
        monkeypatch.setattr(app.canvas, "refresh", lambda *regions: painted.extend(regions) or refresh(*regions))
        app.canvas.show(picture)
        assert painted == []
        changed = picture.copy()
        changed[0, 0, 11, 7] ^= 255
        app.canvas.show(changed)
        assert painted == [(5 + 7, 5, 1, 1)]
        await pilot.pause()
        assert np.array_equal(app.shown[:, 5:35], changed[0, 0].repeat(3, axis=2))


async def test_what_is_done_to_an_array_after_it_was_shown_is_not_seen(show: Show) -> None:
    async with show() as (app, pilot):
        picture = tiles(1, 30)
        app.canvas.show(picture)
        picture[:] = 0
        await pilot.resize_terminal(41, 15)
        assert app.shown.any()


async def test_a_map_keeps_its_columns_and_tiles_are_found_where_they_are(show: Show) -> None:
    async with show() as (app, pilot):
        app.canvas.show(tiles(6), columns=3)
        await pilot.pause()
        layout = app.canvas.layout_shown
        assert layout is not None
        assert (layout.count, layout.rows, layout.columns, layout.height) == (6, 2, 3, 8)
        found = [[app.canvas.tile_at(x, y) for x in range(40)] for y in range(15)]
        assert {index for row in found for index in row} == {None, 0, 1, 2, 3, 4, 5}
        assert found[0][0] is None
        for index in range(6):
            xs = [x for row in found for x, at in enumerate(row) if at == index]
            assert max(xs) - min(xs) == 8


async def test_the_mark_is_a_frame_that_moves(show: Show) -> None:
    async with show() as (app, pilot):
        app.canvas.show(tiles(3), columns=3)
        await pilot.pause()
        plain = app.shown
        frames = []
        for mark in (0, 2):
            app.canvas.mark = mark
            await pilot.pause()
            frames.append(np.argwhere((app.shown != plain).any(axis=2)))
        assert len(frames[0]) == len(frames[1]) == 10 * 10 - 8 * 8
        assert frames[0][:, 1].max() < frames[1][:, 1].min()
        app.canvas.mark = None
        await pilot.pause()
        assert np.array_equal(app.shown, plain)


@pytest.mark.parametrize("mode", ["half", "octant", "sextant", "quadrant", "ascii", "sixel", "kitty"])
async def test_each_label_is_written_beneath_the_middle_of_its_tile(show: Show, mode: PictureChoice) -> None:
    async with show((60, 24), mode) as (app, pilot):
        labels = ["-3.00", "ab", "一二", "much too long a label for any tile", "+1.00"]
        app.canvas.show(tiles(5), labels=labels)
        await pilot.pause()
        text = app.text
        for label, (_, left, bottom, right) in zip(labels, app.canvas.tile_cells, strict=True):
            beneath = [set_cell_size(row, 60)[left:right] for row in text[bottom : bottom + 2]]
            shown = next((row for row in beneath if any(character.isalnum() for character in row)), "")
            if len(label) > right - left:
                assert shown.startswith(label[: right - left - 1])
                assert shown.endswith("…")
            elif label.isascii():
                assert label in shown
                assert abs(shown.index(label) - (right - left - len(label)) / 2) < 1
        assert any("一二" in row for row in text)
        app.canvas.show(tiles(5))
        await pilot.pause()
        assert not any("-3.00" in row for row in app.text)


async def test_a_label_changes_without_its_picture_and_a_frame_goes_behind_it(show: Show) -> None:
    async with show((40, 15), "half") as (app, pilot):
        app.canvas.show(tiles(2), labels=["one", "two"])
        app.canvas.mark = 1
        await pilot.pause()
        assert any("one" in row and "two" in row for row in app.text)
        row = next(row for row in app.text if "two" in row)
        assert row[row.index("two") - 1] in "▀▄", "the lower side of the frame"
        app.canvas.show(tiles(2), labels=["one", "2"])
        await pilot.pause()
        assert any("one" in row and "2" in row for row in app.text)


async def test_without_pictures_the_caption_is_all_there_is(show: Show) -> None:
    async with show() as (app, pilot):
        app.canvas.show(None, caption="the decoder starts")
        await pilot.pause()
        assert app.text[7].strip() == "the decoder starts"
        assert app.canvas.layout_shown is None
        assert app.canvas.tile_at(20, 7) is None


async def test_characters_fill_the_area_and_have_their_caption_as_text(show: Show) -> None:
    async with show(images="ascii") as (app, pilot):
        app.canvas.show(np.full((1, 1, 8, 8, 1), 255, np.uint8), caption="a four, at z = 2")
        await pilot.pause()
        assert app.text[-1].strip() == "a four, at z = 2"
        assert app.canvas.area == (28, 40)
        assert [row.strip() for row in app.text[:-1]] == ["@" * 28] * 14


async def test_i_goes_through_what_the_terminal_can_show(show: Show) -> None:
    async with show() as (app, pilot):
        app.canvas.show(tiles(1))
        await pilot.pause()
        half = app.shown
        await pilot.app.run_action("next_picture_mode")
        await pilot.pause()
        assert app.picture_mode == "ascii"
        assert not any("▀" in row for row in app.text)
        await pilot.app.run_action("next_picture_mode")
        await pilot.pause()
        assert str(app.picture_mode) == "half"
        assert np.array_equal(app.shown, half)


async def test_octants_show_tiles_in_their_own_size_where_nine_fit(show: Show) -> None:
    async with show((60, 24), "octant") as (app, pilot):
        pictures = tiles(64, 28) // 128 * 255
        app.canvas.show(pictures)
        await pilot.pause()
        layout = app.canvas.layout_shown
        assert layout is not None
        assert (layout.count, layout.height, layout.width) == (12, 28, 28)
        shown = decode_mosaics(app.screen._compositor.render_strips())[:: FINE // 4]
        places = place_stacks(layout, (96, 120), gap=2, cell=(4, 2))
        for (top, left), picture in zip(places, pictures[:, 0, ..., :1], strict=False):
            assert (top % 2, left % 2) == (0, 0)
            inner = shown[top + 2 : top + 26, left : left + 28]
            assert np.array_equal(inner, picture[2:26].repeat(3, axis=2)), (
                "two colours a cell are enough for black and white"
            )
        app.canvas.show(pictures, columns=8)
        await pilot.pause()
        layout = app.canvas.layout_shown
        assert layout is not None
        assert layout.count == 64, "all of them, however small"


async def test_in_sixteen_colours_tiles_are_dithered_and_the_ground_is_not(show: Show) -> None:
    async with show((40, 15)) as (app, pilot):
        app.canvas.show(np.full((1, 1, 8, 8, 1), 60, np.uint8))
        app.color_depth = "16"
        await pilot.pause()
        colors, counts = np.unique(app.shown.reshape(-1, 3), axis=0, return_counts=True)
        tile = {tuple(color): count for color, count in zip(colors.tolist(), counts.tolist(), strict=True)}
        assert {(0, 0, 0), (127, 127, 127)} <= set(tile), "60 is between them"
        corner = app.shown[:2, :4].reshape(-1, 3)
        assert (corner == corner[0]).all()


@pytest.mark.parametrize("mode", ["octant", "kitty"])
async def test_an_exported_screen_shows_pictures_in_half_blocks_and_the_terminal_goes_on(
    show: Show, mode: PictureChoice
) -> None:
    async with show((40, 15), mode) as (app, pilot):
        app.canvas.show(tiles(1, 28))
        await pilot.pause()
        before = app.text
        svg = app.export_screenshot()
        assert svg.count("▀") + svg.count("▄") > 100
        assert not any(0x1CD00 <= ord(character) <= 0x1CDE5 for character in svg)
        await pilot.pause()
        assert app.text == before


@pytest.mark.parametrize(("mode", "height"), [("half", 10), ("octant", 20), ("sextant", 20), ("quadrant", 20)])
async def test_where_nine_do_not_fit_tiles_are_as_many_as_are_readable(
    show: Show, mode: PictureChoice, height: int
) -> None:
    async with show((30, 12), mode) as (app, pilot):
        app.canvas.show(tiles(64, 28))
        await pilot.pause()
        layout = app.canvas.layout_shown
        assert layout is not None
        assert height <= layout.height < 28
        assert layout.count == 4
        assert app.canvas.area == (24, 30), "views plan for half blocks, however fine their squares are"


async def test_the_area_is_said_when_it_changes(show: Show) -> None:
    async with show() as (app, pilot):
        await pilot.pause()
        assert app.areas == [(30, 40)]
        await pilot.resize_terminal(50, 20)
        await pilot.pause()
        assert app.areas[-1] == (40, 50)
        app.picture_mode = "ascii"
        app.canvas.show(tiles(1), caption="text")
        await pilot.pause()
        assert app.areas[-1] == (38, 50)


async def test_a_screen_over_it_and_away_again_leaves_the_picture(show: Show) -> None:
    async with show() as (app, pilot):
        app.canvas.show(tiles(1))
        await pilot.pause()
        before = app.shown
        await app.push_screen(ModalScreen())
        app.canvas.show(tiles(2)[1:])
        await pilot.pause()
        app.pop_screen()
        app.canvas.show(tiles(1))
        await pilot.pause()
        assert np.array_equal(app.shown, before)
