"""How a run stands, as the screen sees it: what its log says, and whether its trainer is still there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vae_tui.history import History

State = Literal["starting", "training", "paused", "completed", "stopped", "failed", "interrupted"]

SIGNS: dict[State, tuple[str, str]] = {
    "starting": ("○", "primary"),
    "training": ("●", "success"),
    "paused": ("‖", "warning"),
    "completed": ("✓", "success"),
    "stopped": ("■", "warning"),
    "failed": ("✗", "error"),
    "interrupted": ("✗", "error"),
}
"""A sign and a colour of the theme for each state."""


@dataclass(frozen=True)
class Standing:
    """`live`: a trainer has the run; `waiting_for`: a command it has not answered yet, as "pausing"."""

    state: State
    live: bool
    waiting_for: str | None = None

    @property
    def word(self) -> str:
        """What to call it."""
        return f"{self.waiting_for}…" if self.waiting_for and self.live else self.state

    @property
    def over(self) -> bool:
        """Whether no trainer works on the run, and one did."""
        return self.state in ("completed", "stopped", "failed", "interrupted")


def judge(history: History, *, trainer: int | None, live: bool, waiting_for: str | None = None) -> Standing:
    """How a run stands; `trainer` is the process just started for it, if one was."""
    attempt = history.attempt
    if attempt is None or (trainer is not None and attempt.pid != trainer):
        lost = trainer is not None and not live
        return Standing("failed" if lost else "starting", live, waiting_for)
    if history.finished is None and not live:
        return Standing("failed" if trainer is not None else "interrupted", live)
    return Standing(history.phase, live and history.finished is None, waiting_for)
