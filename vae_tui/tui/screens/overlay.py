"""Several runs over each other: curves, the rate-distortion plane, and pictures side by side, at any moment of them."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar, Literal, cast

from textual import message, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.worker import get_current_worker

from vae_tui.errors import VaeTuiError
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.groups import group_seeds
from vae_tui.runs.history import History, Moment
from vae_tui.runs.layout import Run
from vae_tui.runs.summary import Summary
from vae_tui.text import printable
from vae_tui.tui.keys import Table, bindings
from vae_tui.tui.look import Look, after, describe_axis, format_place, showing, step_at, whole_of_all
from vae_tui.tui.overlay import (
    OverlaidGroup,
    OverlaidRun,
    iso_labels,
    overlay,
    specify_multiple,
    specify_overlay,
    specify_plane,
    value_at_cursor,
)
from vae_tui.tui.overlay_keys import OVERLAY_KEYS
from vae_tui.tui.screens.charted import ChartedScreen
from vae_tui.tui.screens.closing import ClosesOnce
from vae_tui.tui.screens.help import HelpScreen
from vae_tui.tui.widgets.chart import Chart
from vae_tui.tui.widgets.keys import Keys
from vae_tui.tui.widgets.overlay_table import OverlayTable
from vae_tui.tui.widgets.pictures import Pictures
from vae_tui.tui.widgets.rates import RateBars
from vae_tui.tui.widgets.status_line import StatusLine
from vae_tui.wording import counted, format_nats

View = Literal["curves", "plane", "samples", "reconstructions", "rates", "small multiples"]
VIEWS: tuple[View, ...] = ("curves", "plane", "samples", "reconstructions", "rates", "small multiples")
BANDED: tuple[View, ...] = ("curves", "small multiples")
"""Where seeds of a recipe are drawn as one."""
FIGURES = (("negative_elbo", "−ELBO"), ("distortion", "distortion"), ("rate", "rate"))
_PACE = 1.0
_STRETCHES = 100
"""Steps of the time cursor from the beginning to now."""
_SIDE_BY_SIDE = 8
"""Runs whose pictures are shown at once, at most."""
_ROWS_AROUND, _ROWS_OF_A_PANE = 3, 7
"""Of title, status and keys; and that a run's pictures need."""
_MULTIPLES = 20
"""Small charts that are shown at once, at most."""
_ROWS_OF_A_MULTIPLE, _COLUMNS_OF_A_MULTIPLE = 9, 36
"""That one of them takes, at least."""
_SHAPE = 5.0
"""Columns to a row of a chart that is read easily."""
_NARROW, _HIGH, _LOW = 100, 32, 16
_NOTICE_SECONDS = 12


class OverlayScreen(ClosesOnce[None], ChartedScreen):
    """Shows runs in colors that stay theirs; they are read in a thread, and followed where they are trained."""

    KEYS: ClassVar[Table] = OVERLAY_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    AUTO_FOCUS = ""

    class Read(message.Message):
        """Logs were read: so many of the runs are there."""

        def __init__(self, count: int) -> None:
            super().__init__()
            self.count = count

    def __init__(self, runs: Sequence[Summary]) -> None:
        super().__init__()
        self._summaries = tuple(runs)
        self._feeds = [RunFeed(Run(run.path)) for run in runs]
        self._overlaid = overlay([run.name for run in runs], [feed.history for feed in self._feeds])
        self._grouped_runs = [
            OverlaidGroup(group.name, tuple(self._overlaid[self._summaries.index(run)] for run in group.runs))
            for group in group_seeds(runs)
        ]
        self._grouped = len(self._grouped_runs) < len(runs)
        self._count = 0
        self._view: View = "curves"
        self._cursor: float | None = None
        """Where the time cursor is along what has passed; None: now."""
        self._differences = True
        self._first_multiple = 0
        self._multiples_abreast = 1
        """The first of the small charts that is shown, and how many stand in a row."""
        self._alone: int | None = None
        """The index of the only figure that is drawn; None: all, where there is room."""
        self._version = 0
        self._notice = ("", "$faint")
        """What came of the last export, and its style."""

    def compose(self) -> ComposeResult:
        """A title, the panes, the table of the runs, and keys."""
        yield StatusLine(id="title")
        with Container(id="overlay"):
            for figure, _ in FIGURES:
                yield Chart(id=f"overlay-{figure}")
            yield Chart(id="overlay-plane")
        with Container(id="side-by-side"):
            for index, run in enumerate(self._overlaid[:_SIDE_BY_SIDE]):
                with Vertical(classes="of-a-run") as pane:
                    pane.border_title = Content(f"{run.letter} {printable(run.name)}")
                    yield Pictures(id=f"samples-{index}")
                    yield Pictures(id=f"reconstructions-{index}")
                    yield RateBars(id=f"rates-{index}")
        with Container(id="multiples"):
            for index in range(min(_MULTIPLES, len(self._overlaid))):
                yield Chart(id=f"multiple-{index}")
        yield OverlayTable()
        yield StatusLine(id="status")
        yield Keys()

    def on_mount(self) -> None:
        """Read, and go on reading."""
        for figure, title in FIGURES:
            self.query_one(f"#overlay-{figure}").border_title = f"[b]{title}[/]  [$faint]nats/image[/]"
        self.query_one("#overlay-plane").border_title = "[b]distortion[/] over [b]rate[/]  [$faint]nats/image[/]"
        self._arrange()
        self._read()
        self.set_interval(_PACE, self._follow)

    # Reading

    @work(thread=True, exclusive=True)
    def _read(self) -> None:
        worker = get_current_worker()
        for count, feed in enumerate(self._feeds, start=1):
            with contextlib.suppress(VaeTuiError):
                feed.catch_up(thinned=True, cancelled=lambda: worker.is_cancelled)
            if worker.is_cancelled:
                return
            self.post_message(self.Read(count))

    def _follow(self) -> None:
        """Take what came since to the runs that are trained; not in a thread, for what is drawn must not change meanwhile."""
        if not self.is_current or self._count < len(self._feeds):
            return
        before = self._version
        for feed in self._feeds:
            if feed.status.live:
                with contextlib.suppress(VaeTuiError):
                    self._version += bool(feed.poll())
        if self._version != before:
            self._show()

    def on_overlay_screen_read(self, event: Read) -> None:
        """Draw the runs that are there now; those that are still read are not looked at."""
        self._count = event.count
        self._version += 1
        if self._count == len(self._feeds) or event.count % 8 == 1:
            self._show()
        self._show_lines()

    # Showing

    def on_resize(self) -> None:
        """Fold where there is little room."""
        self._arrange()

    def _arrange(self) -> None:
        self.query_one("#overlay").display = self._view in ("curves", "plane")
        self.query_one("#multiples").display = self._view == "small multiples"
        self.query_one("#side-by-side").display = self._view in VIEWS[2:5]
        self.set_class(self.size.width < _NARROW, "narrow")
        self.query_one("#side-by-side").styles.grid_size_columns = min(self._abreast, len(self._overlaid))
        alone = 0 if self._alone is None and self.size.height < _HIGH else self._alone
        self.set_class(alone is not None, "alone")
        for index, (figure, _) in enumerate(FIGURES):
            self.query_one(f"#overlay-{figure}").display = self._view == "curves" and alone in (None, index)
        self.query_one("#overlay-plane").display = self._view == "plane"
        for index, pane in enumerate(self.query(".of-a-run")):
            pane.display = index < self._side_by_side
            for kind in VIEWS[2:5]:
                self.query_one(f"#{kind}-{index}").display = kind == self._view
        table = self.query_one(OverlayTable)
        table.display = self.size.height >= _LOW and self._view != "small multiples"
        table.styles.max_height = self._most_rows_of_table
        self._show()

    @property
    def _abreast(self) -> int:
        return 2 if self.size.width < _NARROW else 4

    @property
    def _most_rows_of_table(self) -> int:
        return max(3, self.size.height // 3)

    @property
    def _side_by_side(self) -> int:
        """How many runs have room for pictures that can be made out."""
        table = min(self._most_rows_of_table, len(self._overlaid) + 1) if self.size.height >= _LOW else 0
        rows = self.size.height - _ROWS_AROUND - table
        return min(_SIDE_BY_SIDE, self._abreast * max(1, rows // _ROWS_OF_A_PANE))

    def _show(self) -> None:
        groups = self._groups
        at = self.cursor_place
        stamp = (self._version, self.look, self._grouped, at)
        if self._view == "curves":
            for figure, _ in FIGURES:
                chart = self.query_one(f"#overlay-{figure}", Chart)
                chart.show(partial(specify_overlay, groups, figure, self.look, at), stamp)
        elif self._view == "plane":
            self.query_one("#overlay-plane", Chart).show(partial(specify_plane, groups, self.look, at), stamp)
            spec = specify_plane(groups, self.look, at, 100)
            if spec is not None:
                self.query_one("#overlay-plane").border_subtitle = f"[$faint]−ELBO[/] {iso_labels(spec)}"
        elif self._view == "small multiples":
            self._show_multiples(groups, at, stamp)
        moments = self._moments
        for index, (feed, moment) in enumerate(zip(self._feeds[:_SIDE_BY_SIDE], moments, strict=False)):
            if self._view in ("samples", "reconstructions"):
                pictures = self.query_one(f"#{self._view}-{index}", Pictures)
                pictures.show(feed.run, moment.images.get(self._view), at_once=True)
            elif self._view == "rates":
                self.query_one(f"#rates-{index}", RateBars).show(moment)
        of_runs = dict(zip(self._overlaid, moments, strict=False))
        self.query_one(OverlayTable).show(self._drawn, of_runs, differences=self._differences)
        self._show_lines()

    def _show_multiples(self, groups: list[OverlaidGroup], at: float | None, stamp: tuple[object, ...]) -> None:
        """A small chart a run, or a recipe, all on the same axes."""
        figure, _ = FIGURES[self._alone or 0]
        width, height = self.size.width, max(1, self.size.height - _ROWS_AROUND)
        rows, columns = max(1, height // _ROWS_OF_A_MULTIPLE), max(1, width // _COLUMNS_OF_A_MULTIPLE)
        most = min(_MULTIPLES, rows * columns)
        count = max(1, min(most, len(groups)))
        fitting = [number for number in range(1, columns + 1) if -(-count // number) <= rows]
        abreast = min(
            fitting, key=lambda number: abs(math.log(width / number / (height / -(-count // number)) / _SHAPE))
        )
        self._multiples_abreast = abreast
        last_row = -(-(len(groups) - most) // abreast)
        self._first_multiple = max(0, min(self._first_multiple, last_row * abreast))
        self.query_one("#multiples").styles.grid_size_columns = abreast
        whole = specify_overlay(groups, figure, self.look, at, 100) if groups else None
        shown = groups[self._first_multiple : self._first_multiple + most]
        for index, chart in enumerate(self.query("#multiples Chart").results(Chart)):
            chart.display = index < len(shown)
            if whole is None or index >= len(shown):
                continue
            group = shown[index]
            chart.show(partial(specify_multiple, group, groups, whole, figure, self.look, at), (stamp, figure, group))
            spec = specify_multiple(group, groups, whole, figure, self.look, at, 100)
            title = f"{group.first.letter} {printable(group.name)}"
            chart.border_title = Content.styled(title, group.first.color)
            chart.border_subtitle = Content(format_nats(value_at_cursor(spec)) if spec is not None else "")

    @property
    def _hidden_multiples(self) -> int:
        """How many small charts there is no room for."""
        shown = sum(chart.display for chart in self.query("#multiples Chart"))
        return len(self._groups) - shown

    @property
    def _groups(self) -> list[OverlaidGroup]:
        read = self._overlaid[: self._count]
        if not self._grouped:
            return _alone(read)
        groups = [(group.name, tuple(run for run in group.runs if run in read)) for group in self._grouped_runs]
        return [OverlaidGroup(name, runs) for name, runs in groups if runs]

    @property
    def _drawn(self) -> list[OverlaidGroup]:
        """What has a letter of its own: only curves are drawn as bands."""
        return self._groups if self._view in BANDED else _alone(self._overlaid[: self._count])

    @property
    def histories(self) -> Sequence[History]:
        """Those of the runs that are read."""
        return [feed.history for feed in self._feeds[: self._count]]

    @property
    def cursor_place(self) -> float | None:
        """Where the time cursor is along the axis, or along the steps where that is a figure; None: now."""
        return self._cursor

    @property
    def _moments(self) -> list[Moment]:
        at, axis = self.cursor_place, self.look.passing
        if at is None:
            return [feed.history.now for feed in self._feeds[: self._count]]
        return [feed.at(step_at(feed.history, at, axis)) for feed in self._feeds[: self._count]]

    def _show_lines(self) -> None:
        title = f"{counted(len(self._feeds), 'run')}   {self._view}   x: {describe_axis(self.look, self.histories)}"
        if self._view == "small multiples":
            title = title.replace(self._view, f"{self._view} of {FIGURES[self._alone or 0][1]}")
        if self._grouped and self._view in BANDED:
            title += f"   seeds as bands: {counted(len(self._grouped_runs), 'recipe')}"
        self.query_one("#title", StatusLine).show(title, "bold $primary")
        self.query_one("#status", StatusLine).show(*self._status)
        self.query_one(Keys).show(OVERLAY_KEYS, ["now" if self._cursor is None else "then"])

    @property
    def _status(self) -> tuple[str, str]:
        if self._count < len(self._feeds):
            return f"reading runs   {self._count} of {len(self._feeds)}", "$primary"
        at = self.cursor_place
        if at is not None and not self._notice[0]:
            axis = self.look.passing
            return f"as they were at {axis} {format_place(at, axis)}; esc is now", "$warning"
        if self._view == "small multiples" and (hidden := self._hidden_multiples):
            return f"{hidden} more; ↑ ↓ show them", "$warning"
        if self._view in VIEWS[2:5] and len(self._feeds) > self._side_by_side:
            more = "; a larger window shows more" if self._side_by_side < _SIDE_BY_SIDE and self.size.width > 60 else ""
            return f"the first {self._side_by_side} of {len(self._feeds)} runs{more}", "$warning"
        if self.size.height < _LOW and not self._notice[0]:
            return "   ".join(f"{group.first.letter} {group.name}" for group in self._drawn), "$foreground"
        return self._notice

    # Keys

    def action_view(self, view: str) -> None:
        """Show another view."""
        self._view = cast("View", view)
        self._arrange()

    def action_next_view(self) -> None:
        """Show the next view."""
        self.action_view(after(VIEWS, self._view))

    def action_next_figure(self) -> None:
        """Draw one figure alone, the next, or all again."""
        small = self._view == "small multiples"
        order = (None, 0, 1, 2) if self.size.height >= _HIGH and not small else (0, 1, 2)
        self._alone = after(order, self._alone if self._alone in order else order[0])
        self._view = self._view if small else "curves"
        self._arrange()

    def action_move(self, stretches: int) -> None:
        """Move the time cursor; beyond the end is now."""
        low, high = whole_of_all(self.histories, self.look.passing)
        at = (high if self._cursor is None else self._cursor) + stretches * (high - low) / _STRETCHES
        self._travel(at)

    def _travel(self, at: float) -> None:
        low, high = whole_of_all(self.histories, self.look.passing)
        # A stretch is no round number of steps.
        self._cursor = None if at >= high - (high - low) / _STRETCHES / 2 else max(low, at)
        self.change_look(self.look if self._cursor is None else showing(self.look, self.histories, self._cursor))

    def on_chart_clicked(self, event: Chart.Clicked) -> None:
        """Go to the moment that was clicked, where time is the axis."""
        if self._view in BANDED and self.look.axis == self.look.passing:
            self._travel(event.x)

    def action_now(self) -> None:
        """Show all as it is now; once it is, the whole of it."""
        if self._cursor is None:
            self.look = replace(self.look, zoom=0, until=None)
        self._cursor = None
        self._show()

    def action_toggle_groups(self) -> None:
        """Draw the seeds of a recipe as one, or each."""
        self._grouped = not self._grouped
        self._show()

    def change_look(self, look: Look) -> None:
        """Draw otherwise; along another axis the cursor is as far along."""
        if self._cursor is not None and look.passing != self.look.passing:
            low, high = whole_of_all(self.histories, self.look.passing)
            share = (self._cursor - low) / (high - low) if high > low else 0.0
            low, high = whole_of_all(self.histories, look.passing)
            self._cursor = low + share * (high - low)
        self.look = look
        self._show()

    def action_toggle_differences(self) -> None:
        """With or without what differs in the recipes."""
        self._differences = not self._differences
        self._show()

    def action_scroll(self, rows: int) -> None:
        """Show further runs in the table, or further small charts."""
        if self._view == "small multiples":
            self._first_multiple += rows * self._multiples_abreast
            self._show()
        else:
            self.query_one(OverlayTable).scroll_rows(rows)

    def action_export(self) -> None:
        """Write the charts in sight, or the screen, to a file."""
        from vae_tui.tui.screens.export import offer_export  # noqa: PLC0415

        read = self._overlaid[: self._count]
        histories = {run.name: run.history for run in read}
        names = {run.letter: run.name for run in read}
        offer_export(self, "runs", histories, names, self.look.axis, self._report)

    def _report(self, text: str, style: str) -> None:
        self._notice = text, style
        self._show_lines()
        self.set_timer(_NOTICE_SECONDS, lambda: self._forget(text))

    def _forget(self, text: str) -> None:
        if self._notice[0] == text:
            self._notice = "", "$faint"
            self._show_lines()

    def action_help(self) -> None:
        """Show every key."""
        self.app.push_screen(HelpScreen(OVERLAY_KEYS, title="runs over each other"))

    def action_leave(self) -> None:
        """Go back to the runs."""
        self.dismiss(None)


def _alone(runs: Sequence[OverlaidRun]) -> list[OverlaidGroup]:
    return [OverlaidGroup(run.name, (run,)) for run in runs]
