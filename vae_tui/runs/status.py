"""How a run stands: what its log says, and whether its trainer is still there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vae_tui.events import RunFinished
from vae_tui.runs.commands import Command
from vae_tui.runs.history import History
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.log import read_last_event

Phase = Literal["starting", "training", "paused", "completed", "stopped", "failed", "interrupted"]
"""`starting`: its trainer has not taken a step yet; `interrupted`: its trainer died without a last event, by kill -9 or a
power cut, say, or before its first one."""


@dataclass(frozen=True)
class RunStatus:
    """How a run stands; `live`: a trainer has it; `pending`: commands not answered yet."""

    phase: Phase
    live: bool
    pending: tuple[Command, ...] = ()

    @property
    def over(self) -> bool:
        """Whether no trainer works on the run any more."""
        return self.phase in ("completed", "stopped", "failed", "interrupted")


def find_status(
    history: History, *, live: bool, trainer: int | None = None, pending: tuple[Command, ...] = ()
) -> RunStatus:
    """How the run of `history` stands; `trainer` is the process just started for it, if one was."""
    started = history.started
    if trainer is not None and (started is None or started.pid != trainer):
        return RunStatus("starting" if live else "failed", live, pending)
    if started is None:
        return RunStatus("starting" if live else "interrupted", live, pending)
    if history.finished is None and not live:
        return RunStatus("failed" if trainer is not None else "interrupted", live)
    if trainer is None and history.finished is not None and history.finished.stood is not None:
        return RunStatus(history.finished.stood, False, pending)
    return RunStatus(history.phase, live and history.finished is None, pending)


def read_status(run: Run) -> RunStatus:
    """How a run stands, from its lock and the end of its log; one that is live may also be starting or paused."""
    live = lock_holder(run.path) is not None
    last = read_last_event(run.events_path)
    if isinstance(last, RunFinished):
        return RunStatus(last.stood or last.status, live=False)  # its trainer may still be closing down
    return RunStatus("training" if live else "interrupted", live)
