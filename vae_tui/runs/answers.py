"""Commands that are sent and waited for: what the trainer of a run answered."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import psutil

from vae_tui import events as ev
from vae_tui.errors import RunError
from vae_tui.runs.commands import Command, SentCommand, Stop, send_command
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.log import EventReader
from vae_tui.runs.status import read_status

_INTERVAL_SECONDS = 0.03
_SECONDS_BEFORE_A_LOOK = 1.0


def ask(run: Run, command: Command, waiting: Callable[[float], None] = lambda _: None) -> str:
    """Send a command to a run's trainer and wait for its answer; of `Stop`, until the trainer has ended, so that
    another may go on.

    `waiting` is called again and again with the seconds it took so far. Raises RunError where nobody trains the run,
    where its trainer ends without an answer, and with the trainer's reason where it refuses.
    """
    trainer = lock_holder(run.path)
    if trainer is None:
        raise RunError(f"{run.path} is {read_status(run).phase}: no trainer is there to {command.name}")
    reader = EventReader(run.events_path, position=_size(run))
    try:
        sent = send_command(run, command)
    except OSError as error:
        raise RunError(f"{run.commands_path} cannot be written: {error.strerror}") from error
    began, message, ending = time.monotonic(), "", ""
    while True:
        is_there = lock_holder(run.path) == trainer
        for _, event in reader.read():
            if isinstance(event, ev.CommandDone) and event.id == sent.id:
                if event.refused:
                    raise RunError(f"{run.path}: {event.message}")
                if not isinstance(command, Stop):
                    return event.message
                message = event.message
            elif isinstance(event, ev.RunFinished) and isinstance(command, Stop):
                ending = event.sentence
        if ending and not is_there:
            return ending
        if not is_there:
            _withdraw(run, sent)
            if message:
                return message
            raise RunError(f"{run.path}: its trainer ended before it answered")
        seconds = time.monotonic() - began
        if seconds > _SECONDS_BEFORE_A_LOOK and (process := lock_holder(run.path)) is not None and _is_stopped(process):
            _withdraw(run, sent)
            raise RunError(
                f"{run.path}: its trainer, process {process}, is stopped, as by Ctrl-Z, and answers nothing; "
                f"let it go on with: kill -CONT {process}"
            )
        waiting(seconds)
        time.sleep(_INTERVAL_SECONDS)


def _withdraw(run: Run, sent: SentCommand) -> None:
    with contextlib.suppress(OSError):
        (run.commands_path / f"{sent.id}.json").unlink()


def _is_stopped(process: int) -> bool:
    try:
        return bool(psutil.Process(process).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def _size(run: Run) -> int:
    try:
        return run.events_path.stat().st_size
    except OSError:
        return 0
