"""The log of a run: what happened, a line each, and what its trainer printed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input

from vae_tui.runs.layout import Run
from vae_tui.runs.log_lines import LogLine, describe_rest, read_event_line, read_printed_line
from vae_tui.runs.tail import Tail
from vae_tui.text import printable
from vae_tui.tui.keys import Table, bindings
from vae_tui.tui.log_keys import LOG_KEYS
from vae_tui.tui.look import after
from vae_tui.tui.screens.closing import ClosesOnce
from vae_tui.tui.screens.help import HelpScreen
from vae_tui.tui.widgets.keys import Keys
from vae_tui.tui.widgets.line import Line
from vae_tui.tui.widgets.log_view import LogView
from vae_tui.tui.widgets.status_line import StatusLine
from vae_tui.wording import counted

_PACE = 0.25
_FILTER_KEYS = {
    "down": "screen.scroll(1)",
    "up": "screen.scroll(-1)",
    "pagedown": "screen.scroll_page(1)",
    "pageup": "screen.scroll_page(-1)",
    "escape": "screen.clear",
    "ctrl+c": "screen.clear",
}


class LogScreen(ClosesOnce[None]):
    """Shows the ends of both logs of a run, however long they are, and follows them."""

    KEYS: ClassVar[Table] = LOG_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    AUTO_FOCUS = ""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self._tails: dict[str, Tail[LogLine]] = {
            "events": Tail(lambda: run.events_path, read_event_line),
            "worker.log": Tail(lambda: run.worker_log_path, read_printed_line),
        }
        self._shown = "events"
        self._wanted = ""

    def compose(self) -> ComposeResult:
        """Which run it is, its log, a line to filter by, what of it is not shown, and keys."""
        yield StatusLine(id="title")
        yield LogView()
        line = Line("", keys=_FILTER_KEYS, compact=True, id="filter", placeholder="filter: saved, warning, epoch 12")
        line.cursor_blink = False
        yield line
        yield StatusLine(id="status")
        yield Keys()

    def on_mount(self) -> None:
        """Read the end, and go on reading."""
        self.query_one("#filter").display = False
        self.set_interval(_PACE, self._look)
        self.call_after_refresh(self._look)

    @property
    def _tail(self) -> Tail[LogLine]:
        return self._tails[self._shown]

    def _look(self) -> None:
        """Show what came; where older lines are wanted, a block of them."""
        if not self.is_current:
            return
        changed = self._tail.look()
        view = self.query_one(LogView)
        wants_older = view.is_at_top and (not view.follows or view.row_count <= view.size.height)
        if (wants_older and self._tail.read_older()) or changed or not view.row_count:
            self._show()

    def _show(self) -> None:
        self.query_one(LogView).show(self._tail, self._wanted)
        self._show_lines()

    def _show_lines(self) -> None:
        tail, view = self._tail, self.query_one(LogView)
        self.query_one("#title", StatusLine).show(f"{self._run.name}   log", "bold $primary")
        names = (f"[b $primary]▸ {name}[/]" if name == self._shown else f"[$faint]{name}[/]" for name in self._tails)
        view.border_title = "  ".join(names)
        subtitle = counted(len(tail.lines) + (tail.unfinished is not None), "line")
        if self._wanted:
            subtitle = f"{counted(view.line_count, 'line')} with {printable(self._wanted)} of {subtitle}"
        held = Content(f"{subtitle}, held; end follows again")
        view.border_subtitle = Content.styled(subtitle, "$faint") if view.follows else held
        rest = describe_rest(
            tail.begins_at, tail.size, is_full=tail.is_full, path=self._run.worker_log_path.with_name(self._file)
        )
        self.query_one("#status", StatusLine).show(tail.problem or rest, "$warning" if tail.problem else "$faint")
        self.query_one(Keys).show(LOG_KEYS, [] if view.follows else ["held"])

    @property
    def _file(self) -> str:
        return self._run.events_path.name if self._shown == "events" else self._shown

    def on_log_view_moved(self) -> None:
        """Say whether it is held."""
        self._show_lines()

    def action_next_log(self) -> None:
        """Show the other log."""
        self._shown = after(tuple(self._tails), self._shown)
        self._tail.look()
        self._show()

    def action_scroll(self, rows: int) -> None:
        """Scroll by so many rows."""
        self.query_one(LogView).scroll_relative(y=rows, animate=False, immediate=True)

    def action_scroll_page(self, pages: int) -> None:
        """Scroll by so many screens of rows."""
        self.action_scroll(pages * max(1, self.query_one(LogView).size.height - 1))

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        self.query_one(LogView).follow()
        self._show_lines()

    def action_filter(self) -> None:
        """Type a filter; the lines follow."""
        line = self.query_one("#filter", Line)
        line.display = True
        line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the lines that hold what is typed."""
        self._wanted = event.value
        self._show()

    def on_input_submitted(self) -> None:
        """Keep the filter."""
        self._close_filter()

    def _close_filter(self) -> None:
        self.query_one("#filter").display = False
        self.set_focus(None)

    def action_clear(self) -> None:
        """Show all lines; where they are shown already, go back."""
        if not self._wanted and not self.query_one("#filter").display:
            self.action_leave()
            return
        self.query_one("#filter", Line).value = ""
        self._close_filter()

    def action_help(self) -> None:
        """Show every key."""
        self.app.push_screen(HelpScreen(LOG_KEYS, title="the log of a run"))

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)
