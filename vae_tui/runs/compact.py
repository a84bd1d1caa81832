"""What a history keeps of events there are many of: columns of numbers, in the order of their steps."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from vae_tui import events as ev
from vae_tui.runs.layout import weights_name


class EpochRates:
    """The rate of each dimension at the end of every epoch, 4 bytes each."""

    def __init__(self) -> None:
        self.steps = array("q")
        """The last step of each epoch."""
        self._rates = array("f")
        self._ends = array("q")
        """Where the rates of each epoch end in `_rates`."""
        self._last: tuple[float, ...] = ()

    def append(self, event: ev.EpochCompleted) -> None:
        """Add an epoch's."""
        self.steps.append(event.step)
        self._last = tuple(math.nan if rate is None else rate for rate in event.rate_per_dimension)
        self._rates.extend(self._last)
        self._ends.append(len(self._rates))

    def rates_at(self, step: int) -> tuple[float, ...]:
        """The rates (Z,) of the last epoch that had ended; exact for the newest."""
        index = bisect_right(self.steps, step) - 1
        if index < 0:
            return ()
        if index == len(self.steps) - 1 and self._last:
            return self._last
        return tuple(self._rates[self._ends[index - 1] if index else 0 : self._ends[index]])

    def truncate(self, step: int) -> None:
        """Forget what came after a step."""
        count = bisect_right(self.steps, step)
        if count < len(self.steps):
            del self.steps[count:], self._ends[count:]
            del self._rates[self._ends[-1] if count else 0 :]
            self._last = ()


class DrawnImages:
    """Every grid of a kind that was drawn: 33 bytes each, as a run of short epochs draws 20,000 an hour.

    What few know is kept whole: how grids are laid out and what their files are called, where that changes.
    """

    def __init__(self) -> None:
        self._steps = array("q")
        self._epochs = array("q")
        self._times = array("d")
        self._forms = array("q")
        """Which of `_known` each grid is like."""
        self._known: list[ev.ImagesDrawn] = []

    def append(self, event: ev.ImagesDrawn) -> None:
        """Add a grid."""
        if not self._known or _without_step(event) != _without_step(self._known[-1]):
            self._known.append(event)
        self._steps.append(event.step)
        self._epochs.append(event.epoch)
        self._times.append(event.time)
        self._forms.append(len(self._known) - 1)

    @property
    def steps(self) -> Sequence[int]:
        """When each was drawn."""
        return self._steps

    def at(self, step: int) -> ev.ImagesDrawn | None:
        """The last grid up to a step."""
        index = bisect_right(self._steps, step) - 1
        if index < 0:
            return None
        form, drawn_at = self._known[self._forms[index]], self._steps[index]
        path = form.path.replace(f"{form.step:09d}", f"{drawn_at:09d}")
        return replace(form, step=drawn_at, epoch=self._epochs[index], time=self._times[index], path=path)

    def truncate(self, step: int) -> None:
        """Forget what came after a step."""
        count = bisect_right(self._steps, step)
        del self._steps[count:], self._epochs[count:], self._times[count:], self._forms[count:]


def _without_step(event: ev.ImagesDrawn) -> tuple[object, ...]:
    """All of a grid but when it was drawn."""
    return event.path.replace(f"{event.step:09d}", ""), event.count, event.columns, event.padding


class SavedCheckpoints:
    """Every checkpoint that was saved: 25 bytes each, for a run saves one a second."""

    def __init__(self) -> None:
        self.steps = array("q")
        self._epochs = array("q")
        self._times = array("d")
        self._best = bytearray()

    def append(self, event: ev.CheckpointSaved) -> None:
        """Add a checkpoint, in the order of the steps."""
        # One that was the best and had to wait is saved after a newer one may have been.
        index = bisect_right(self.steps, event.step)
        self.steps.insert(index, event.step)
        self._epochs.insert(index, event.epoch)
        self._times.insert(index, event.time)
        self._best.insert(index, event.best)

    def at(self, step: int) -> ev.CheckpointSaved | None:
        """The last checkpoint up to a step."""
        index = bisect_right(self.steps, step) - 1
        return None if index < 0 else self._event(index)

    def newest_best(self) -> ev.CheckpointSaved | None:
        """The last one that was the best when it was saved."""
        index = self._best.rfind(1)
        return None if index < 0 else self._event(index)

    def truncate(self, step: int) -> None:
        """Forget what came after a step."""
        count = bisect_right(self.steps, step)
        del self.steps[count:], self._epochs[count:], self._times[count:], self._best[count:]

    def _event(self, index: int) -> ev.CheckpointSaved:
        step = self.steps[index]
        return ev.CheckpointSaved(
            time=self._times[index],
            step=step,
            epoch=self._epochs[index],
            path=weights_name(step),
            best=bool(self._best[index]),
        )
