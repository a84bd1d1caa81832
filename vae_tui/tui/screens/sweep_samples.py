"""Samples of every setting of a sweep, the first key across and the others down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content

from vae_tui.runs.images import newest_drawn
from vae_tui.runs.layout import Run
from vae_tui.sweep.results import RunResult, SeedsResult, show_value
from vae_tui.text import printable
from vae_tui.tui.keys import Table, bindings
from vae_tui.tui.screens.closing import ClosesOnce
from vae_tui.tui.screens.help import HelpScreen
from vae_tui.tui.sweep_samples_keys import SWEEP_SAMPLES_KEYS
from vae_tui.tui.widgets.keys import Keys
from vae_tui.tui.widgets.pictures import Pictures
from vae_tui.tui.widgets.status_line import StatusLine

_LEAST_WIDTH, _LEAST_HEIGHT = 18, 8
"""Columns and rows that a pane of samples takes, with its border."""
_MOST_PANES = 24
_ROWS_AROUND = 3
_PACE = 3.0
"""Seconds between two looks for newer pictures."""


class SweepSamplesScreen(ClosesOnce[None]):
    """Shows the newest samples of one seed's run of each setting, as many settings as there is room for."""

    KEYS: ClassVar[Table] = SWEEP_SAMPLES_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    AUTO_FOCUS = ""

    def __init__(self, name: str, groups: Sequence[SeedsResult], keys: Sequence[str]) -> None:
        super().__init__()
        self._sweep_name, self._keys = name, keys
        self._groups = _by_rows(groups, keys)
        first_values = {show_value(group.values[keys[0]]) for group in groups} if len(keys) > 1 else groups
        self._columns = len(first_values)
        self._seed = self._first = 0
        self._kind: Literal["samples", "reconstructions"] = "samples"

    def compose(self) -> ComposeResult:
        """A title, the panes, what is shown, and keys."""
        yield StatusLine(id="title")
        with Container(id="sweep-samples"):
            for index in range(min(_MOST_PANES, len(self._groups))):
                yield Pictures(id=f"of-setting-{index}")
        yield StatusLine(id="status")
        yield Keys()

    def on_mount(self) -> None:
        """Show what there is, and look for newer pictures."""
        self._show()
        self.set_interval(_PACE, self._show)

    def on_resize(self) -> None:
        """Show as many as there is room for."""
        self._show()

    @property
    def _abreast(self) -> int:
        return max(1, min(self._columns, self.size.width // _LEAST_WIDTH))

    @property
    def _page(self) -> int:
        rows = max(1, (self.size.height - _ROWS_AROUND) // _LEAST_HEIGHT)
        return min(_MOST_PANES, len(self._groups), self._abreast * rows)

    def _show(self) -> None:
        if not self.is_current:
            return
        self._first = max(0, min(self._first, len(self._groups) - self._page))
        self.query_one("#sweep-samples").styles.grid_size_columns = self._abreast
        shown = self._groups[self._first : self._first + self._page]
        for index, pane in enumerate(self.query(Pictures)):
            pane.display = index < len(shown)
            if index < len(shown):
                self._fill(pane, shown[index])
        count = max(len(group.runs) for group in self._groups)
        which = f"   seed {self._seed + 1} of {count}" if count > 1 else ""
        self.query_one("#title", StatusLine).show(f"{self._sweep_name}   {self._kind}{which}", "bold $primary")
        part = f"settings {self._first + 1} to {self._first + len(shown)} of {len(self._groups)}"
        self.query_one("#status", StatusLine).show(part if len(shown) < len(self._groups) else "", "$faint")
        self.query_one(Keys).show(SWEEP_SAMPLES_KEYS, ())

    def _fill(self, pane: Pictures, group: SeedsResult) -> None:
        result: RunResult = group.runs[min(self._seed, len(group.runs) - 1)]
        values = [f"{key.rpartition('.')[2]} {show_value(group.values[key])}" for key in self._keys]
        pane.border_title = Content(printable("  ".join(values) or result.job.run))
        if result.summary is not None:
            run = Run(result.summary.path)
            pane.show(run, newest_drawn(run, self._kind), at_once=True)

    def action_move_seed(self, seeds: int) -> None:
        """Show the runs of another seed."""
        most = max(len(group.runs) for group in self._groups) - 1
        self._seed = max(0, min(self._seed + seeds, most))
        self._show()

    def action_move(self, rows: int) -> None:
        """Show further settings."""
        self._first += rows * self._abreast
        self._show()

    def action_toggle_kind(self) -> None:
        """Show reconstructions, or samples again."""
        self._kind = "reconstructions" if self._kind == "samples" else "samples"
        self._show()

    def action_help(self) -> None:
        """Show every key."""
        self.app.push_screen(HelpScreen(SWEEP_SAMPLES_KEYS, title="samples of a sweep"))

    def action_leave(self) -> None:
        """Go back to the sweep."""
        self.dismiss(None)


def _by_rows(groups: Sequence[SeedsResult], keys: Sequence[str]) -> list[SeedsResult]:
    """The settings row by row: those that differ in the first key alone are beside each other."""
    rows: dict[tuple[str, ...], list[SeedsResult]] = {}
    for group in groups:
        rows.setdefault(tuple(show_value(group.values[key]) for key in keys[1:]), []).append(group)
    return [group for row in rows.values() for group in row]
