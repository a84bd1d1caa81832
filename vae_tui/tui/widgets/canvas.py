"""Tiles of pixels, drawn in whatever way the terminal can."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
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
from vae_tui.imaging.tiles import READABLE, Layout, compose, fit_cells, fit_tiles, place_stacks
from vae_tui.text import printable
from vae_tui.tui.graphics.frame import Spans, ground_code
from vae_tui.tui.graphics.painters import Box, KittyPainter, PlaceholderPainter, SixelPainter

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp

_HALF_BLOCK = 2, 1
"""Height and width of a cell in the pixels of half blocks and of characters."""
_STILL = 1.0
"""Seconds without a new picture after which greys are made exact."""
_READABLE_GRAPHICS = 24
"""Pixels of a screen; half blocks are several of them each."""
_ENOUGH = 9
"""So many tiles in their own size are better than more that are smaller."""


@dataclass(frozen=True)
class _Plan:
    """How pictures stand in a mode. A cell is `cell` of the units that `layout` is in: pixels, or cells themselves."""

    mode: Mode
    cell: tuple[int, int]
    area: tuple[int, int]
    gap: int
    margin: int
    layout: Layout
    places: list[tuple[int, int]]
    """Top and left of each stack."""
    stack: int
    """Tiles one below the other."""

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width of a stack."""
        return self.stack * (self.layout.height + self.gap) - self.gap, self.layout.width

    @property
    def boxes(self) -> list[tuple[int, int, int, int]]:
        """Top, left, bottom and right of each stack with the gap around it."""
        (height, width), gap = self.extent, self.gap
        return [
            (max(0, top - gap), max(0, left - gap), top + height + gap, left + width + gap) for top, left in self.places
        ]


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
        self._caption = ""
        self._plan: _Plan | None = None
        self._drawn_for: Mode = "half"
        self._cells: NDArray[np.int64] | None = None
        self._exact: NDArray[np.int64] | None = None
        self._strips: list[Strip | None] = []
        self._reported: tuple[object, ...] = ()
        self._kitty, self._placeholders, self._sixel = KittyPainter(), PlaceholderPainter(), SixelPainter()
        self._graphics: Pixels | list[Pixels] | None = None
        self._coarse = False
        self._until_still: Timer | None = None

    def show(
        self, stacks: Pixels | None, *, columns: int | None = None, caption: str = "", seldom: bool = False
    ) -> None:
        """Show stacks (N, S, h, w, C), each S tiles one below the other; None shows the caption alone.

        With `columns` all N are shown in so many columns, else as many as fit readable. What changes `seldom` is exact
        at once, for it costs a frame to be coarse first.
        """
        # Kept for the next size and the next mode, so what the caller does with its array does not matter.
        self._stacks = None if stacks is None or not len(stacks) else stacks.copy()
        self._columns, self._caption = columns, printable(caption)
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
        (height, width), cell = plan.extent, plan.cell
        return [
            (top // cell[0], left // cell[1], -(-(top + height) // cell[0]), -(-(left + width) // cell[1]))
            for top, left in plan.places
        ]

    @property
    def area(self) -> tuple[int, int]:
        """Height and width of the room for pictures, in pixels of a picture drawn 1:1; of mosaics, in half blocks."""
        return self.area_of(*self.content_size)

    def area_of(self, columns: int, rows: int) -> tuple[int, int]:
        """What the area would be, were the canvas so many cells large."""
        mode = self._app.picture_mode
        height, width = _HALF_BLOCK if mode in MOSAICS else self._pixels_of(mode)
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
        return self._app.cell_size if mode in ("kitty", "sixel") else _HALF_BLOCK

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
        self._plan = self._make_plan(mode)
        before, self._drawn_for = (self._drawn_for, self._graphics is None), mode
        cells, self._graphics = None, None
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

    def _make_plan(self, mode: Mode) -> _Plan | None:
        if self._stacks is None:
            return None
        count, stack, height, width, _ = self._stacks.shape
        cell = self._pixels_of(mode)
        if mode == "kitty":
            pad = self._padding
            picture = stack * (height + 1) - 1 + 2 * pad, width + 2 * pad
            cells = self._rows, self.content_size.width
            layout = fit_cells(count, picture, cells, cell, columns=self._columns, readable=_READABLE_GRAPHICS * stack)
            if layout is not None:
                return _Plan(mode, (1, 1), cells, 0, 0, layout, place_stacks(layout, cells, gap=0), 1)
        area = self._rows * cell[0], self.content_size.width * cell[1]
        in_cells = mode not in ("kitty", "sixel")
        gap = cell[1] if in_cells else max(2, cell[1] // 4)
        # Room for a frame around the outermost tiles, where it is known that one may be wanted.
        margin = gap if self._columns is not None else 0
        readable = READABLE * cell[1] if in_cells else _READABLE_GRAPHICS

        def fit(readable: int) -> Layout | None:
            return fit_tiles(
                count,
                (height, width),
                (area[0] - 2 * margin, area[1] - 2 * margin),
                stack=stack,
                gap=gap,
                columns=self._columns,
                readable=readable,
                smooth=mode == "ascii",
            )

        layout = fit(readable)
        if mode in (*MOSAICS, "half") and self._columns is None and readable < min(height, width):
            own = fit(min(height, width))
            if own is not None and own.height == height and own.count >= min(count, _ENOUGH):
                layout = own
        if layout is None:
            return None
        places = place_stacks(layout, area, stack=stack, gap=gap, margin=margin, cell=_grain(mode))
        return _Plan(mode, cell, area, gap, margin, layout, places, stack)

    @property
    def _padding(self) -> int:
        """Pixels of ground around each picture that the terminal scales, in place of a gap."""
        assert self._stacks is not None
        return 0 if len(self._stacks) == 1 and self._columns is None else self._stacks.shape[1]

    def _make_pictures(self, stacks: Pixels, plan: _Plan) -> list[Pixels]:
        """Each stack as one picture (H, W, 3) with its padding, which is the frame of the one that is marked."""
        pad, (_, stack, height, width, _) = self._padding, stacks.shape
        pictures = []
        for index in range(plan.layout.count):
            picture = np.empty((stack * (height + 1) - 1 + 2 * pad, width + 2 * pad, 3), np.uint8)
            picture[:] = self._frame_color if index == self.mark else self.background_colors[1].rgb
            for level in range(stack):
                top = pad + level * (height + 1)
                picture[top : top + height, pad : pad + width] = stacks[index, level]
            pictures.append(picture)
        return pictures

    def _compose_all(self, stacks: Pixels, plan: _Plan) -> Pixels:
        in_characters, dark = plan.mode == "ascii", self.background_colors[1].brightness < 0.5
        empty, ink = ((0, 0, 0), (255, 255, 255)) if dark else ((255, 255, 255), (0, 0, 0))
        mark = None if self.mark is None else (self.mark, ink if in_characters else self._frame_color)
        return compose(
            stacks,
            plan.layout,
            plan.area,
            ground=empty if in_characters else self.background_colors[1].rgb,
            gap=plan.gap,
            margin=plan.margin,
            smooth=in_characters,
            mark=mark,
            cell=_grain(plan.mode),
            dither=self._app.color_depth == "16" and plan.mode not in ("kitty", "sixel", "ascii"),
            lines=MOSAIC_LINES[plan.mode] if plan.mode in MOSAICS else 1,
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

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows of cells, in time for what comes to lie over them."""
        if self._mode != self._drawn_for:
            self._redraw()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """A row of cells."""
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
        if self._mode != self._drawn_for:
            self._redraw()
        place = self._find_place()
        plan, graphics = self._plan, self._graphics
        if place is None or plan is None or graphics is None:
            self._sixel.forget()
            return self.cleanup_sequence()
        ground = self.background_colors[1].rgb
        if plan.mode == "sixel":
            assert not isinstance(graphics, list)
            return self.cleanup_sequence() + self._sixel.paint(graphics, place, plan.boxes, ground, overwritten)
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


def _grain(mode: Mode) -> tuple[int, int]:
    """What the first tile is to begin at a multiple of, in pixels."""
    return MOSAIC_CELL if mode in MOSAICS else _HALF_BLOCK
