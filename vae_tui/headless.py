"""A run without a screen: plain progress for people and log files, and the log itself for programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column

from vae_tui import events as ev
from vae_tui.imaging.notification import encode_notification
from vae_tui.imaging.terminal import detect_glyphs, is_dumb
from vae_tui.runs.facts import describe_device, describe_network
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.find import how_to_go_on
from vae_tui.runs.history import History
from vae_tui.runs.layout import Run
from vae_tui.runs.log import LoggedEvent
from vae_tui.runs.notify import Notice, WatcherNotices
from vae_tui.runs.status import RunStatus
from vae_tui.text import printable, printable_json

_SECONDS_BETWEEN_LINES = 1.0


class View(Protocol):
    """Shows a run's events in order, each already folded into the feed it comes from."""

    def show(self, logged: LoggedEvent, feed: RunFeed) -> None:
        """Show one event."""

    def close(self) -> None:
        """There are no more."""


class JsonView:
    """The events on stdout, as they stand in the log."""

    def show(self, logged: LoggedEvent, feed: RunFeed) -> None:
        """Write the event's line."""
        sys.stdout.write(printable_json(logged.line) + "\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing is left to show."""


class SilentView:
    """Shows nothing but a failure."""

    def show(self, logged: LoggedEvent, feed: RunFeed) -> None:
        """Show a failed end."""
        if isinstance(logged.event, ev.RunFinished) and logged.event.status == "failed":
            sys.stderr.write(f"{printable(logged.event.sentence, lines=True)}\n")

    def close(self) -> None:
        """Nothing is left to show."""


class StageProgress:
    """Shows on stderr what a command is at, once it takes longer than a second.

    On a terminal that is more than dumb in one line, with how far.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._stage = ""
        self._on_terminal = sys.stderr.isatty() and not is_dumb(os.environ)
        self._shown = False

    def update(self, stage: str, done: int, total: int | None) -> None:
        """A stage is at `done` of `total`, None where that is not known."""
        if time.monotonic() - self._began < _SECONDS_BETWEEN_LINES:
            return
        stage = printable(stage)
        if self._on_terminal:
            share = f" {done / total:4.0%}" if total else ""
            sys.stderr.write(f"\r\x1b[2K{stage}{share}")
            sys.stderr.flush()
            self._shown = True
        elif stage != self._stage:
            sys.stderr.write(f"{stage}\n")
        self._stage = stage

    def close(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


class PlainView:
    """One line a stage and an epoch (at most one a second) on stderr; on a terminal that can, a bar below them."""

    def __init__(self) -> None:
        self._console = Console(
            stderr=True,
            highlight=False,
            soft_wrap=True,
            force_terminal=False if is_dumb(os.environ) else None,
            # Bars of those that have no heavy lines are of ASCII.
            legacy_windows=detect_glyphs(os.environ) != "all",
        )
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="crop", ratio=1)),
            BarColumn(bar_width=12),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("eta"),
            TimeRemainingColumn(),
            console=self._console,
            expand=True,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._progress.start()
        self._task: TaskID | None = None
        self._stage = ""
        self._line_at = 0.0
        self._withheld: str | None = None

    def show(self, logged: LoggedEvent, feed: RunFeed) -> None:
        """Show one event."""
        history = feed.history
        match event := logged.event:
            case ev.RunStarted():
                begun = "started" if event.resumed_from is None else f"resumed from step {event.resumed_from:,}"
                self._print(f"{begun} in process {event.pid}")
            case ev.StageProgressed():
                self._show_stage(event)
            case ev.TrainingStarted():
                self._show_training(event)
                self._start_task("training", history.epochs * event.steps_per_epoch if history.epochs else None)
            case ev.StepCompleted():
                self._update(event.step, f"epoch {event.epoch}  {_newest(event.train, history)}")
            case ev.EpochCompleted():
                self._show_epoch(event, history)
            case ev.CommandDone():
                self._print(f"{event.command}: {event.message}")
            case ev.NoteAdded():
                self._print(f"note      {event.note}")
            case ev.RunFinished():
                self._flush()
                self._print(event.sentence, lines=True)
            case _:
                pass

    def close(self) -> None:
        """Take the bar away."""
        self._flush()
        self._progress.stop()

    def _show_training(self, event: ev.TrainingStarted) -> None:
        sizes = ", ".join(f"{count:,} {name}" for name, count in event.data_sizes.items() if count)
        shape = "x".join(str(n) for n in event.image_shape)
        if sizes:
            self._print(f"images    {shape}: {sizes}")
        if network := describe_network(event):
            self._print(f"network   {network}")
        if event.loss:
            self._print(f"loss      {event.loss}")
        if device := describe_device(event):
            self._print(f"device    {device}")
        for note in (*event.data_notes, *event.notes):
            self._print(f"note      {note}")

    def _show_stage(self, event: ev.StageProgressed) -> None:
        if event.stage != self._stage:
            self._stage = event.stage
            self._print(event.stage)
            self._start_task(event.stage, event.total)
        self._update(event.done, event.stage)

    def _show_epoch(self, event: ev.EpochCompleted, history: History) -> None:
        of = f"/{history.epochs}" if history.epochs else ""
        text = f"epoch {event.epoch:>3}{of}  step {event.step:>6,}  train {_figures(event.train, history)}"
        if event.validation is not None:
            text += f"  validation {_validation(event.validation, history)}"
        if event.images_per_second is not None:
            text += f"  {event.images_per_second / 1000:.1f}k images/s"
        text += f"  {_clock(event.elapsed_seconds)}"
        if event.time - self._line_at >= _SECONDS_BETWEEN_LINES:
            self._line_at, self._withheld = event.time, None
            self._print(text)
        else:
            self._withheld = text

    def _flush(self) -> None:
        """Print the last epoch if the one a second before it stood in its way."""
        if self._withheld is not None:
            self._print(self._withheld)
            self._withheld = None

    def _start_task(self, description: str, total: int | None) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(printable(description), total=total)

    def _update(self, done: int, description: str) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=done, description=printable(description))

    def _print(self, text: str, *, lines: bool = False) -> None:
        self._console.print(printable(text, lines=lines), markup=False)


def show_to_end(
    feed: RunFeed,
    view: View,
    trainer: subprocess.Popen[bytes] | None = None,
    *,
    notices: WatcherNotices | None = None,
) -> RunStatus:
    """Show what comes from a run until nobody trains it, and return how it then stands.

    With the `trainer` that was started for it, Ctrl-C and SIGTERM have it save a checkpoint and stop. Of what is in the log
    already of a run that is only watched there are no `notices`.
    """
    path, is_news = feed.run.path, trainer is not None
    with nullcontext() if trainer is None else _signals_to(trainer):
        for logged in feed.follow():
            if logged is not None:
                view.show(logged, feed)
                if notices is not None and is_news and (notice := notices.take(logged.event, feed)):
                    _ring(feed, notice)
            is_news = is_news or logged is None
            if notices is not None and logged is None:
                notices.check()
            if feed.run.path != path:
                path = feed.run.path
                _note_new_name(path)
    if feed.run.path != path:  # found as it had ended already
        _note_new_name(feed.run.path)
    if notices is not None and is_news:
        if feed.died:
            _ring(feed, notices.take_death(feed))
        notices.finish(feed)
    view.close()
    for problem in notices.problems if notices is not None else ():
        sys.stderr.write(f"warning: {printable(problem)}\n")
    return feed.status


def _note_new_name(path: Path) -> None:
    sys.stderr.write(f"note: the run was renamed: it is {printable(str(path))} now\n")


def _ring(feed: RunFeed, notice: Notice) -> None:
    """Call whoever sits at the terminal."""
    if sys.stderr.isatty():
        text = f"{feed.run.name}: {notice.message}"
        sent = encode_notification("vae-tui", text, os.environ).encode(errors="replace")
        # Not through Rich, whose bar takes the place of sys.stderr and lets no sequence pass.
        with suppress(OSError):
            os.write(sys.stderr.fileno(), sent)


def watch_to_end(run: Run, view: View, *, notices: WatcherNotices | None = None) -> None:
    """Show a run from its beginning until nobody trains it."""
    feed = RunFeed(run)
    status = show_to_end(feed, view, notices=notices)
    if feed.skipped_lines:
        sys.stderr.write(f"note: {printable(feed.skipped_lines)}\n")
    if run.absence:
        sys.stderr.write(f"{printable(run.absence)}\n")
    elif status.phase == "interrupted":
        if feed.history.started is not None:
            begun = "the run was interrupted: its trainer died before its end"
        elif run.checkpoints():
            begun = (
                f"{run.events_path} is empty or damaged, but there are checkpoints, as of step {run.latest().step:,}"
            )
        else:
            begun = "the run never began"
        sys.stderr.write(f"{printable(begun)}; go on with: {how_to_go_on(run)}\n")
    elif status.phase == "stopped":
        sys.stderr.write(f"go on with: {how_to_go_on(run)}\n")


@contextmanager
def _signals_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass Ctrl-C and SIGTERM on to the trainer, which lives in a session the terminal does not reach."""

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        if process.poll() is None:
            sys.stderr.write("\nsaving a checkpoint and stopping ...\n")
            process.terminate()

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _figures(figures: ev.Figures, history: History) -> str:
    elbo, distortion, rate = (figures.get(name) for name in ("elbo", "distortion", "rate"))
    if elbo is None and figures.get("loss") is not None:
        return f"loss {_nats(figures['loss'])}"
    if elbo is None or distortion is None or rate is None:
        return f"-ELBO {_nats(None if elbo is None else -elbo)}"
    shown = f"-ELBO {-elbo:.2f} = distortion {distortion:.2f} + rate {rate:.2f}"
    return f"loss {_nats(figures.get('loss'))}  {shown}" if history.loss_name else shown


def _newest(figures: ev.Figures, history: History) -> str:
    """What is minimised, as short as can be."""
    if history.loss_name:
        return f"loss {_nats(figures.get('loss'))}"
    elbo = figures.get("elbo")
    return f"-ELBO {_nats(None if elbo is None else -elbo)}"


def _validation(figures: ev.Figures, history: History) -> str:
    """-ELBO and the best so far; where the loss is another, the loss, by which the best is chosen."""
    elbo, best = figures.get("elbo"), history.best
    negative_elbo = _nats(None if elbo is None else -elbo)
    if history.loss_name:
        by_loss = f"best by loss {_nats(best.loss)}" if best else "no best yet"
        return f"loss {_nats(figures.get('loss'))} ({by_loss})  -ELBO {negative_elbo}"
    return f"{negative_elbo} ({f'best {_nats(best.negative_elbo)}' if best else 'no best yet'})"


def _nats(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.2f}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
