"""A hand on runs from the list of them: what is sent off in threads, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from textual.app import App

from vae_tui.errors import VaeTuiError
from vae_tui.runs.commands import Command, Pause, Stop, Unpause
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.runs.prune import plan_pruning
from vae_tui.runs.summary import Summary
from vae_tui.sweep.folder import find_sweep
from vae_tui.tui import run_actions
from vae_tui.tui.run_list import RunList
from vae_tui.tui.screens.choice import Choice, ChoiceScreen
from vae_tui.wording import counted, format_bytes

NO_RUN = "there is no run under the cursor; n trains one"


class ListScreen(Protocol):
    """A screen that shows a list of runs, and what is done to them."""

    run_list: RunList

    @property
    def app(self) -> App[Any]:
        """The app."""

    def current_run(self) -> Summary | None:
        """The run under the cursor; where there is none, that is said."""

    def show_list(self) -> None:
        """Show the runs as the list has them now."""

    def show_columns(self, keys: list[str]) -> None:
        """Show these columns."""

    def report(self, text: str, style: str = "$foreground") -> None:
        """Show what is done, or came of it."""

    def look(self) -> None:
        """Read what changed."""

    def began(self, started: run_actions.StartedRun, *, open_it: bool) -> None:
        """A trainer has opened its run."""

    def run_in_thread(self, work: Callable[[], None]) -> None:
        """Do something that takes a while."""


class RunControl:
    """Does things to runs, in threads, for a `screen` that reports them."""

    def __init__(self, screen: ListScreen, runs_dir: Path, data_root: Path | None) -> None:
        self._screen, self._runs_dir, self._data_root = screen, runs_dir, data_root

    @property
    def run_list(self) -> RunList:
        """The list that the screen shows."""
        return self._screen.run_list

    def sort_by(self, key: str) -> None:
        """Sort the list."""
        self.run_list.sort = key
        self._screen.show_list()

    def show_columns(self, keys: Sequence[str]) -> None:
        """Show these columns of the list."""
        self._screen.show_columns(list(keys))

    def act(self, doing: str, runs: Sequence[Summary], do: Callable[[Run], str]) -> None:
        """Do something to each of the runs, and report what came of it."""
        screen = self._screen
        screen.report(f"{doing}…", "$primary")

        def work() -> None:
            report = run_actions.for_each(runs, do)
            screen.app.call_from_thread(screen.report, report.sentence, "$error" if report.failed else "$success")
            screen.app.call_from_thread(screen.look)

        screen.run_in_thread(work)

    def command(self, doing: str, command: Command, runs: Sequence[Summary]) -> None:
        """Send a command to the trainers of those that are live."""
        live = [run for run in runs if run.live]
        if live:
            self.act(f"{doing} {counted(len(live), 'run')}", live, run_actions.command_to(command))
        elif runs:
            self._screen.report(f"nobody trains {runs[0].name if len(runs) == 1 else 'any of these runs'}", "$warning")
        else:
            self._screen.report(NO_RUN, "$warning")

    def pause(self, runs: Sequence[Summary]) -> None:
        """Pause those that train; where all are paused, let them go on."""
        live = [run for run in runs if run.live]
        paused = bool(live) and all(run.phase == "paused" for run in live)
        self.command("resuming" if paused else "pausing", Unpause() if paused else Pause(), runs)

    def stop(self, runs: Sequence[Summary]) -> None:
        """Stop those that are live, once that is meant."""
        live = [run for run in runs if run.live]
        if not live:
            self.command("stopping", Stop(), runs)
            return
        what = live[0].name if len(live) == 1 else counted(len(live), "run")
        question = ChoiceScreen(f"stop {what}?", [Choice("s", "stop", "save a checkpoint, then end; r resumes")])

        def answered(name: str | None) -> None:
            if name:
                self.command("stopping", Stop(), live)

        self._screen.app.push_screen(question, answered)

    def show_log(self, _runs: Sequence[Summary]) -> None:
        """Show the log of the run under the cursor, whichever are chosen."""
        from vae_tui.tui.screens.log import LogScreen  # noqa: PLC0415 most sessions do without

        if run := self._screen.current_run():
            self._screen.app.push_screen(LogScreen(Run(run.path)))

    def show_sweep(self, _runs: Sequence[Summary]) -> None:
        """Show the sweep that the run under the cursor is of, whichever are chosen."""
        from vae_tui.tui.screens.sweep import SweepScreen  # noqa: PLC0415 most sessions show none

        run = self._screen.current_run()
        if run is None:
            return
        sweep = find_sweep(run.sweep, run.path.parent) if run.sweep else None
        if sweep is not None:
            self._screen.app.push_screen(SweepScreen(sweep, self._data_root))
        elif run.sweep:
            self._screen.report(f"the sweep {run.sweep} is not there any more", "$warning")
        else:
            self._screen.report("that run is not of a sweep; vae-tui sweep --help says how one is made", "$warning")

    def copy(self, runs: Sequence[Summary]) -> None:
        """Copy something of the runs to the clipboard."""
        from vae_tui.tui.screens.copying import copies_of_runs, offer_copies  # noqa: PLC0415

        if runs:
            what = runs[0].name if len(runs) == 1 else counted(len(runs), "run")
            offer_copies(self._screen.app, what, copies_of_runs(runs), self._screen.report)
        else:
            self._screen.report(NO_RUN, "$warning")

    def prune(self, runs: Sequence[Summary]) -> None:
        """Delete all checkpoints of those that are over but the best and the newest, once that is meant."""
        over = [run for run in runs if not run.live]
        if not over:
            self._screen.report(f"{runs[0].name} is trained: stop it first, by x" if runs else NO_RUN, "$warning")
            return
        try:
            planned = [plan_pruning(Run(run.path), keep=1) for run in over]
        except VaeTuiError as error:
            self._screen.report(str(error), "$warning")
            return
        count, freed = sum(len(plan.pruned) for plan in planned), sum(plan.freed_bytes for plan in planned)
        if not count:
            self._screen.report("there is nothing to prune: the best and the newest checkpoint stay", "$foreground")
            return
        what = over[0].name if len(over) == 1 else counted(len(over), "run")
        meaning = f"{counted(count, 'checkpoint')}, {format_bytes(freed)}; best and newest stay"

        def answered(name: str | None) -> None:
            if name:
                self.act("pruning", over, run_actions.prune)

        self._screen.app.push_screen(ChoiceScreen(f"prune {what}?", [Choice("p", "prune", meaning)]), answered)

    def resume(self, runs: Sequence[Summary]) -> None:
        """Go on with those that are over."""
        over = [run for run in runs if not run.live]
        if over:
            self.go_on(over, ())
        else:
            self._screen.report(f"{runs[0].name} is trained already" if runs else NO_RUN, "$warning")

    def go_on(self, runs: Sequence[Summary], overrides: tuple[str, ...]) -> None:
        """Train runs further, each by a trainer of its own."""
        for run in runs:
            resume = str(run.path.absolute())
            self.start(
                TrainingJob(resume=resume, overrides=overrides, runs_dir=self._runs_dir, data_root=self._data_root),
                open_it=False,
            )

    def start(self, job: TrainingJob, *, open_it: bool) -> None:
        """Start a trainer; with `open_it`, show its run once it is there."""
        screen = self._screen
        screen.report("starting the trainer…", "$primary")

        def work() -> None:
            try:
                started = run_actions.start(job)
            except VaeTuiError as error:
                screen.app.call_from_thread(screen.report, str(error), "$error")
                return
            run, notes = started.opened.run, started.opened.notes
            style = "$warning" if notes else "$success"
            screen.app.call_from_thread(screen.report, "; ".join([f"{run.name} is trained", *notes]), style)
            screen.app.call_from_thread(lambda: screen.began(started, open_it=open_it))

        screen.run_in_thread(work)

    def read_new_run(self, text: str) -> TrainingJob:
        """The job that a text asks for; raises VaeTuiError with what is wrong with it."""
        return run_actions.read_new_run(text, self._runs_dir, self._data_root)
