"""A grid of pictures that a trainer drew."""

from __future__ import annotations

import time
from typing import Literal

import numpy as np
from textual import message, work
from textual.app import ComposeResult
from textual.events import Click
from textual.widget import Widget
from textual.worker import get_current_worker

from vae_tui.events import ImagesDrawn
from vae_tui.imaging.grid import Pixels, decode_png, split_grid
from vae_tui.runs.files import read_small
from vae_tui.runs.layout import Run
from vae_tui.tui.widgets.canvas import Canvas
from vae_tui.wording import format_count

GridKind = Literal["samples", "reconstructions"]
_LONGEST = 1 << 28
"""Bytes of a grid's file."""
_PACE = 2.7
"""Seconds that a grid is seen at the least."""


class Pictures(Widget):
    """The latest grid of one kind: as many of its tiles as fit, reconstructions below their data."""

    class TileClicked(message.Message):
        """Picture `index` of a grid was clicked."""

        def __init__(self, kind: GridKind, index: int) -> None:
            super().__init__()
            self.kind: GridKind = kind
            self.index = index

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._run: Run | None = None
        self._event: ImagesDrawn | None = None
        self._read_at = -_PACE
        self._stacks: Pixels | None = None
        self._canvas = Canvas()

    def compose(self) -> ComposeResult:
        """The canvas; its caption stands on the border."""
        yield self._canvas

    def on_mount(self) -> None:
        """Show when there will be something to see."""
        if self._event is None:
            self._canvas.show(None, caption="g draws them now")

    def show(self, run: Run, event: ImagesDrawn | None, *, at_once: bool = False) -> None:
        """Show the grid of an event of a run, read anew only when it is another one, and not too often unless `at_once`."""
        now = time.monotonic()
        if at_once:
            self._read_at = -_PACE
        if run is not self._run:
            self._run, self._read_at = run, -_PACE
            if event is None:
                self._event, self._stacks = None, None
                self._canvas.show(None)
                self.border_subtitle = ""
        if event is not None and event != self._event and now - self._read_at >= _PACE:
            self._event, self._read_at = event, now
            self._read(run, event)

    @property
    def caption(self) -> str:
        """Which step the grid is of, and how much of it is seen."""
        layout = self._canvas.layout_shown
        if self._event is None or self._stacks is None or layout is None:
            return ""
        shown, count = layout.count, len(self._stacks)
        what = " pairs" if self._stacks.shape[1] == 2 else ""
        part = f"{shown} of {count}{what} · " if shown < count else ""
        return f"{part}step {format_count(self._event.step)}"

    def on_click(self, event: Click) -> None:
        """Tell which picture was clicked."""
        offset = event.get_content_offset(self._canvas)
        index = self._canvas.tile_at(offset.x, offset.y) if offset is not None else None
        if index is not None and self._event is not None:
            self.post_message(self.TileClicked(self._event.kind, index))

    def on_canvas_area_changed(self, event: Canvas.AreaChanged) -> None:
        """More or fewer may be seen now."""
        event.stop()
        self.border_subtitle = self.caption

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _read(self, run: Run, event: ImagesDrawn) -> None:
        stacks, problem = None, ""
        try:
            stacks = read_stacks(run, event)
        except (OSError, ValueError, SyntaxError, ZeroDivisionError):
            problem = f"{event.path} cannot be read"
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._take, stacks, problem)

    def _take(self, stacks: Pixels | None, problem: str) -> None:
        self._stacks = stacks
        self._canvas.show(stacks, caption=problem, seldom=True)
        self.border_subtitle = self.caption


def read_stacks(run: Run, event: ImagesDrawn) -> Pixels:
    """The pictures (N, S, h, w, C) of a grid of a run: samples alone, S 1, or each image above its reconstruction, S 2.

    Raises OSError, ValueError, SyntaxError or ZeroDivisionError where its file is no such grid.
    """
    grid = decode_png(read_small(run.path / event.path, _LONGEST))
    images = split_grid(grid, event.count, event.columns, padding=event.padding)
    return _pair_rows(images, event.columns) if event.kind == "reconstructions" else images[:, None]


def _pair_rows(images: Pixels, columns: int) -> Pixels:
    """Pair each image (N, h, w, C) of an even row with the one below it; returns (M, 2, h, w, C)."""
    pairs = []
    for above in range(0, len(images), 2 * columns):
        below = above + columns
        pairs += [np.stack([images[above + k], images[below + k]]) for k in range(min(columns, len(images) - below))]
    return np.stack(pairs) if pairs else images[:0, None]
