"""What keys do about training time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from vae_tui.runs.layout import Checkpoint, Run, run_folder, step_in_name
from vae_tui.runs.weights import list_weights
from vae_tui.walk.walk import Walk


class TimeActions:
    """Goes to earlier and later weights of the run; place, chosen dimension, view and temperature stay."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    def go_earlier(self) -> None:
        """Go to the weights before those one is at."""
        weights, steps = self._list()
        self._go(weights, bisect_left(steps, self._here) - 1)

    def go_later(self) -> None:
        """Go to the weights after those one is at."""
        weights, steps = self._list()
        self._go(weights, bisect_right(steps, self._here))

    def go_to_first(self) -> None:
        """Go to the first weights there are."""
        weights, steps = self._list()
        self._go(weights, 0 if steps and self._here > steps[0] else -1)

    def go_to_last(self) -> None:
        """Go to the newest weights there are."""
        weights, steps = self._list()
        self._go(weights, len(steps) - 1 if steps and self._here < steps[-1] else len(steps))

    def _list(self) -> tuple[list[Checkpoint], list[int]]:
        """The weights there are, as of now, and their steps."""
        weights = list_weights(Run(run_folder(self._walk.checkpoint)))
        return weights, [checkpoint.step for checkpoint in weights]

    @property
    def _here(self) -> int:
        """The step one is at, or is on the way to."""
        walk = self._walk
        if walk.time.chosen is not None:
            return walk.time.chosen.step
        step = step_in_name(walk.checkpoint)
        return step if step is not None else (walk.opened and walk.opened.step) or 0

    def _go(self, weights: list[Checkpoint], index: int) -> None:
        walk = self._walk
        if not any(checkpoint.step != self._here for checkpoint in weights):
            walk.notify("these are the only weights there are: a run trained with [train] snapshots keeps earlier ones")
        elif index < 0:
            walk.notify("these are the first weights there are: ] goes on to later ones")
        elif index >= len(weights):
            walk.notify("these are the newest weights there are: [ goes back to earlier ones")
        else:
            walk.time.choose(weights, index)
            walk.notice, walk.note = None, ""
            walk.open_chosen()
