"""One picture of a grid that a trainer drew, large, and beneath it as it was drawn over the run."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.worker import get_current_worker

from vae_tui.imaging.grid import Pixels
from vae_tui.runs.history import History
from vae_tui.runs.layout import Run
from vae_tui.tui.keys import Table, bindings
from vae_tui.tui.screens.closing import ClosesOnce
from vae_tui.tui.screens.help import HelpScreen
from vae_tui.tui.tile_keys import TILE_KEYS
from vae_tui.tui.widgets.canvas import Canvas
from vae_tui.tui.widgets.keys import Keys
from vae_tui.tui.widgets.pictures import GridKind, read_stacks
from vae_tui.tui.widgets.status_line import StatusLine
from vae_tui.wording import format_count

_MOST_TIMES = 11
_COLUMNS_A_TIME = 13
"""Cells that the picture at one time has at the least, with its label."""


class TileScreen(ClosesOnce[None]):
    """Shows picture `index` of the grid of `kind` that was the newest at `step`, and the same one at other times."""

    KEYS: ClassVar[Table] = TILE_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    AUTO_FOCUS = ""

    def __init__(self, run: Run, history: History, kind: GridKind, index: int, step: int) -> None:
        super().__init__()
        self._run, self._history = run, history
        self._kind, self._index, self._step = kind, index, step
        self._count = 1
        # A grid is read once for all of its pictures.
        self._read = lru_cache(maxsize=64)(read_stacks)

    def compose(self) -> ComposeResult:
        """The picture, a row of it over time with steps, and keys."""
        yield StatusLine(id="title")
        yield Canvas(id="large")
        yield Canvas(id="times")
        yield Keys()

    def on_mount(self) -> None:
        """Show it."""
        self._show()

    def on_resize(self) -> None:
        """Show as many times as there is room for."""
        self._show()

    @property
    def _times(self) -> tuple[int, ...]:
        """The steps to show, that of the large picture among them, as near its middle as there are others."""
        steps = self._history.grid_steps(self._kind)
        at = max(0, int(np.searchsorted(steps, self._step, side="right")) - 1)
        room = max(1, min(_MOST_TIMES, self.size.width // _COLUMNS_A_TIME))
        first = max(0, min(at - room // 2, len(steps) - room))
        return tuple(steps[first : first + room])

    def _show(self) -> None:
        self.query_one(Keys).show(TILE_KEYS, ())
        self._load(self._times)

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _load(self, times: tuple[int, ...]) -> None:
        """Read the grids of these steps."""
        grids = []
        for step in times:
            event = self._history.grid_at(self._kind, step)
            try:
                grids.append(None if event is None else self._read(self._run, event))
            except (OSError, ValueError, SyntaxError, ZeroDivisionError):
                grids.append(None)
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._take, times, grids)

    def _take(self, times: tuple[int, ...], grids: list[Pixels | None]) -> None:
        if not self.is_mounted:
            return
        there = [(step, grid) for step, grid in zip(times, grids, strict=True) if grid is not None and len(grid)]
        large, row, title = self.query_one("#large", Canvas), self.query_one("#times", Canvas), self._kind
        if not there:
            large.show(None, caption=f"no {self._kind} of this run can be read")
            row.show(None)
            self.query_one("#title", StatusLine).show(title, "bold $primary")
            return
        steps = [step for step, _ in there]
        at = max(0, int(np.searchsorted(steps, self._step, side="right")) - 1)
        self._count = len(there[at][1])
        self._index %= self._count
        tiles = [grid[self._index] for _, grid in there if self._index < len(grid)]
        # (S, h, w, C), beside each other: there is more room across than down.
        large.show(there[at][1][self._index][:, None], columns=len(tiles[0]), seldom=True)
        row.mark = at
        labels = [format_count(step) for step in steps]
        row.show(np.stack(tiles), columns=len(tiles), labels=labels, seldom=True)
        pair = ", data and reconstruction" if self._kind == "reconstructions" else ""
        place = f"{self._index + 1} of {self._count}{pair}   step {format_count(steps[at])}"
        self.query_one("#title", StatusLine).show(f"{title}   {place}", "bold $primary")

    def action_move_time(self, times: int) -> None:
        """Show the picture as it was drawn so many times later, or earlier."""
        steps = self._history.grid_steps(self._kind)
        if steps:
            at = int(np.searchsorted(steps, self._step, side="right")) - 1
            self._step = steps[max(0, min(len(steps) - 1, at + times))]
            self._show()

    def action_move_tile(self, tiles: int) -> None:
        """Show another picture of the grid."""
        self._index = (self._index + tiles) % self._count
        self._show()

    def action_toggle_kind(self) -> None:
        """Show reconstructions in place of samples, or the other way round, where there are any."""
        other: GridKind = "reconstructions" if self._kind == "samples" else "samples"
        if self._history.grid_steps(other):
            self._kind = other
            self._show()

    def action_help(self) -> None:
        """Show the help."""
        self.app.push_screen(HelpScreen(TILE_KEYS))

    def action_leave(self) -> None:
        """Go back to the run."""
        self.dismiss()
