"""Tiles of pixels, drawn in whatever way the terminal can."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import message
from textual.color import Color
from textual.errors import NoWidget
from textual.events import Resize
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from vae_tui.imaging.ascii import render_ascii_row, to_ascii
from vae_tui.imaging.block_glyphs import MOSAICS
from vae_tui.imaging.changes import find_runs
from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.half_blocks import render_half_block_row, to_half_blocks
from vae_tui.imaging.mosaics import CELL as MOSAIC_CELL
from vae_tui.imaging.mosaics import LINES as MOSAIC_LINES
from vae_tui.imaging.mosaics import render_mosaic_row, to_mosaic
from vae_tui.imaging.terminal import Mode
from vae_tui.imaging.tiles import Layout, compose
from vae_tui.text import printable
from vae_tui.tui.graphics.frame import Spans, ground_code, shown_ground
from vae_tui.tui.graphics.painters import Box, KittyPainter, PlaceholderPainter, SixelPainter
from vae_tui.tui.widgets.canvas_plan import HALF_BLOCK, Pictures, Plan, grain, make_plan

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp

_STILL = 1.0
"""Seconds without a new picture after which greys are made exact."""


class Canvas(Widget):
    """Shows pictures as large as its area allows; what did not change is not drawn again.

    A caption is text: below the pictures where they are drawn in characters, and in place of them where there are none.
    Where the terminal draws pictures itself, the cells below them are empty; mosaics or half blocks stand in while
    anything lies over the canvas or a part of it is out of sight.
    """

    DEFAULT_CSS = "Canvas { width: 1fr; height: 1fr; }"

    mark: reactive[int | None] = reactive(None, repaint=False)
    """The tile that has a frame."""

    class AreaChanged(message.Message):
        """There is more or less room for pictures than before, or they are drawn in another way."""

        def __init__(self, canvas: Canvas) -> None:
            super().__init__()
            self.canvas = canvas

        @property
        def control(self) -> Canvas:
            """The canvas."""
            return self.canvas

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._stacks: Pixels | None = None
        self._columns: int | None = None
        self._labels: Sequence[str] = ()
        self._texts: dict[int, list[tuple[int, str]]] = {}
        """By row of cells, where labels begin in it."""
        self._label_cells: list[tuple[int, int, int]] = []
        self._caption = ""
        self._plan: Plan | None = None
        self._drawn_for: Mode = "half"
        self._room = 0, 0
        """Rows and columns of cells that pictures were laid out in."""
        self._cells: NDArray[np.int64] | None = None
        self._exact: NDArray[np.int64] | None = None
        self._strips: list[Strip | None] = []
        self._reported: tuple[object, ...] = ()
        self._kitty, self._placeholders, self._sixel = KittyPainter(), PlaceholderPainter(), SixelPainter()
        self._graphics: Pixels | list[Pixels] | None = None
        self._coarse = False
        self._until_still: Timer | None = None

    def show(
        self,
        stacks: Pixels | None,
        *,
        columns: int | None = None,
        caption: str = "",
        labels: Sequence[str] = (),
        seldom: bool = False,
    ) -> None:
        """Show stacks (N, S, h, w, C), each S tiles one below the other; None shows the caption alone.

        With `columns` all N are shown in so many columns, else as many as fit readable. Beneath each stands its label,
        where there are any. What changes `seldom` is exact at once, for it costs a frame to be coarse first.
        """
        # Kept for the next size and the next mode, so what the caller does with its array does not matter.
        self._stacks = None if stacks is None or not len(stacks) else stacks.copy()
        self._columns, self._caption, self._labels = columns, printable(caption), [printable(text) for text in labels]
        if not seldom and self._app.line is not None and self._app.color_depth == "truecolor":
            self._hurry()
        self._draw()

    def set_caption(self, caption: str) -> None:
        """Show another caption with the same pictures."""
        caption = printable(caption)
        if caption == self._caption:
            return
        had_row, self._caption = self._has_caption_row, caption
        if had_row != self._has_caption_row:
            self._redraw()
        elif had_row:
            self.refresh(Region(0, self._rows, self.content_size.width, 1))

    @property
    def layout_shown(self) -> Layout | None:
        """How the pictures stand; its sizes are in units of the mode."""
        return None if self._plan is None else self._plan.layout

    @property
    def tile_cells(self) -> list[tuple[int, int, int, int]]:
        """Top, left, bottom and right of each stack that is shown, in cells."""
        if (plan := self._plan) is None:
            return []
        return plan.tile_cells

    @property
    def area(self) -> tuple[int, int]:
        """Height and width of the room for pictures, in pixels of a picture drawn 1:1; of mosaics, in half blocks."""
        return self.area_of(*self.content_size)

    def area_of(self, columns: int, rows: int) -> tuple[int, int]:
        """What the area would be, were the canvas so many cells large."""
        mode = self._app.picture_mode
        height, width = HALF_BLOCK if mode in MOSAICS else self._pixels_of(mode)
        return self._rows_of(rows) * height, max(0, columns) * width

    def tile_at(self, x: int, y: int) -> int | None:
        """The index of the tile or stack at a cell of this widget, as the mouse tells it."""
        plan = self._plan
        if plan is None:
            return None
        # A cell is of the tile that its middle is in.
        row = (2 * (y - self.gutter.top) + 1) * plan.cell[0] / 2
        column = (2 * (x - self.gutter.left) + 1) * plan.cell[1] / 2
        height, width = plan.extent
        for index, (top, left) in enumerate(plan.places):
            if top <= row < top + height + plan.gap and left <= column < left + width + plan.gap:
                return index
        return None

    @property
    def _app(self) -> PictureApp[Any]:
        return cast("PictureApp[Any]", self.app)

    def _pixels_of(self, mode: Mode) -> tuple[int, int]:
        """Height and width of a cell in pixels of a picture drawn 1:1."""
        if mode in MOSAICS:
            return MOSAIC_CELL
        return self._app.cell_size if mode in ("kitty", "sixel") else HALF_BLOCK

    @property
    def _rows(self) -> int:
        """Rows of cells with pictures."""
        return self._rows_of(self.content_size.height)

    def _rows_of(self, rows: int) -> int:
        return max(0, rows - self._has_caption_row - self._spares_last_row)

    @property
    def _has_caption_row(self) -> bool:
        return bool(self._caption) and self._stacks is not None and self._app.picture_mode == "ascii"

    @property
    def _spares_last_row(self) -> bool:
        """Whether the last row of the screen is kept free, since sixels that touch it make xterm scroll."""
        at_the_end = self.is_attached and self.content_region.bottom >= self.screen.size.height
        return self._app.picture_mode == "sixel" and at_the_end

    @property
    def _mode(self) -> Mode:
        """How pictures are drawn now: cells stand in for graphics that would lie over something else."""
        mode = self._app.picture_mode
        if self._app.exporting and mode != "ascii":
            return "half"
        return self._app.cell_mode if mode in ("kitty", "sixel") and self._find_place() is None else mode

    def _find_place(self) -> Box | None:
        """Where on the screen graphics may be drawn."""
        if self._app.line is None or not self.is_attached or self.screen is not self.app.screen:
            return None
        try:
            geometry = self.screen.find_widget(self)
        except NoWidget:
            return None
        region = geometry.region.shrink(self.gutter)
        if not region or not geometry.clip.contains_region(region) or region.height < self._rows:
            return None
        return Box(region.x, region.y, region.width, self._rows)

    def on_mount(self) -> None:
        """Draw anew where pictures are drawn in another way."""
        self._app.add_painter(self)
        for name in ("picture_mode", "color_depth", "cell_size"):
            self.watch(self.app, name, self._redraw, init=False)

    def on_unmount(self) -> None:
        """Leave nothing in the terminal."""
        self._app.remove_painter(self)

    def on_resize(self, event: Resize) -> None:
        """Lay the tiles out anew."""
        self._redraw()

    def notify_style_update(self) -> None:
        """The ground changes with the theme."""
        super().notify_style_update()
        if self.is_mounted:
            self._redraw()

    def watch_mark(self) -> None:
        """Move the frame."""
        if self.is_mounted:
            self._draw()

    def _hurry(self) -> None:
        """Draw greys as they are sent quickest, until pictures stop coming."""
        self._coarse = True
        if self._until_still is None:
            self._until_still = self.set_timer(_STILL, self._settle)
        else:
            self._until_still.reset()

    def _settle(self) -> None:
        self._coarse, self._until_still = False, None
        self._draw()

    def _redraw(self) -> None:
        self._cells = None
        self._draw()

    def _draw(self) -> None:
        mode = self._mode
        self._room = self._rows, self.content_size.width
        self._plan = self._make_plan(mode)
        before, self._drawn_for = (self._drawn_for, self._graphics is None), mode
        cells, self._graphics = None, None
        self._put_labels()
        if self._plan is not None and self._stacks is not None:
            if mode == "kitty" and self._plan.cell == (1, 1):
                self._graphics = self._make_pictures(self._stacks, self._plan)
            else:
                pixels = self._compose_all(self._stacks, self._plan)
                if mode not in ("kitty", "sixel"):
                    cells = self._to_cells(pixels, mode)
                else:
                    self._graphics = pixels
        self._put(cells, anew=before != (mode, self._graphics is None))
        self._app.paint_graphics()
        report = (self.area, self._app.picture_mode)
        if report != self._reported and self.content_size:
            self._reported = report
            # Later, as its own doing: a message does not reach the parent in whose doing it is posted.
            self.call_later(self._report_area)

    def _report_area(self) -> None:
        self.post_message(self.AreaChanged(self))

    def _make_plan(self, mode: Mode) -> Plan | None:
        if self._stacks is None:
            return None
        count, stack, height, width, _ = self._stacks.shape
        pictures = Pictures(count, stack, height, width, self._columns, bool(self._labels))
        return make_plan(pictures, mode, self._pixels_of(mode), self._room)

    def _make_pictures(self, stacks: Pixels, plan: Plan) -> list[Pixels]:
        """Each stack as one picture (H, W, 3) with its padding, which is the frame of the one that is marked."""
        pad, (_, stack, height, width, _) = plan.padding, stacks.shape
        ground = shown_ground(self.background_colors[1].rgb, self._app.color_depth)
        pictures = []
        for index in range(plan.layout.count):
            picture = np.empty((stack * (height + 1) - 1 + 2 * pad, width + 2 * pad, 3), np.uint8)
            picture[:] = self._frame_color if index == self.mark else ground
            for level in range(stack):
                top = pad + level * (height + 1)
                picture[top : top + height, pad : pad + width] = stacks[index, level]
            pictures.append(picture)
        return pictures

    def _compose_all(self, stacks: Pixels, plan: Plan) -> Pixels:
        in_characters, dark = plan.mode == "ascii", self.background_colors[1].brightness < 0.5
        ground = shown_ground(self.background_colors[1].rgb, self._app.color_depth)
        empty, ink = ((0, 0, 0), (255, 255, 255)) if dark else ((255, 255, 255), (0, 0, 0))
        mark = None if self.mark is None else (self.mark, ink if in_characters else self._frame_color)
        return compose(
            stacks,
            plan.layout,
            plan.area,
            ground=empty if in_characters else ground,
            gap=plan.gap,
            margin=plan.margin,
            smooth=in_characters,
            mark=mark,
            cell=grain(plan.mode),
            dither=self._app.color_depth == "16" and plan.mode not in ("kitty", "sixel", "ascii"),
            lines=MOSAIC_LINES[plan.mode] if plan.mode in MOSAICS else 1,
            text=plan.text,
        )

    @property
    def _frame_color(self) -> tuple[int, int, int]:
        return Color.parse(self.app.theme_variables["warning"]).rgb

    def _to_cells(self, pixels: Pixels, mode: Mode) -> NDArray[np.int64]:
        if mode == "ascii":
            # Ink is what is bright on a dark screen and what is dark on a bright one.
            return to_ascii(pixels if self.background_colors[1].brightness < 0.5 else 255 - pixels)

        def draw(*, coarse: bool) -> NDArray[np.int64]:
            colors = self._app.color_depth
            if mode in MOSAICS:
                return to_mosaic(pixels, mode, colors, coarse=coarse)
            return to_half_blocks(pixels, colors, coarse=coarse)

        before, self._exact = self._exact, draw(coarse=False)
        if not self._coarse:
            return self._exact
        coarse = draw(coarse=True)
        if self._cells is None or before is None or before.shape != coarse.shape:
            return coarse
        # A stack that is exact already and did not change costs nothing if it stays so.
        changed, cell = before != self._exact, self._pixels_of(mode)
        for top, left, bottom, right in self._plan.boxes if self._plan is not None else []:
            box = slice(top // cell[0], -(-bottom // cell[0])), slice(left // cell[1], -(-right // cell[1]))
            changed[box] = not np.array_equal(before[box], self._exact[box])
        return np.where(changed, coarse, self._cells)

    def _put(self, cells: NDArray[np.int64] | None, *, anew: bool) -> None:
        """Show cells; only those that changed are painted."""
        before, self._cells = self._cells, cells
        if anew or before is None or cells is None or before.shape != cells.shape:
            self._strips = [None] * (0 if cells is None else len(cells))
            if anew or self._graphics is None:
                self.refresh()
            return
        runs = find_runs((before != cells).any(axis=2))
        for row, _, _ in runs:
            self._strips[row] = None
        if runs:
            self.refresh(*(Region(first, row, last - first, 1) for row, first, last in runs))
        if self._has_caption_row:
            self.refresh(Region(0, self._rows, self.content_size.width, 1))

    def _put_labels(self) -> None:
        """Show the labels where they now are; what the terminal draws itself must not stay on them."""
        texts: dict[int, list[tuple[int, str]]] = {}
        places = [] if self._plan is None else self._plan.label_cells
        for (row, left, right), label in zip(places, self._labels, strict=False):
            width, room = cell_len(label), right - left
            text = label if width <= room else f"{set_cell_size(label, room - 1)}…"
            texts.setdefault(row, []).append((left + max(0, room - width) // 2, text))
        if places != self._label_cells and self._drawn_for == "sixel":
            self._sixel.forget()
            self.refresh()
        before, self._texts, self._label_cells = self._texts, texts, places
        changed = [row for row in before.keys() | texts.keys() if before.get(row) != texts.get(row)]
        if changed:
            self.refresh(*(Region(0, row, self.content_size.width, 1) for row in changed))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows of cells, in time for what comes to lie over them."""
        if self._mode != self._drawn_for:
            self._redraw()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """A row of cells, with its labels."""
        strip = self._render_cells(y)
        for start, text in self._texts.get(y, ()):
            label = Strip([Segment(text, self.rich_style + Style(dim=True))])
            strip = Strip.join([strip.crop(0, start), label, strip.crop(start + label.cell_length)])
        return strip

    def _render_cells(self, y: int) -> Strip:
        if self._graphics is not None:
            return Strip.blank(self.content_size.width, self.rich_style)
        if self._cells is None or y >= len(self._strips):
            return self._render_caption(y)
        strip = self._strips[y]
        if strip is None:
            if self._drawn_for == "ascii":
                segments = [Segment(text, self.rich_style) for text, _, _ in render_ascii_row(self._cells[y])]
            elif self._drawn_for in MOSAICS:
                segments = render_mosaic_row(self._cells[y], self._drawn_for)
            else:
                segments = render_half_block_row(self._cells[y])
            strip = self._strips[y] = Strip(segments, self._cells.shape[1])
        return strip

    def _render_caption(self, y: int) -> Strip:
        width, height = self.content_size
        style = self.rich_style
        if self._cells is not None:
            return Strip([Segment(self._caption[:width].ljust(width), style)], width)
        lines = wrap(self._caption, max(1, width - 2))
        number = y - max(0, height - len(lines)) // 2
        if not 0 <= number < len(lines):
            return Strip.blank(width, style)
        return Strip([Segment(lines[number].center(width), style + Style(dim=True))], width)

    def paint(self, overwritten: Spans) -> str:
        """What to write so that the terminal draws what is shown."""
        place = self._find_place()
        # A frame may come before the event that tells of another size.
        if self._mode != self._drawn_for or (place is not None and place.size != self._room):
            self._redraw()
        plan, graphics = self._plan, self._graphics
        if place is None or place.size != self._room or plan is None or graphics is None:
            self._sixel.forget()
            return self.cleanup_sequence()
        ground = shown_ground(self.background_colors[1].rgb, self._app.color_depth)
        if plan.mode == "sixel":
            assert not isinstance(graphics, list)
            painted = self._sixel.paint(graphics, place, plan.boxes, ground, overwritten, in_tmux=self._app.is_in_tmux)
            return self.cleanup_sequence() + painted
        if isinstance(graphics, list):
            height, width = plan.layout.height, plan.layout.width
            boxes = [Box(place.x + left, place.y + top, width, height) for top, left in plan.places]
            tiles = list(zip(boxes, graphics, strict=True))
        else:
            tiles = [(place, graphics)]
        if (line := self._app.line) is not None and self._app.is_in_tmux:
            code = ground_code(ground, self._app.color_depth)
            return self._kitty.clear() + self._placeholders.paint(tiles, overwritten, ground=code, shown=line.shown)
        return self._placeholders.clear() + self._kitty.paint(tiles, overwritten)

    def cleanup_sequence(self) -> str:
        """What to write so that nothing is left in the terminal."""
        return self._kitty.clear() + self._placeholders.clear()

    def forget(self) -> None:
        """Take it that the terminal shows nothing of it."""
        for painter in (self._kitty, self._placeholders, self._sixel):
            painter.forget()
