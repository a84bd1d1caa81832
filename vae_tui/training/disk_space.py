"""Whether the disk will hold what a run saves next."""

from __future__ import annotations

import contextlib

from vae_tui.runs.layout import Run
from vae_tui.wording import format_bytes

_AHEAD = 2
"""Checkpoints there should be room for: one is written before an older one is deleted."""


class DiskSpace:
    """Notes once when there is too little room for the next checkpoints, and once more when there is enough again."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._short = False

    def look(self, free_bytes: int) -> str | None:
        """A sentence where that changed."""
        checkpoint = self._checkpoint_bytes()
        short = free_bytes < _AHEAD * checkpoint
        if short == self._short:
            return None
        self._short = short
        free = f"{format_bytes(free_bytes)} are free on the disk of {self._run.shown}"
        if not short:
            return f"{free} again"
        return (
            f"{free}, and a checkpoint takes {format_bytes(checkpoint)}: one that cannot be saved ends the run; make room, "
            "as by vae-tui prune"
        )

    def _checkpoint_bytes(self) -> int:
        """What the newest checkpoint takes, with its state."""
        newest = self._run.checkpoints()[-1:]
        size = 0
        for path in (path for checkpoint in newest for path in (checkpoint.path, checkpoint.state_path)):
            with contextlib.suppress(OSError):
                size += path.stat().st_size
        return size
