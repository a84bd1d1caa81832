"""A grid of pictures in terminal cells."""

from __future__ import annotations

from textwrap import wrap

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.events import Resize
from textual.strip import Strip
from textual.widget import Widget
from textual.worker import get_current_worker

from vae_tui.events import ImagesDrawn
from vae_tui.imaging.ascii import render_ascii
from vae_tui.imaging.grid import Pixels, decode_png, split_grid
from vae_tui.imaging.half_blocks import render_half_blocks
from vae_tui.imaging.terminal import Depth
from vae_tui.imaging.tiles import Layout, compose, fit_tiles
from vae_tui.run import Run


class Pictures(Widget):
    """The latest grid of one kind: as many of its tiles as fit, reconstructions below their data."""

    def __init__(self, run: Run, depth: Depth, *, id: str) -> None:
        super().__init__(id=id)
        self._run, self._depth = run, depth
        self._event: ImagesDrawn | None = None
        self._stacks: Pixels | None = None
        self._problem = "drawn after the first epoch"
        self._strips: list[Strip] = []
        self.layout_shown: Layout | None = None

    def show(self, event: ImagesDrawn | None) -> None:
        """Show the grid an event tells of, read anew only when it is another one."""
        if event is not None and event != self._event:
            self._event = event
            self._read(event)

    @property
    def caption(self) -> str:
        """Which step the grid is of, and how much of it is seen."""
        if self._event is None or self._stacks is None or self.layout_shown is None:
            return ""
        shown, count = self.layout_shown.count, len(self._stacks)
        what = " pairs" if self._stacks.shape[1] == 2 else ""
        part = f"{shown} of {count}{what} · " if shown < count else ""
        return f"{part}step {self._event.step:,}"

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _read(self, event: ImagesDrawn) -> None:
        stacks, problem = None, ""
        try:
            grid = decode_png((self._run.path / event.path).read_bytes())
            images = split_grid(grid, event.count, event.columns, padding=event.padding)
            stacks = _pair_rows(images, event.columns) if event.kind == "reconstructions" else images[:, None]
        except (OSError, ValueError, ZeroDivisionError):
            problem = f"{event.path} cannot be read"
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._take, stacks, problem)

    def _take(self, stacks: Pixels | None, problem: str) -> None:
        if stacks is not None:
            self._stacks = stacks
        self._problem = problem
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """Lay the tiles out anew."""
        self._draw()

    def notify_style_update(self) -> None:
        """The ground changes with the theme."""
        super().notify_style_update()
        if self.is_mounted:
            self._draw()

    def _draw(self) -> None:
        width, height = self.content_size
        ground = self.background_colors[1]
        self._strips, self.layout_shown = [], None
        if self._stacks is not None and len(self._stacks):
            area = (2 * height, width)
            tile = (self._stacks.shape[2], self._stacks.shape[3])
            self.layout_shown = fit_tiles(len(self._stacks), tile, area, stack=self._stacks.shape[1])
            if self.layout_shown is not None:
                color = (0, 0, 0) if self._depth == "ascii" else ground.rgb
                self._strips = [
                    Strip(row, width) for row in self._to_cells(self._stacks, self.layout_shown, area, color)
                ]
        self.border_subtitle = self.caption
        self.refresh()

    def _to_cells(
        self, stacks: Pixels, layout: Layout, area: tuple[int, int], ground: tuple[int, int, int]
    ) -> list[list[Segment]]:
        """The one place that knows how pictures reach the terminal."""
        pixels = compose(stacks, layout, area, ground=ground)
        return render_ascii(pixels) if self._depth == "ascii" else render_half_blocks(pixels, self._depth)

    def render_line(self, y: int) -> Strip:
        """A row of cells."""
        if y < len(self._strips):
            return self._strips[y]
        width, height = self.content_size
        style = self.rich_style
        lines = [] if self._strips else wrap(self._problem, max(1, width - 2))
        number = y - (height - len(lines)) // 2
        if not 0 <= number < len(lines):
            return Strip.blank(width, style)
        return Strip([Segment(lines[number].center(width), style + Style(dim=True))], width)


def _pair_rows(images: Pixels, columns: int) -> Pixels:
    """Pair each image (N, h, w, C) of an even row with the one below it; returns (M, 2, h, w, C)."""
    pairs = []
    for above in range(0, len(images), 2 * columns):
        below = above + columns
        pairs += [np.stack([images[above + k], images[below + k]]) for k in range(min(columns, len(images) - below))]
    return np.stack(pairs) if pairs else images[:0, None]
