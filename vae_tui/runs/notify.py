"""Whoever is to hear of a run has a command run for it: when it ends, and when its latents collapse.

The trainer runs the command, so that it does so without a screen and after the terminal was closed; a trainer that is
killed cannot, and whoever watches does it instead.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vae_tui import events as ev
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.files import open_file
from vae_tui.text import printable

Occasion = Literal["completed", "stopped", "failed", "collapsed"]
_TAIL_BYTES = 1 << 15
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Notice:
    """What there is to hear of a run, in one line."""

    occasion: Occasion
    message: str


def notice_of(event: ev.Event) -> Notice | None:
    """The notice that an event is worth; None for most."""
    if isinstance(event, ev.RunFinished):
        return Notice(event.status, printable(event.sentence))
    if isinstance(event, ev.NoteAdded) and event.alarm:
        return Notice(event.alarm, printable(event.note))
    return None


@dataclass
class _Started:
    process: subprocess.Popen[bytes]
    occasion: Occasion
    until: float


class NotifyCommand:
    """A command for the shell, run in a session of its own, once a notice; one that takes longer than `seconds` is ended.

    It is run in `folder`, writes to `output` (None: where this process does), and has VAE_TUI_RUN, the run's path,
    VAE_TUI_EVENT, completed, stopped, failed or collapsed, and VAE_TUI_MESSAGE, a line, in its environment. Whatever becomes
    of it raises nothing: `report` takes a sentence about each that failed.
    """

    def __init__(
        self,
        command: str,
        *,
        folder: Path,
        report: Callable[[str], None],
        output: int | None = None,
        seconds: float = 10.0,
    ) -> None:
        self._command, self._folder, self._report = command, folder, report
        self._output, self._seconds = output, seconds
        self._started: list[_Started] = []

    def start(self, run: Path, notice: Notice) -> None:
        """Run the command for a notice, and do not wait for it."""
        environment = {"VAE_TUI_RUN": str(run), "VAE_TUI_EVENT": notice.occasion, "VAE_TUI_MESSAGE": notice.message}
        folder = self._folder if self._folder.is_dir() else None
        if not self._command.strip():
            return
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", self._command],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                cwd=folder,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self._complain(f"could not be started ({error})", notice.occasion)
            return
        self._started.append(_Started(process, notice.occasion, time.monotonic() + self._seconds))

    def check(self) -> None:
        """Report those that failed since the last look, and end those that take too long."""
        still: list[_Started] = []
        for started in self._started:
            status = started.process.poll()
            if status is None and time.monotonic() < started.until:
                still.append(started)
            elif status is None:
                with suppress(OSError):
                    os.killpg(started.process.pid, signal.SIGKILL)
                started.process.wait()
                self._complain(f"took longer than {self._seconds:g} s and was ended", started.occasion)
            elif status:
                by = f"was ended by signal {-status}" if status < 0 else f"failed with exit status {status}"
                self._complain(by, started.occasion)
        self._started = still

    def finish(self) -> None:
        """Wait for what still runs, as long as it may take."""
        self.check()
        while self._started:
            time.sleep(_POLL_SECONDS)
            self.check()

    def _complain(self, what: str, occasion: Occasion) -> None:
        self._report(f"the command of --notify {what} ({occasion}): {printable(self._command)}")


class TrainerNotices:
    """A trainer's side: the command is run for each of its events that is worth it, and failures go to worker.log."""

    def __init__(self, command: str | None, *, folder: Path) -> None:
        self._command = None
        if command is not None:
            self._command = NotifyCommand(command, folder=folder, report=_write_problem)
        self._ended = False

    def take(self, event: ev.Event, run: Path) -> None:
        """Take an event that is in the log."""
        if self._command is None:
            return
        self._command.check()
        if (notice := notice_of(event)) is not None:
            self._ended = self._ended or isinstance(event, ev.RunFinished)
            self._command.start(run, notice)

    def close(self, last: ev.Event | None, run: Path) -> None:
        """The trainer ends, and `last` is what its log ends with, which a bug may have kept from being taken."""
        if self._command is None:
            return
        if last is not None and not self._ended:
            self.take(last, run)
        self._command.finish()


class WatcherNotices:
    """A front end's side: which events of a run its user is to notice.

    Where the trainer runs the command itself, `by_trainer`, it is run from here only for its death.
    """

    def __init__(self, command: str, *, by_trainer: bool = False) -> None:
        self.problems: list[str] = []
        """What became of commands that failed."""
        self._by_trainer = by_trainer
        self._command = NotifyCommand(
            command, folder=Path.cwd(), report=self.problems.append, output=subprocess.DEVNULL
        )

    def take(self, event: ev.Event, feed: RunFeed) -> Notice | None:
        """The notice that an event is worth, whose command is started unless the trainer does that."""
        notice = notice_of(event)
        if notice is not None and not self._by_trainer:
            self._command.start(feed.run.path.absolute(), notice)
        return notice

    def take_death(self, feed: RunFeed) -> Notice:
        """The notice that the trainer is no more, without a last word."""
        notice = Notice(
            "failed", printable(feed.run.absence) or "the trainer died before its end: killed, or out of memory?"
        )
        self._command.start(feed.run.path.absolute(), notice)
        return notice

    def check(self) -> None:
        """Look after commands that run."""
        self._command.check()

    def finish(self, feed: RunFeed) -> None:
        """Wait for commands that run, and know what became of those of the trainer, which has ended."""
        self._command.finish()
        self.problems += read_problems(feed)


def _write_problem(problem: str) -> None:
    print(f"{_prefix(os.getpid())}{problem}", flush=True)  # noqa: T201 - worker.log


def read_problems(feed: RunFeed) -> list[str]:
    """What became of commands that the newest trainer of a run started and that failed, by its worker.log."""
    started = feed.history.started
    if started is None:
        return []
    try:
        with open_file(feed.run.worker_log_path) as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = log.read(_TAIL_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    prefix = f"{_prefix(started.pid)}the command of --notify "
    return [printable(line.removeprefix(_prefix(started.pid))) for line in lines if line.startswith(prefix)]


def _prefix(process: int) -> str:
    """What begins a line of worker.log that front ends look for; earlier trainers of the run wrote into it too."""
    return f"process {process}: "
