"""Events folded into what a screen shows: series, latest figures, stages, and what is left to do.

Pure: no files, no clocks, no drawing. Series are held exactly, 24 bytes a point, and are read through `thin` and
`column_means`, which yield a bounded number of points however long the run.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from vae_tui import events as ev
from vae_tui.events import ACTIVE_NATS

Axis = Literal["step", "epoch", "time"]
Phase = Literal["starting", "training", "paused", "completed", "stopped", "failed"]
Point = tuple[float, float]

FIGURES = ("loss", "negative_elbo", "distortion", "rate")
_KEPT = 100
"""Pictures, checkpoints and epochs remembered one by one, so that a resumed attempt finds those before it."""

_NOTES_KEPT = 5

_E = TypeVar("_E", bound=ev.Event)


class Series:
    """One figure against steps and against seconds of training; both only ever grow."""

    def __init__(self) -> None:
        self.steps = array("q")
        self.seconds = array("d")
        self.values = array("d")

    def __len__(self) -> int:
        return len(self.values)

    def append(self, step: int, seconds: float, value: float | None) -> None:
        """Add a point; a figure that is not finite leaves a gap."""
        if value is not None and math.isfinite(value):
            self.steps.append(step)
            self.seconds.append(seconds)
            self.values.append(value)

    def truncate(self, step: int) -> None:
        """Forget what came after `step`."""
        end = bisect_right(self.steps, step)
        del self.steps[end:], self.seconds[end:], self.values[end:]

    def points(self, axis: Axis = "step", *, steps_per_epoch: int = 1) -> list[Point]:
        """Every point, as (x, value)."""
        return self.thin(len(self), axis, steps_per_epoch=steps_per_epoch) if len(self) else []

    def thin(self, columns: int, axis: Axis = "step", *, steps_per_epoch: int = 1) -> list[Point]:
        """At most two points a column: the least and the greatest of what falls there, in their order."""
        xs, scale = self._along(axis, steps_per_epoch)
        if len(self) <= 2 * columns:
            return [(x * scale, value) for x, value in zip(xs, self.values, strict=True)]
        found: list[Point] = []
        for start, end in self._columns(xs, columns):
            inside = self.values[start:end]
            least, greatest = inside.index(min(inside)), inside.index(max(inside))
            for index in sorted({start + least, start + greatest}):
                found.append((xs[index] * scale, self.values[index]))
        return found

    def column_means(self, columns: int, axis: Axis = "step", *, steps_per_epoch: int = 1) -> list[Point]:
        """At most one point a column: the mean of what falls there, at the mean of where it lies."""
        xs, scale = self._along(axis, steps_per_epoch)
        found: list[Point] = []
        for start, end in self._columns(xs, columns):
            inside = end - start
            found.append((sum(xs[start:end]) / inside * scale, sum(self.values[start:end]) / inside))
        return found

    def _along(self, axis: Axis, steps_per_epoch: int) -> tuple[array[int] | array[float], float]:
        if axis == "time":
            return self.seconds, 1.0
        return self.steps, 1.0 / steps_per_epoch if axis == "epoch" else 1.0

    def _columns(self, xs: array[int] | array[float], columns: int) -> Iterable[tuple[int, int]]:
        """The index ranges that fall into each of `columns` equal stretches, empty ones left out."""
        if not xs or columns < 1:
            return
        first, last = xs[0], xs[-1]
        start = 0
        for column in range(1, columns):
            end = bisect_left(xs, first + (last - first) * column / columns, start)
            if end > start:
                yield start, end
            start = end
        if start < len(xs):
            yield start, len(xs)


@dataclass(frozen=True)
class Best:
    """The best validation so far."""

    step: int
    seconds: float
    negative_elbo: float


@dataclass(frozen=True)
class Stage:
    """A stretch of preparation, how far it is, and when it began and was last heard of."""

    name: str
    done: int
    total: int | None
    began: float
    heard: float


@dataclass(frozen=True)
class Note:
    """Something to tell the user."""

    time: float
    text: str


class History:
    """What is known of a run from the events so far; `add` them in the order of the log."""

    def __init__(self) -> None:
        self.recipe: dict[str, dict[str, Any]] = {}
        self.attempt: ev.RunStarted | None = None
        self.training: ev.TrainingStarted | None = None
        """What the latest attempt that came to train said of itself."""
        self.prepared = False
        """Whether the latest attempt has begun to train."""
        self.stages: list[Stage] = []
        self.finished: ev.RunFinished | None = None
        """How the latest attempt ended, once it has."""
        self.paused = False
        self.epoch = 0
        self.step = 0
        self.last_time: float | None = None
        self.latest: ev.StepCompleted | None = None
        self.train = {name: Series() for name in FIGURES}
        self.validation = {name: Series() for name in FIGURES}
        self.messages: deque[Note] = deque(maxlen=_KEPT)
        self.notes: tuple[str, ...] = ()
        """What the latest attempt said of itself when it began."""
        self.added_notes: deque[Note] = deque(maxlen=_NOTES_KEPT)
        """The notes added since, over all attempts."""
        self.commands_done: dict[str, int] = {}
        """How many commands of each kind were answered, over all attempts."""
        self._epochs: deque[ev.EpochCompleted] = deque(maxlen=_KEPT)
        self._images: dict[str, deque[ev.ImagesDrawn]] = {}
        self._checkpoints: deque[ev.CheckpointSaved] = deque(maxlen=_KEPT)
        self._best_checkpoints: deque[ev.CheckpointSaved] = deque(maxlen=_KEPT)
        self._ticks = Series()
        """Training seconds against steps, of every step event, whatever its figures."""
        self._attempt_began_at = 0
        """The index in `_ticks` from which on this attempt speaks."""
        self._clock_began = 0.0
        self._seconds_before = 0.0
        self._paused_since: float | None = None

    def add(self, event: ev.Event) -> None:
        """Fold one event in; kinds unknown here change nothing."""
        self.last_time = event.time
        match event:
            case ev.StepCompleted():
                self._add_step(event)
            case ev.EpochCompleted():
                self._add_epoch(event)
            case ev.ImagesDrawn():
                self._images.setdefault(event.kind, deque(maxlen=_KEPT)).append(event)
            case ev.CheckpointSaved():
                self._checkpoints.append(event)
                if event.best:
                    self._best_checkpoints.append(event)
                self._tell(event, f"saved {event.path}{', the best so far' if event.best else ''}")
            case ev.CommandDone():
                self._answer(event)
            case ev.NoteAdded():
                self._tell(event, event.note)
                self.added_notes.append(self.messages[-1])
            case ev.EpochStarted():
                self.epoch = event.epoch
            case ev.StageProgressed():
                self._add_stage(event)
            case ev.TrainingStarted():
                self._begin_training(event)
            case ev.RunStarted():
                self._begin_attempt(event)
            case ev.RunFinished():
                self.finished = event
                self.paused, self._paused_since = False, None
                self._tell(event, f"{event.status}: {event.reason}" if event.reason else event.status)
        self.step = max(self.step, event.step)

    @property
    def phase(self) -> Phase:
        """How the latest attempt stands, by its own words."""
        if self.finished is not None:
            return self.finished.status
        if not self.prepared:
            return "starting"
        return "paused" if self.paused else "training"

    @property
    def name_of_data(self) -> str | None:
        """The image set."""
        return self.recipe.get("data", {}).get("name")

    @property
    def prior_is_normal(self) -> bool:
        """Whether samples are drawn from N(0, I), and not from a prior that is learned."""
        return bool(self.recipe.get("prior", {}).get("name", "normal") == "normal")

    @property
    def epochs(self) -> int | None:
        """How many epochs were asked for."""
        return self.recipe.get("train", {}).get("epochs")

    @property
    def max_seconds(self) -> float | None:
        """How long training may take."""
        return self.recipe.get("train", {}).get("max_seconds")

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch, 1 where it is not known yet."""
        return self.training.steps_per_epoch if self.training and self.training.steps_per_epoch > 0 else 1

    @property
    def seconds(self) -> float:
        """Training time up to the last step, over all attempts, pauses left out."""
        return self._ticks.seconds[-1] if len(self._ticks) else self._seconds_before

    @property
    def latest_epoch(self) -> ev.EpochCompleted | None:
        """The epoch completed last."""
        return self._epochs[-1] if self._epochs else None

    @property
    def rate_per_dimension(self) -> list[float]:
        """Nats of each latent dimension at the end of the latest epoch; nothing before the first."""
        latest = self.latest_epoch
        return [math.nan if rate is None else rate for rate in latest.rate_per_dimension] if latest else []

    @property
    def active_dimensions(self) -> int:
        """Latent dimensions that carry more than 0.01 nats."""
        return sum(rate > ACTIVE_NATS for rate in self.rate_per_dimension)

    @property
    def best(self) -> Best | None:
        """The best validation so far, by its loss, as the best checkpoint is."""
        losses, series = self.validation["loss"], self.validation["negative_elbo"]
        if not len(losses):
            return None
        step = losses.steps[losses.values.index(min(losses.values))]
        index = series.steps.index(step)
        return Best(step, series.seconds[index], series.values[index])

    @property
    def last_checkpoint(self) -> ev.CheckpointSaved | None:
        """The checkpoint saved last."""
        return self._checkpoints[-1] if self._checkpoints else None

    @property
    def best_checkpoint(self) -> ev.CheckpointSaved | None:
        """The checkpoint that was the best so far when it was saved, and still is."""
        return self._best_checkpoints[-1] if self._best_checkpoints else None

    def images(self, kind: str) -> ev.ImagesDrawn | None:
        """The grid of a kind drawn last."""
        drawn = self._images.get(kind)
        return drawn[-1] if drawn else None

    @property
    def eta_seconds(self) -> float | None:
        """Training time left at this attempt's recent pace; None while that is anyone's guess."""
        if self.finished is not None or not self.prepared:
            return None
        left = []
        if self.max_seconds is not None:
            left.append(self.max_seconds - self.seconds)
        pace = self._steps_per_second()
        if self.epochs is not None and pace:
            left.append((self.epochs * self.steps_per_epoch - self.step) / pace)
        return max(0.0, min(left)) if left else None

    def _steps_per_second(self) -> float | None:
        """The pace of the last minute or quarter of this attempt, whichever is longer."""
        steps, seconds = self._ticks.steps, self._ticks.seconds
        first = self._attempt_began_at
        if len(steps) - first < 2:
            return None
        window = max(60.0, (seconds[-1] - seconds[first]) / 4)
        first = bisect_left(seconds, seconds[-1] - window, first, len(seconds) - 1)
        passed = seconds[-1] - seconds[first]
        return (steps[-1] - steps[first]) / passed if passed > 0.5 else None

    def _begin_attempt(self, event: ev.RunStarted) -> None:
        self.attempt, self.recipe = event, event.recipe
        self.finished, self.prepared, self.stages = None, False, []
        self.paused, self._paused_since = False, None
        if event.resumed_from is not None:
            self._void(event.resumed_from)
            self._tell(event, f"resumed from step {event.resumed_from:,}")
        elif self.step:
            self._void(0)

    def _void(self, step: int) -> None:
        """Forget what was said of later steps than `step`, except to the user."""
        for series in (*self.train.values(), *self.validation.values(), self._ticks):
            series.truncate(step)
        for drawn in self._images.values():
            _truncate(drawn, step)
        _truncate(self._checkpoints, step)
        _truncate(self._best_checkpoints, step)
        _truncate(self._epochs, step)
        if self.latest is not None and self.latest.step > step:
            self.latest = None
        self.step = step
        self.epoch = math.ceil(step / self.steps_per_epoch) if self.training else 0

    def _begin_training(self, event: ev.TrainingStarted) -> None:
        self.training, self.notes, self.prepared = event, event.notes, True
        self._seconds_before = self.seconds if len(self._ticks) else 0.0
        self._attempt_began_at = len(self._ticks)
        self._clock_began = event.time
        for note in event.notes:
            self._tell(event, note)

    def _add_stage(self, event: ev.StageProgressed) -> None:
        began = event.time
        if self.stages and self.stages[-1].name == event.stage:
            began = self.stages.pop().began
        elif self.stages:
            last = self.stages.pop()
            self.stages.append(Stage(last.name, last.done, last.total, last.began, event.time))
        self.stages.append(Stage(event.stage, event.done, event.total, began, event.time))

    def _add_step(self, event: ev.StepCompleted) -> None:
        self.latest, self.epoch = event, event.epoch
        seconds = self._training_seconds(event.time)
        self._ticks.append(event.step, seconds, 0.0)
        _append(self.train, event.step, seconds, event.train)

    def _add_epoch(self, event: ev.EpochCompleted) -> None:
        self._epochs.append(event)
        self.epoch = event.epoch
        if event.validation is not None:
            _append(self.validation, event.step, self._training_seconds(event.time), event.validation)

    def _answer(self, event: ev.CommandDone) -> None:
        self.commands_done[event.command] = self.commands_done.get(event.command, 0) + 1
        if event.command == "pause" and not self.paused:
            self.paused, self._paused_since = True, event.time
        elif event.command == "resume" and self.paused:
            if self._paused_since is not None:
                self._clock_began += event.time - self._paused_since
            self.paused, self._paused_since = False, None
        self._tell(event, event.message or f"{event.command}: done")

    def _training_seconds(self, time: float) -> float:
        """Training time at `time`; it never runs backwards, though a clock that is set may."""
        return max(self.seconds, self._seconds_before + time - self._clock_began)

    def _tell(self, event: ev.Event, text: str) -> None:
        self.messages.append(Note(event.time, text))


def _append(figures: dict[str, Series], step: int, seconds: float, said: ev.Figures) -> None:
    elbo = said.get("elbo")
    values = {**said, "negative_elbo": None if elbo is None else -elbo}
    for name, series in figures.items():
        series.append(step, seconds, values.get(name))


def _truncate(kept: deque[_E], step: int) -> None:
    while kept and kept[-1].step > step:
        kept.pop()
