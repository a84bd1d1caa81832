"""Tiles of pixels, drawn in whatever way the terminal can."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual import message
from textual.color import Color
from textual.events import Resize
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from vae_tui.imaging.ascii import render_ascii_row, to_ascii
from vae_tui.imaging.changes import find_runs
from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.half_blocks import render_half_block_row, to_half_blocks
from vae_tui.imaging.tiles import Layout, compose, fit_tiles, place_stacks

if TYPE_CHECKING:
    from vae_tui.tui.picturing import PictureApp


@dataclass(frozen=True)
class _Look:
    """How tiles stand in a mode: `gap` pixels apart, none smaller than `readable` pixels."""

    pixels: tuple[int, int]
    """Height and width of a cell in pixels."""
    gap: int = 1
    readable: int = 10
    smooth: bool = False


class Canvas(Widget):
    """Shows pictures as large as its area allows; what did not change is not drawn again.

    A caption is text: below the pictures where they are drawn in characters, and in place of them where there are none.
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
        self._cells: NDArray[np.int64] | None = None
        self._strips: list[Strip | None] = []
        self._area = (0, 0)
        self.layout_shown: Layout | None = None

    def show(self, stacks: Pixels | None, *, columns: int | None = None, caption: str = "") -> None:
        """Show stacks (N, S, h, w, C), each S tiles one below the other; None shows the caption alone.

        With `columns` all N are shown in so many columns, else as many as fit readable.
        """
        # Kept for the next size and the next mode, so what the caller does with its array does not matter.
        self._stacks = None if stacks is None else stacks.copy()
        self._columns, self._caption = columns, caption
        self._draw()

    @property
    def area(self) -> tuple[int, int]:
        """Height and width of the room for pictures, in pixels of a picture drawn 1:1."""
        height, width = self._look.pixels
        return self._rows * height, self.content_size.width * width

    def tile_at(self, x: int, y: int) -> int | None:
        """The index of the tile or stack at a cell of this widget, as the mouse tells it."""
        layout = self.layout_shown
        if layout is None or self._stacks is None:
            return None
        look, stack = self._look, self._stacks.shape[1]
        x, y = x - self.gutter.left, y - self.gutter.top
        (down, right), height = look.pixels, stack * (layout.height + look.gap)
        # A cell is of the tile that its middle is in.
        row, column = (2 * y + 1) * down / 2, (2 * x + 1) * right / 2
        for index, (top, left) in enumerate(self._places(layout)):
            if top <= row < top + height and left <= column < left + layout.width + look.gap:
                return index
        return None

    @property
    def _app(self) -> PictureApp[object]:
        return cast("PictureApp[object]", self.app)

    @property
    def _look(self) -> _Look:
        return _Look((2, 1), smooth=self._app.picture_mode == "ascii")

    @property
    def _rows(self) -> int:
        """Rows of cells with pictures."""
        return max(0, self.content_size.height - self._has_caption_row)

    @property
    def _has_caption_row(self) -> bool:
        return bool(self._caption) and self._stacks is not None and self._app.picture_mode == "ascii"

    @property
    def _margin(self) -> int:
        """Room for a frame around the outermost tiles, where it is known that one may be wanted."""
        return self._look.gap if self._columns is not None else 0

    def on_mount(self) -> None:
        """Draw anew where pictures are drawn in another way."""
        for name in ("picture_mode", "color_depth", "cell_size"):
            self.watch(self.app, name, self._redraw, init=False)

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

    def _redraw(self) -> None:
        self._cells = None
        self._draw()

    def _draw(self) -> None:
        area, look = self.area, self._look
        self.layout_shown, cells = None, None
        if self._stacks is not None and len(self._stacks):
            count, stack, height, width, _ = self._stacks.shape
            fitting = area[0] - 2 * self._margin, area[1] - 2 * self._margin
            self.layout_shown = fit_tiles(
                count,
                (height, width),
                fitting,
                stack=stack,
                gap=look.gap,
                columns=self._columns,
                readable=look.readable,
                smooth=look.smooth,
            )
            if self.layout_shown is not None:
                cells = self._to_cells(self._draw_tiles(self._stacks, self.layout_shown))
        self._put(cells)
        if area != self._area:
            self._area = area
            self.post_message(self.AreaChanged(self))

    def _places(self, layout: Layout) -> list[tuple[int, int]]:
        stack = 1 if self._stacks is None else self._stacks.shape[1]
        return place_stacks(layout, self.area, stack=stack, gap=self._look.gap, margin=self._margin)

    def _draw_tiles(self, stacks: Pixels, layout: Layout) -> Pixels:
        in_characters = self._app.picture_mode == "ascii"
        ground = (0, 0, 0) if in_characters else self.background_colors[1].rgb
        frame = (255, 255, 255) if in_characters else self._frame_color
        mark = None if self.mark is None else (self.mark, frame)
        look = self._look
        return compose(
            stacks, layout, self.area, ground=ground, gap=look.gap, margin=self._margin, smooth=look.smooth, mark=mark
        )

    @property
    def _frame_color(self) -> tuple[int, int, int]:
        return Color.parse(self.app.theme_variables["warning"]).rgb

    def _to_cells(self, pixels: Pixels) -> NDArray[np.int64]:
        return to_ascii(pixels) if self._app.picture_mode == "ascii" else to_half_blocks(pixels, self._app.color_depth)

    def _put(self, cells: NDArray[np.int64] | None) -> None:
        """Show cells; only those that changed are painted."""
        before, self._cells = self._cells, cells
        if cells is None or before is None or before.shape != cells.shape:
            self._strips = [None] * (0 if cells is None else len(cells))
            self.refresh()
            return
        runs = find_runs((before != cells).any(axis=2))
        for row, _, _ in runs:
            self._strips[row] = None
        if runs:
            self.refresh(*(Region(first, row, last - first, 1) for row, first, last in runs))
        if self._has_caption_row:
            self.refresh(Region(0, self._rows, self.content_size.width, 1))

    def render_line(self, y: int) -> Strip:
        """A row of cells."""
        if self._cells is None or y >= len(self._strips):
            return self._render_caption(y)
        strip = self._strips[y]
        if strip is None:
            render = render_ascii_row if self._app.picture_mode == "ascii" else render_half_block_row
            strip = self._strips[y] = Strip(render(self._cells[y]), self._cells.shape[1])
        return strip

    def _render_caption(self, y: int) -> Strip:
        width, height = self.content_size
        style = self.rich_style
        if self._cells is not None:
            return Strip([Segment(self._caption[:width].ljust(width), style)], width)
        lines = wrap(self._caption, max(1, width - 2))
        number = y - (height - len(lines)) // 2
        if not 0 <= number < len(lines):
            return Strip.blank(width, style)
        return Strip([Segment(lines[number].center(width), style + Style(dim=True))], width)
