"""A run without a screen: plain progress for people and log files, and the log itself for programs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from vae_tui import events as ev
from vae_tui.run import EventReader, Run, follow

_SECONDS_BETWEEN_LINES = 1.0


class View(Protocol):
    """Takes a run's lines and events in order."""

    def add(self, line: str, event: ev.Event) -> None:
        """Show one event."""

    def close(self) -> None:
        """There are no more."""


class JsonView:
    """The events on stdout, as they stand in the log."""

    def add(self, line: str, event: ev.Event) -> None:
        """Write the event's line."""
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing is left to show."""


class SilentView:
    """Shows nothing but a failure."""

    def add(self, line: str, event: ev.Event) -> None:
        """Show a failed end."""
        if isinstance(event, ev.RunFinished) and event.status == "failed":
            sys.stderr.write(f"failed: {event.reason}\n")

    def close(self) -> None:
        """Nothing is left to show."""


class StageTeller:
    """Says on stderr what a command is at, once it takes longer than a second; on a terminal in one line, with how far."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._stage = ""
        self._on_terminal = sys.stderr.isatty()
        self._shown = False

    def tell(self, stage: str, done: int, total: int | None) -> None:
        """Hear of a stage and how much of it is done."""
        if time.monotonic() - self._begun < _SECONDS_BETWEEN_LINES:
            return
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
    """One line a stage and an epoch (at most one a second) on stderr; on a terminal, a bar below them."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("eta"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._progress.start()
        self._task: TaskID | None = None
        self._stage = ""
        self._epochs: int | None = None
        self._steps_per_epoch = 1
        self._best: tuple[float, float] | None = None
        """The lowest validation loss, and the -ELBO it came with."""
        self._line_at = 0.0
        self._withheld: str | None = None

    def add(self, line: str, event: ev.Event) -> None:
        """Show one event."""
        match event:
            case ev.RunStarted():
                self._epochs = event.recipe["train"].get("epochs")
                begun = "started" if event.resumed_from is None else f"goes on from step {event.resumed_from:,}"
                self._print(f"{begun} in process {event.pid}")
            case ev.StageProgressed():
                self._show_stage(event)
            case ev.TrainingStarted():
                self._steps_per_epoch = event.steps_per_epoch
                sizes = ", ".join(f"{count:,} {name}" for name, count in event.data_sizes.items() if count)
                shape = "x".join(str(n) for n in event.image_shape)
                self._print(f"images    {shape}: {sizes}")
                self._print(f"network   {event.network}, {event.parameter_count:,} parameters")
                self._print(f"device    {event.device}, {event.threads} threads")
                for note in event.notes:
                    self._print(f"note      {note}")
                total = self._epochs * event.steps_per_epoch if self._epochs else None
                self._start_task("training", total)
            case ev.StepCompleted():
                self._update(event.step, f"epoch {event.epoch}  {_figures(event.train)}")
            case ev.EpochCompleted():
                self._show_epoch(event)
            case ev.CommandDone():
                self._print(f"{event.command}: {event.message}")
            case ev.NoteAdded():
                self._print(f"note      {event.note}")
            case ev.RunFinished():
                self._flush()
                self._print(f"{event.status}: {event.reason}")
            case _:
                pass

    def close(self) -> None:
        """Take the bar away."""
        self._flush()
        self._progress.stop()

    def _show_stage(self, event: ev.StageProgressed) -> None:
        if event.stage != self._stage:
            self._stage = event.stage
            self._print(event.stage)
            self._start_task(event.stage, event.total)
        self._update(event.done, event.stage)

    def _show_epoch(self, event: ev.EpochCompleted) -> None:
        of = f"/{self._epochs}" if self._epochs else ""
        text = f"epoch {event.epoch:>3}{of}  step {event.step:>6,}  train {_figures(event.train)}"
        if event.validation is not None:
            loss, elbo = event.validation["loss"] or 0.0, event.validation["elbo"] or 0.0
            if self._best is None or loss < self._best[0]:
                self._best = loss, -elbo
            text += f"  validation {-elbo:.2f} (best {self._best[1]:.2f})"
        text += f"  {event.images_per_second / 1000:.1f}k images/s  {_clock(event.elapsed_seconds)}"
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
        self._task = self._progress.add_task(description, total=total)

    def _update(self, done: int, description: str) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=done, description=description)

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False)


def run_to_end(reader: EventReader, process: subprocess.Popen[bytes], view: View) -> ev.Status | Literal["died"]:
    """Show what `reader` has not read yet of a run until its trainer ends; Ctrl-C and SIGTERM have it save a checkpoint and stop.

    "died" is a trainer that ended without its last word.
    """
    status: ev.Status | Literal["died"] = "died"
    with _signals_to(process):
        for item in follow(reader, alive=lambda: process.poll() is None):
            if item is not None:
                view.add(*item)
                if isinstance(item[1], ev.RunFinished):
                    status = item[1].status
    view.close()
    return status


def watch_to_end(run: Run, view: View) -> None:
    """Show a run from its beginning until nobody trains it."""
    for item in follow(EventReader(run.events_path), alive=lambda: run.holder() is not None):
        if item is not None:
            view.add(*item)
    view.close()
    if (state := run.state()) in ("starting", "interrupted"):
        begun = "never began" if state == "starting" else "was interrupted: its trainer died without a word"
        sys.stderr.write(f"the run {begun}; go on with: vae-tui train --resume {run.path}\n")


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


def _figures(figures: ev.Figures) -> str:
    elbo, distortion, rate = (figures.get(name) for name in ("elbo", "distortion", "rate"))
    if elbo is None or distortion is None or rate is None:
        return "-ELBO not finite"
    return f"-ELBO {-elbo:.2f} = distortion {distortion:.2f} + rate {rate:.2f}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
