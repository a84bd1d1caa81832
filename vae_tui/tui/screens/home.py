"""The home screen: all runs of a folder, filtered and sorted, with what can be done to them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import message, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import get_current_worker

from vae_tui.errors import VaeTuiError
from vae_tui.runs.columns import COLUMNS, SHOWN
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.find import best_or_newest
from vae_tui.runs.layout import Run
from vae_tui.runs.overview import Overview
from vae_tui.runs.summary import Summary
from vae_tui.tui.home_keys import HOME_KEYS
from vae_tui.tui.keys import Table, bindings
from vae_tui.tui.run_actions import StartedRun
from vae_tui.tui.run_list import RunList
from vae_tui.tui.screens.help import HelpScreen
from vae_tui.tui.screens.run_control import RunControl
from vae_tui.tui.screens.run_prompts import PROMPTS
from vae_tui.tui.widgets.keys import Keys
from vae_tui.tui.widgets.line import Line
from vae_tui.tui.widgets.preview_pane import PreviewPane
from vae_tui.tui.widgets.run_table import RunTable
from vae_tui.tui.widgets.status_line import StatusLine
from vae_tui.wording import format_age

_PACE = 1.0
"""Seconds between two looks at the folder."""
_SECONDS_BETWEEN_AGES = 10
_NOTICE_SECONDS = 12
_WIDE = 110
"""Columns from which on there is room for a preview."""


_FILTER_KEYS = {
    "down": "screen.move(1)",
    "up": "screen.move(-1)",
    "pagedown": "screen.move_page(1)",
    "pageup": "screen.move_page(-1)",
    "escape": "screen.drop_filter",
    "ctrl+c": "screen.drop_filter",
}


class HomeScreen(Screen[None]):
    """Shows the runs under a folder, looks for what changed once a second, and sends off what is asked for.

    All reading and writing is done in threads, so that no key waits.
    """

    KEYS: ClassVar[Table] = HOME_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    AUTO_FOCUS = ""

    class Opened(message.Message):
        """A run is to be shown."""

        def __init__(self, feed: RunFeed) -> None:
            super().__init__()
            self.feed = feed

    class Read(message.Message):
        """The folder was read, or a part of it: these of `count` runs are known, or why it cannot be."""

        def __init__(self, runs: list[Summary], count: int, problem: str = "") -> None:
            super().__init__()
            self.runs, self.count, self.problem = runs, count, problem

    def __init__(self, runs_dir: Path, data_root: Path | None = None) -> None:
        super().__init__()
        self._runs_dir, self._data_root = runs_dir, data_root
        self._overview = Overview(runs_dir)
        self.run_list = RunList()
        self._control = RunControl(self, runs_dir, data_root)
        self._shown_at = 0.0
        self._notice, self._notice_style, self._notice_until = "", "$foreground", 0.0
        self._reading = False
        self._curves: dict[Path, tuple[float, ...]] = {}
        self._wanted: Path | None = None
        """The run that the cursor goes to as soon as it is listed."""
        self._preview_wanted = True

    def compose(self) -> ComposeResult:
        """Title, table and preview, a line to filter by, what happened, and keys."""
        yield StatusLine(id="title")
        with Horizontal(id="runs-and-preview"):
            yield RunTable(id="runs")
            yield PreviewPane()
        line = Line("", keys=_FILTER_KEYS, compact=True, id="filter", placeholder="filter: fc20 beta>=4 state:failed")
        line.cursor_blink = False
        yield line
        yield StatusLine(id="status")
        yield Keys()

    def on_mount(self) -> None:
        """Paint first, then read."""
        table = self.query_one(RunTable)
        table.choose_columns(SHOWN, droppable=True)
        table.placeholder = self.run_list.placeholder
        self.query_one("#filter").display = False
        self._show_lines()
        self.set_interval(_PACE, self.look)
        self.call_after_refresh(self.look)

    # Reading, in threads

    @work(thread=True, group="read")
    def _read(self) -> None:
        worker = get_current_worker()
        try:
            for runs, count in self._overview.read(cancelled=lambda: worker.is_cancelled):
                self.post_message(self.Read(runs, count))
        except VaeTuiError as error:
            self.post_message(self.Read([], 0, str(error)))
        finally:
            self._reading = False

    def on_home_screen_read(self, event: Read) -> None:
        """Show what was read."""
        if self.run_list.update(event.runs, event.count, event.problem) or (
            time.monotonic() - self._shown_at > _SECONDS_BETWEEN_AGES
        ):
            self.show_list()
        self._draw_curves()
        self._fold()

    @work(thread=True, exclusive=True, group="curves")
    def _draw_curves(self) -> None:
        worker = get_current_worker()
        for run in self.app.call_from_thread(lambda: self.query_one(RunTable).runs_in_sight):
            if worker.is_cancelled:
                return
            self._curves[run.path] = self._overview.curve(run)
        self.app.call_from_thread(lambda: self.query_one(RunTable).show_curves(self._curves))

    # What is shown

    def _show_lines(self) -> None:
        table = self.query_one(RunTable)
        self.query_one("#title", StatusLine).show(
            self.run_list.describe(str(self._runs_dir), shown=table.run_count, chosen=len(table.chosen)),
            "bold $primary",
        )
        self.query_one("#status", StatusLine).show(*self._status)
        current = table.current
        states = [] if current is None else ["live" if current.live else "over"]
        states += ["chosen"] if table.chosen else []
        self.query_one(Keys).show(HOME_KEYS, states)

    @property
    def _status(self) -> tuple[str, str]:
        if self.run_list.problem:
            return self.run_list.problem, "$warning"
        if time.monotonic() < self._notice_until:
            return self._notice, self._notice_style
        run = self.query_one(RunTable).current
        if run is None:
            return "", "$faint"
        facts = [run.name]
        if run.updated is not None:
            facts.append(f"{format_age(time.time() - run.updated)} ago")
        if run.about.tags:
            facts.append(" ".join(run.about.tags))
        if run.about.note:
            facts.append(run.about.note)
        elif run.reason:
            facts.append(run.reason)
        return "   ".join(facts), "$faint"

    def on_resize(self) -> None:
        """With the preview where there is room."""
        self._fold()

    def _fold(self) -> None:
        preview = self.query_one(PreviewPane)
        preview.display = self._preview_wanted and self.size.width >= _WIDE
        preview.look_at(self.query_one(RunTable).current)

    def on_run_table_highlighted(self) -> None:
        """Show the run under the cursor."""
        self._show_lines()
        self._fold()
        if self.run_list.runs:
            self._draw_curves()

    def action_toggle_preview(self) -> None:
        """With or without the preview."""
        self._preview_wanted = not self._preview_wanted
        if self._preview_wanted and self.size.width < _WIDE:
            self.report(f"a preview needs {_WIDE} columns", "$warning")
        self._fold()

    # Moving and choosing

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self.query_one(RunTable).move(rows)

    def action_move_page(self, pages: int) -> None:
        """Move the cursor by a page."""
        table = self.query_one(RunTable)
        table.move(pages * table.page)

    def action_choose(self) -> None:
        """Choose the run under the cursor, or no longer."""
        self.query_one(RunTable).toggle_choice()
        self._show_lines()

    def action_choose_all(self) -> None:
        """Choose all that are shown, or none."""
        self.query_one(RunTable).choose_all()
        self._show_lines()

    def action_clear(self) -> None:
        """Choose none; then show all."""
        table = self.query_one(RunTable)
        if table.chosen:
            table.chosen.clear()
            table.refresh()
        else:
            self.run_list.filter = self.run_list.problem = ""
            self.show_list()
        self._show_lines()

    def action_filter(self) -> None:
        """Type a filter; the list follows."""
        line = self.query_one("#filter", Line)
        line.display = True
        line.value = self.run_list.filter
        line.cursor_position = len(line.value)
        line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the runs that fit what is typed."""
        if event.value != self.run_list.filter:
            self.run_list.filter = event.value
            self.show_list()

    def on_input_submitted(self) -> None:
        """Keep the filter."""
        self._close_filter()

    def action_drop_filter(self) -> None:
        """Show all."""
        self.run_list.filter = ""
        self._close_filter()

    def _close_filter(self) -> None:
        self.query_one("#filter").display = False
        self.set_focus(None)
        self.show_list()

    def on_run_table_title_clicked(self, event: RunTable.TitleClicked) -> None:
        """Sort by a column, or the other way round."""
        self.run_list.sort_by(event.key)
        self.show_list()

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self.run_list.reverse()
        self.show_list()

    def action_group(self) -> None:
        """Group by recipe, or not."""
        self.run_list.grouped = not self.run_list.grouped
        self.show_list()

    # Opening

    def on_run_table_opened(self) -> None:
        """A click on the run under the cursor."""
        self.action_open()

    def action_open(self) -> None:
        """Show the run under the cursor."""
        if run := self.current_run():
            self.post_message(self.Opened(RunFeed(Run(run.path))))

    def action_walk(self) -> None:
        """Walk the latent space of the best checkpoint of the run under the cursor, of a live one the newest."""
        from vae_tui.tui.screens.walk import WalkScreen  # noqa: PLC0415 most sessions never walk

        if run := self.current_run():
            try:
                self.app.push_screen(WalkScreen(best_or_newest(Run(run.path)), data_root=self._data_root))
            except VaeTuiError as error:
                self.report(str(error), "$warning")

    def action_overlay(self) -> None:
        """Show the chosen runs over each other."""
        from vae_tui.tui.screens.overlay import OverlayScreen  # noqa: PLC0415 charts, which the list does without

        runs = self.query_one(RunTable).selected
        if runs:
            self.app.push_screen(OverlayScreen(runs))
        else:
            self.report("choose runs by space, then o", "$warning")

    def current_run(self) -> Summary | None:
        """The run under the cursor; where there is none, that is said."""
        run = self.query_one(RunTable).current
        if run is None:
            self.report("there is no run under the cursor; n trains one", "$warning")
        return run

    # Doing

    def action_do(self, name: str) -> None:
        """Do what a key does to the chosen runs: `name` is a method of the control."""
        getattr(self._control, name)(self.query_one(RunTable).selected)

    def action_ask(self, name: str) -> None:
        """Ask for what is needed to do something."""
        prompt = PROMPTS[name](self._control, self.query_one(RunTable).selected)
        if isinstance(prompt, str):
            self.report(prompt, "$warning")
            return
        take = prompt.take

        def answered(answer: str | None) -> None:
            if answer is not None:
                take(answer)

        self.app.push_screen(prompt.screen, answered)

    def report(self, text: str, style: str = "$foreground") -> None:
        """Show what is done, or came of it."""
        self._notice, self._notice_style, self._notice_until = text, style, time.monotonic() + _NOTICE_SECONDS
        self._show_lines()

    def look(self) -> None:
        """Read what changed, unless that is done already."""
        if not self._reading and self.is_current:
            self._reading = True
            self._read()
        self._show_lines()

    def run_in_thread(self, work: Callable[[], None]) -> None:
        """Do something that takes a while."""
        self.run_worker(work, thread=True)

    def began(self, started: StartedRun, *, open_it: bool) -> None:
        """A trainer has opened its run."""
        self._wanted = started.opened.run.path
        if open_it and self.is_current:
            self.post_message(self.Opened(started.opened.feed(started.trainer)))
        self.look()

    def show_list(self) -> None:
        """Show the runs as the list has them now."""
        self._shown_at = time.monotonic()
        table, lines = self.query_one(RunTable), self.run_list.lines()
        table.placeholder = self.run_list.placeholder
        if lines is not None:
            table.show(lines, sorted_by=self.run_list.sort)
            if self._wanted is not None and table.move_to_run(self._wanted):
                self._wanted = None
        self._show_lines()

    def show_columns(self, keys: list[str]) -> None:
        """Show these columns; without any, those that are usual."""
        self.query_one(RunTable).choose_columns(keys or SHOWN, droppable=not keys)
        self.show_list()

    def action_help(self) -> None:
        """Show every key."""
        columns = [(column.key, column.meaning) for column in COLUMNS.values()]
        self.app.push_screen(HelpScreen(HOME_KEYS, {"Columns": columns}))

    def action_leave(self) -> None:
        """Leave; what trains goes on."""
        self.app.exit()
