"""A sweep as it goes on: its settings with the means over their seeds, and the run under the cursor beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import message, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.worker import get_current_worker

from vae_tui.errors import VaeTuiError
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.find import best_or_newest
from vae_tui.runs.layout import Run
from vae_tui.runs.summary import Summaries
from vae_tui.sweep.folder import WORKER_LOG, Contents, Sweep
from vae_tui.sweep.results import (
    FIGURES,
    SEED,
    RunResult,
    SeedsResult,
    average_seeds,
    order_for_reading,
    read_results,
    seconds_left,
)
from vae_tui.sweep.slurm import count_workers
from vae_tui.tui.keys import Table, bindings
from vae_tui.tui.look import after
from vae_tui.tui.screens.closing import ClosesOnce
from vae_tui.tui.screens.help import HelpScreen
from vae_tui.tui.sweep_keys import SWEEP_KEYS
from vae_tui.tui.widgets.keys import Keys
from vae_tui.tui.widgets.preview_pane import PreviewPane
from vae_tui.tui.widgets.status_line import StatusLine
from vae_tui.tui.widgets.sweep_map import SweepMap
from vae_tui.tui.widgets.sweep_table import TITLES, SweepTable
from vae_tui.wording import counted, format_clock

_PACE = 1.0
"""Seconds between two looks at the sweep's folder and its runs."""
_SECONDS_BETWEEN_QUEUES = 15.0
_NOTICE_SECONDS = 12.0
_SECONDS_TO_BEGIN = 8.0
"""That a worker takes to begin its first run, at most."""
_ROWS_AROUND, _ROWS_OF_A_MAP = 4, 12
"""Of title, importances, status and keys; and from how many on a map is shown below the table."""
_BAR = 12
"""Squares of an importance that explains all."""
_WIDE, _HIGH = 150, 30
"""Columns from which on the run stands beside the table, and rows from which on it stands below."""


class SweepScreen(ClosesOnce[None]):
    """Shows a sweep, whoever works at it; all reading is done in threads, so that no key waits."""

    KEYS: ClassVar[Table] = SWEEP_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    AUTO_FOCUS = ""

    class Read(message.Message):
        """The sweep was read; or why it cannot be."""

        def __init__(self, contents: Contents | None, results: list[RunResult], problem: str = "") -> None:
            super().__init__()
            self.contents, self.results, self.problem = contents, results, problem

    class ImportancesRead(message.Message):
        """How much each key of a search explains of its figure was read."""

        def __init__(self, importances: dict[str, float]) -> None:
            super().__init__()
            self.importances = importances

    def __init__(self, sweep: Sweep, data_root: Path | None = None) -> None:
        super().__init__()
        self._sweep, self._data_root = sweep, data_root
        self._summaries = Summaries()
        self._contents: Contents | None = None
        self.results: list[RunResult] = []
        """The jobs as of the last look; none before the first."""
        self._groups: list[SeedsResult] = []
        self._queue, self._queue_at = "", float("-inf")
        self._trials_read = 0
        """Completed trials when importances were read last."""
        self._problem = ""
        self._notice, self._notice_style, self._notice_until = "", "$foreground", 0.0
        self._figure = FIGURES[0]
        self._as_map = False
        self._preview_wanted = True
        self._reading = False
        self._idle_since = time.monotonic()
        """Since when no run trains."""

    def compose(self) -> ComposeResult:
        """Title, table and run, what happened, and keys."""
        yield StatusLine(id="title")
        with Horizontal(id="sweep-and-preview"):
            with Vertical(id="sweep-figures"):
                yield SweepTable()
                yield SweepMap()
            yield PreviewPane()
        yield StatusLine(id="importance")
        yield StatusLine(id="status")
        yield Keys()

    def on_mount(self) -> None:
        """Paint first, then read."""
        self.query_one("#importance").display = False
        self._fold()
        self._show()
        self.set_interval(_PACE, self._look)
        self.call_after_refresh(self._look)

    # Reading, in threads

    def _look(self) -> None:
        if not self._reading and self.is_current:
            self._reading = True
            self._read()
        self._show_lines()

    @work(thread=True)
    def _read(self) -> None:
        worker = get_current_worker()
        try:
            contents = self._sweep.read()
            self._ask_the_queue()
            for results in read_results(self._sweep, contents, self._summaries):
                if worker.is_cancelled:
                    return
                self.post_message(self.Read(contents, results))
            self._read_importances(contents, results)
        except VaeTuiError as error:
            self.post_message(self.Read(None, [], str(error)))
        finally:
            self._reading = False

    def _ask_the_queue(self) -> None:
        """Ask Slurm how many workers wait and work, now and then."""
        if time.monotonic() - self._queue_at > _SECONDS_BETWEEN_QUEUES and (self._sweep.folder / "slurm").is_dir():
            self._queue_at = time.monotonic()
            counts = count_workers(self._sweep)
            self._queue = ", ".join(f"{count} {state.lower()}" for state, count in counts.items())

    def _read_importances(self, contents: Contents, results: list[RunResult]) -> None:
        """Read how much each of several keys of a search matters, when more trials have completed."""
        completed = sum(run.standing.state == "completed" for run in results)
        search = contents.search
        if search is not None and len(search.space) > 1 and completed != self._trials_read:
            from vae_tui.sweep.study import read_importances  # noqa: PLC0415 - Optuna takes a second

            self._trials_read = completed
            importances = read_importances(self._sweep.folder, self._sweep.name, search)
            self.post_message(self.ImportancesRead(importances))

    def on_sweep_screen_importances_read(self, event: ImportancesRead) -> None:
        """Show how much each key explains, as a bar and a number."""
        line = self.query_one("#importance", StatusLine)
        figure = self._contents.search.metric if self._contents is not None and self._contents.search else ""
        parts = [
            f"{key.rpartition('.')[2]} {'▪' * round(_BAR * share)} {100 * share:.0f} %"
            for key, share in event.importances.items()
        ]
        line.display = bool(parts)
        line.show(f"what explains {TITLES.get(figure, figure)} (fANOVA)   {'   '.join(parts)}", "$foreground")

    def on_sweep_screen_read(self, event: Read) -> None:
        """Show what was read."""
        self._problem = event.problem
        if event.contents is not None:
            self._contents, self.results = event.contents, event.results
            self._groups = order_for_reading(average_seeds(event.results), event.contents)
            if any(run.standing.state == "running" for run in self.results):
                self._idle_since = time.monotonic()
        self._show()

    # What is shown

    def on_resize(self) -> None:
        """Put the run where there is room for it."""
        self._fold()

    def _fold(self) -> None:
        wide, high = self.size.width >= _WIDE, self.size.height >= _HIGH
        self.set_class(not wide, "below")
        preview, table, plot = self.query_one(PreviewPane), self.query_one(SweepTable), self.query_one(SweepMap)
        preview.display = self._preview_wanted and (wide or high)
        rows = len(self._groups) + 2
        room = self.size.height - _ROWS_AROUND if wide or not preview.display else self.size.height // 2
        both = len(self._keys) > 1 and not self._as_map and room >= rows + _ROWS_OF_A_MAP
        table.display, plot.display = not self._as_map, both or self._as_map
        table.styles.height = rows if both else "1fr"
        wanted = room if self._as_map else rows + _ROWS_OF_A_MAP if both else min(rows, room)
        self.query_one("#sweep-figures").styles.height = "1fr" if wide or not preview.display else wanted

    @property
    def _keys(self) -> list[str]:
        """The keys that settings differ in."""
        return [key for key in self._contents.keys if key != SEED] if self._contents else []

    def _show(self) -> None:
        self.query_one(SweepTable).show(self._groups, self._keys, self._figure)
        self.query_one(SweepMap).show(self._groups, self._keys, self._figure)
        self._fold()
        self._show_run()
        self._show_lines()

    def _show_run(self) -> None:
        run = self._current
        self.query_one(PreviewPane).look_at(run.summary if run is not None else None)

    def _show_lines(self) -> None:
        self.query_one("#title", StatusLine).show(self._title, "bold $primary")
        self.query_one("#status", StatusLine).show(*self._status)
        states = [run.standing.state for run in self.results]
        shown = ["paused"] if self._sweep.is_asked("pause") else ["going"] if "running" in states else []
        shown += ["failed"] if {"failed", "stopped"} & {*states} else []
        shown += ["two keys"] if len(self._keys) > 1 else []
        self.query_one(Keys).show(SWEEP_KEYS, shown)

    @property
    def _title(self) -> str:
        if self._contents is None:
            return f"{self._sweep.name}   reading"
        states = [run.standing.state for run in self.results]
        parts = [
            self._sweep.name,
            f"{self._contents.recipe_name}   {' × '.join(key.rpartition('.')[2] for key in self._contents.keys)}",
        ]
        states += ["waiting"] * (self._contents.run_count - len(states))
        parts.append(f"{states.count('completed')} of {counted(len(states), 'run')} completed")
        parts += [
            f"{states.count(state)} {word}"
            for state, word in (
                ("running", "training"),
                ("waiting", "waiting"),
                ("pruned", "pruned"),
                ("failed", "failed"),
                ("stopped", "stopped"),
            )
            if state in states
        ]
        if self._sweep.is_asked("pause"):
            parts.append("paused")
        elif (left := seconds_left(self.results)) is not None:
            parts.append(f"about {format_clock(left)} left")
        if self._queue:
            parts.append(f"Slurm: {self._queue}")
        return "   ".join(parts)

    @property
    def _status(self) -> tuple[str, str]:
        if self._problem:
            return self._problem, "$warning"
        if time.monotonic() < self._notice_until:
            return self._notice, self._notice_style
        if self._is_idle:
            log = f"; what the last one here said: {self._sweep.folder / WORKER_LOG}"
            way_on = f"no worker trains it; begin one with: vae-tui sweep {self._sweep.name_to_type}"
            return way_on + (log if (self._sweep.folder / WORKER_LOG).exists() else ""), "$warning"
        run = self._current
        if run is None:
            return "", "$faint"
        facts = [run.job.run, run.standing.state]
        if run.epoch:
            facts.append(f"epoch {run.epoch}")
        if (holder := run.standing.holder) is not None:
            facts.append(f"on {holder.host}" + (f", Slurm job {holder.cluster_job}" if holder.cluster_job else ""))
        if run.standing.attempts > 1:
            facts.append(f"{counted(run.standing.attempts, 'attempt')}")
        if run.standing.reason:
            facts.append(run.standing.reason)
        return "   ".join(facts), "$faint"

    @property
    def _is_idle(self) -> bool:
        """Whether runs wait, and for some time nobody has taken one."""
        waits = any(run.standing.state == "waiting" for run in self.results) and not self._sweep.is_asked("pause")
        return waits and not self._queue and time.monotonic() - self._idle_since > _SECONDS_TO_BEGIN

    @property
    def _current(self) -> RunResult | None:
        """The run under the cursor."""
        table = self.query_one(SweepTable)
        if not self._groups:
            return None
        runs = self._groups[table.row].runs
        return runs[min(table.seed, len(runs) - 1)]

    def on_sweep_table_moved(self) -> None:
        """Show the run under the cursor."""
        self._show_run()
        self._show_lines()

    def _report(self, text: str, style: str = "$foreground") -> None:
        self._notice, self._notice_style, self._notice_until = text, style, time.monotonic() + _NOTICE_SECONDS
        self._show_lines()

    # Keys

    def action_move(self, rows: int) -> None:
        """Move the cursor to another setting."""
        self.query_one(SweepTable).move(rows)

    def action_move_seed(self, seeds: int) -> None:
        """Move the cursor to another seed."""
        self.query_one(SweepTable).move_seed(seeds)

    def action_next_figure(self) -> None:
        """Draw the next figure."""
        self._figure = after(FIGURES, self._figure)
        self._show()
        self._report(f"{TITLES[self._figure]} is drawn")

    def action_toggle_map(self) -> None:
        """A map of two keys, or the table."""
        if len(self._keys) < 2:
            self._report("a map takes two keys that differ, beside the seed", "$warning")
            return
        self._as_map = not self._as_map
        self._show()

    def action_toggle_preview(self) -> None:
        """With or without the run under the cursor."""
        self._preview_wanted = not self._preview_wanted
        self._show()

    def action_open(self) -> None:
        """Show the run under the cursor."""
        from vae_tui.tui.screens.training import TrainingScreen  # noqa: PLC0415 charts, which the table does without

        if run := self._begun_run():
            self.app.push_screen(TrainingScreen(RunFeed(run), self._data_root))

    def action_walk(self) -> None:
        """Walk the latent space of the best checkpoint of the run under the cursor."""
        from vae_tui.tui.screens.walk import WalkScreen  # noqa: PLC0415 most sessions never walk

        if run := self._begun_run():
            try:
                self.app.push_screen(WalkScreen(best_or_newest(run), data_root=self._data_root))
            except VaeTuiError as error:
                self._report(str(error), "$warning")

    def _begun_run(self) -> Run | None:
        run = self._current
        if run is None or run.summary is None:
            self._report("that run was not begun yet", "$warning")
            return None
        return Run(run.summary.path)

    def action_overlay(self) -> None:
        """Show all runs that were begun over each other."""
        from vae_tui.tui.screens.overlay import OverlayScreen  # noqa: PLC0415 charts, which the table does without

        begun = [run.summary for run in self.results if run.summary is not None]
        if begun:
            self.app.push_screen(OverlayScreen(begun))
        else:
            self._report("no run was begun yet", "$warning")

    def action_samples(self) -> None:
        """Show samples of every setting."""
        from vae_tui.tui.screens.sweep_samples import SweepSamplesScreen  # noqa: PLC0415 numpy and Pillow

        if self._groups:
            self.app.push_screen(SweepSamplesScreen(self._sweep.name, self._groups, self._keys))

    def action_pause(self) -> None:
        """Pause the whole sweep, or let it go on."""
        if self._sweep.is_asked("pause"):
            self._ask(lambda: self._sweep.ask("pause", withdraw=True), "its workers go on")
        else:
            self._ask(lambda: self._sweep.ask("pause"), "its runs are saved and stopped; p lets it go on")

    def action_stop(self) -> None:
        """Stop all workers."""
        way_on = f"vae-tui sweep {self._sweep.name_to_type}"
        self._ask(lambda: self._sweep.ask("stop"), f"its workers save their runs and stop; go on with: {way_on}")

    def action_retry(self) -> None:
        """Have what failed or was stopped wait again."""
        again = [run.job.number for run in self.results if run.standing.state in ("failed", "stopped")]

        def try_again() -> None:
            for number in again:
                self._sweep.claims.try_again(number)

        self._ask(try_again, f"{counted(len(again), 'run')} to be tried again")

    def _ask(self, ask: Callable[[], None], done: str) -> None:
        """Ask something of all workers, and say that it was, or why it cannot be."""
        try:
            ask()
        except VaeTuiError as error:
            self._report(str(error), "$warning")
        else:
            self._report(done, "$success")
            self._look()

    def action_help(self) -> None:
        """Show every key."""
        self.app.push_screen(HelpScreen(SWEEP_KEYS, title="a sweep"))

    def action_leave(self) -> None:
        """Leave, to the list of runs if one came from there; the workers go on."""
        if self.app.screen_stack.index(self) > 1:
            self.dismiss(None)
        else:
            self.app.exit("finished")
