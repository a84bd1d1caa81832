"""How the status of a run looks: a sign, a color and a word."""

from __future__ import annotations

from vae_tui.runs.commands import Command, Pause, Sample, Save, Set, Stop, Unpause
from vae_tui.runs.status import Phase, RunStatus

SIGNS: dict[Phase, tuple[str, str]] = {
    "starting": ("○", "primary"),
    "training": ("●", "success"),
    "paused": ("‖", "warning"),
    "completed": ("✓", "success"),
    "stopped": ("■", "warning"),
    "failed": ("✗", "error"),
    "interrupted": ("✗", "error"),
}
"""A sign and a color of the theme for each phase."""

_PENDING: dict[type[Command], str] = {
    Stop: "stopping",
    Pause: "pausing",
    Unpause: "resuming",
    Save: "saving",
    Sample: "sampling",
    Set: "changing a setting",
}


def pending_word(status: RunStatus) -> str | None:
    """What a live run is about to do, as "pausing": the oldest command that its trainer has not answered."""
    words = [_PENDING[type(command)] for command in status.pending if type(command) in _PENDING]
    return words[0] if words and status.live else None


def status_word(status: RunStatus) -> str:
    """What to call the status."""
    pending = pending_word(status)
    return f"{pending}…" if pending else status.phase
