"""The events of a run folded into what front ends show: series, stages, messages, and the run as it was at any step.

Pure: no files, no clocks, no drawing.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from vae_tui import events as ev
from vae_tui.events import ACTIVE_NATS
from vae_tui.fields import is_count, is_number
from vae_tui.runs.best import counts_towards_best, is_better
from vae_tui.runs.compact import DrawnImages, EpochRates, SavedCheckpoints
from vae_tui.runs.machine import MACHINE, STEP_SECONDS, machine_figures
from vae_tui.runs.series import Track

LogPhase = Literal["starting", "training", "paused", "completed", "stopped", "failed"]
"""How a run stands by its log alone."""

FIGURES = ("loss", "negative_elbo", "distortion", "rate")
_STEP_FIGURES = ("beta", "lr", "images_per_second", "gradient_norm")
_SECONDS_BETWEEN_LOOKS = 1.0
"""Of training time, between figures of the machine that are kept: there are many, and they are read no more often."""
_MESSAGES = 100
_ADDED_NOTES = 5


@dataclass(frozen=True)
class Best:
    """The best validation of a run: its loss, by which it is the best, and its -ELBO, in nats per image."""

    step: int
    seconds: float
    loss: float
    negative_elbo: float | None


@dataclass(frozen=True)
class Stage:
    """A stretch of preparation, how far it is, and when it began and was last updated, in Unix seconds."""

    name: str
    done: int
    total: int | None
    began: float
    updated: float


@dataclass(frozen=True)
class Note:
    """Something to tell the user."""

    time: float
    text: str


@dataclass(frozen=True)
class SettingChange:
    """From `step` on, the run trains as if its recipe's `key`, such as "objective.beta", had this `value`; `before` it had that."""

    step: int
    key: str
    value: float
    before: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Moment:
    """What a run was at a step: what every pane draws. "Now" is the last one.

    `seconds` of training had passed, and it was `time` in Unix seconds, at the last report up to the step, of which `train` has
    the means; `validation` and `rate_per_dimension` (Z,) are of the last epoch that had ended; nats per image, None or NaN where not finite. `images` has the grid of each kind and
    `checkpoint` the weights that were the newest then.
    """

    step: int = 0
    epoch: int = 0
    seconds: float = 0.0
    time: float = 0.0
    train: Mapping[str, float | None] = field(default_factory=dict)
    validation: Mapping[str, float | None] = field(default_factory=dict)
    rate_per_dimension: tuple[float, ...] = ()
    images: Mapping[str, ev.ImagesDrawn] = field(default_factory=dict)
    checkpoint: ev.CheckpointSaved | None = None
    best: Best | None = None

    @property
    def active_dimensions(self) -> int:
        """Latent dimensions that carry more than 0.01 nats."""
        return sum(rate > ACTIVE_NATS for rate in self.rate_per_dimension)


_Dated = TypeVar("_Dated", bound=Best)


class History:
    """What is known of a run from the events so far; `add` them in the order of the log."""

    def __init__(self) -> None:
        self.recipe: dict[str, dict[str, Any]] = {}
        self.started: ev.RunStarted | None = None
        """The start of the newest trainer."""
        self.training: ev.TrainingStarted | None = None
        """What the newest trainer that began to train reported of itself."""
        self.prepared = False
        """Whether the newest trainer has begun to train."""
        self.stages: list[Stage] = []
        self.finished: ev.RunFinished | None = None
        """How the newest trainer ended, once it has."""
        self.paused = False
        self.epoch = 0
        self.step = 0
        self.last_time: float | None = None
        self._reports = Track((*FIGURES, *_STEP_FIGURES))
        self._machine = Track((*MACHINE, *STEP_SECONDS))
        self.train = self._reports.series | self._machine.series
        """Means of each report against its step, and about once a second what it told of the machine."""
        self._validations = Track((*FIGURES, "codes_used"))
        self.validation = self._validations.series
        """Figures of each epoch against its last step."""
        self.messages: deque[Note] = deque(maxlen=_MESSAGES)
        self.notes: tuple[str, ...] = ()
        """What the newest trainer noted when it began."""
        self.data_notes: tuple[str, ...] = ()
        """What of that is on the images."""
        self.added_notes: deque[Note] = deque(maxlen=_ADDED_NOTES)
        """The notes added since, by any trainer of the run."""
        self._epochs = EpochRates()
        self._checkpoints = SavedCheckpoints()
        self._images: dict[str, DrawnImages] = {}
        self._bests: list[Best] = []
        """Each validation that was the best when it came."""
        self._objectives_since = [0]
        """From which steps on each objective of the run was minimised."""
        self._other_beta_until = 0
        """The step of the last report with another beta than the newest one has."""
        self._steps_of_epochs = 0
        """Steps an epoch, by the epochs that ended."""
        self._changed_loss: str | None = None
        """What is minimised since that was changed while the newest trainer trains."""
        self.changes: list[SettingChange] = []
        """What was changed while it trained, in the order of their steps."""
        self.pauses: list[int] = []
        """The steps at which it was paused."""
        self.alarms: list[int] = []
        """The steps at which something was found that is worth a look, such as a collapse."""
        self._trainer_began_at = 0
        """The index in `_reports` from which on the newest trainer reports."""
        self._clock_began = 0.0
        self._seconds_before = 0.0
        self._paused_since: float | None = None

    def add(self, event: ev.Event) -> None:
        """Fold one event in; kinds unknown here change nothing."""
        self.last_time = event.time
        match event:
            case ev.StepCompleted():
                self._add_report(event)
            case ev.EpochCompleted():
                self._add_epoch(event)
            case ev.ImagesDrawn():
                self._images.setdefault(event.kind, DrawnImages()).append(event)
            case ev.CheckpointSaved():
                self._checkpoints.append(event)
            case ev.CommandDone():
                self._add_answer(event)
            case ev.NoteAdded():
                if event.alarm:
                    self.alarms.append(event.step)
                self._add_message(event, event.note)
                self.added_notes.append(self.messages[-1])
            case ev.EpochStarted():
                self.epoch = event.epoch
            case ev.StageProgressed():
                self._add_stage(event)
            case ev.TrainingStarted():
                self._begin_training(event)
            case ev.RunStarted():
                self._begin(event)
            case ev.RunFinished():
                self.finished = event
                self.paused, self._paused_since = False, None
                self._add_message(event, event.sentence)
        self.step = max(self.step, event.step)

    def recipe_at(self, step: int) -> dict[str, dict[str, Any]]:
        """The recipe that the figures of a step came by, with what had been changed until then."""
        recipe = self.recipe
        for change in reversed(self.changes if step < self.step else []):
            if change.step >= step:
                table, _, name = change.key.partition(".")
                recipe = {**recipe, table: {**recipe.get(table, {}), name: change.before}}
        return recipe

    @property
    def phase(self) -> LogPhase:
        """How the run stands by its log alone."""
        if self.finished is not None:
            return self.finished.status
        if not self.prepared:
            return "starting"
        return "paused" if self.paused else "training"

    @property
    def name_of_data(self) -> str | None:
        """The image set."""
        name = self.recipe.get("data", {}).get("name")
        return name if isinstance(name, str) else None

    @property
    def prior_is_normal(self) -> bool:
        """Whether samples are drawn from N(0, I), and not from a prior that is learned."""
        return bool(self.recipe.get("prior", {}).get("name", "normal") == "normal")

    @property
    def validates(self) -> bool:
        """Whether the run has validation images, as far as is known: without any it has no validation and no best."""
        return self.training is None or self.training.data_sizes.get("validation", 1) > 0

    @property
    def loss_name(self) -> str:
        """What is minimised now, such as "distortion + 4 rate"; empty where that is -ELBO."""
        if self._changed_loss is not None:
            return self._changed_loss
        return self.training.loss if self.training else ""

    @property
    def same_loss_since(self) -> int:
        """The step since which the loss has meant what it means now, with the same objective and the same beta."""
        return max(self._objectives_since[-1], self._other_beta_until)

    @property
    def epochs(self) -> int | None:
        """How many epochs were asked for."""
        epochs: int | None = self.recipe.get("train", {}).get("epochs")
        return epochs if is_count(epochs) else None

    @property
    def max_seconds(self) -> float | None:
        """How long training may take."""
        seconds: float | None = self.recipe.get("train", {}).get("max_seconds")
        return seconds if is_number(seconds) else None

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch, 1 where it is not known yet; where no trainer reports it, those of the epochs so far."""
        if self.training and self.training.steps_per_epoch > 0:
            return self.training.steps_per_epoch
        return self._steps_of_epochs or 1

    @property
    def seconds(self) -> float:
        """Training time up to the last step, over all trainers of the run, pauses left out."""
        return self._reports.seconds[-1] if len(self._reports) else self._seconds_before

    @property
    def times(self) -> tuple[float, float]:
        """From when to when it was reported on, in Unix seconds, pauses and nights in between."""
        return (self._reports.times[0], self._reports.times[-1]) if len(self._reports) else (0.0, 0.0)

    @property
    def saved(self) -> Sequence[int]:
        """The steps of all checkpoints that were saved."""
        return self._checkpoints.steps

    @property
    def not_finite(self) -> list[int]:
        """The steps of reports whose loss was not finite."""
        return [self._reports.steps[index] for index in self.train["loss"].gaps()]

    @property
    def best(self) -> Best | None:
        """The best validation so far, by its loss, as the best checkpoint is; None where another objective began since."""
        return self._best_at(self.step)

    @property
    def best_saved(self) -> ev.CheckpointSaved | None:
        """The newest checkpoint that was the best by the present objective when it was saved."""
        saved = self._checkpoints.newest_best()
        return saved if saved and counts_towards_best(saved.step, self._objectives_since[-1]) else None

    @property
    def stops(self) -> Sequence[int]:
        """The steps at which there is something new to see: the ends of epochs, before the first one reports."""
        return self._epochs.steps or self._reports.steps

    @property
    def now(self) -> Moment:
        """The run as it is."""
        return self.at(self.step)

    def grid_steps(self, kind: str) -> Sequence[int]:
        """The steps at which grids of "samples" or "reconstructions" were drawn."""
        return self._images[kind].steps if kind in self._images else ()

    def grid_at(self, kind: str, step: int) -> ev.ImagesDrawn | None:
        """The newest grid of that kind up to a step."""
        return self._images[kind].at(step) if kind in self._images else None

    def at(self, step: int) -> Moment:
        """The run as it was after `step` steps, at any time since its start."""
        step = max(0, min(step, self.step))
        validation = self._validations.index(step)
        images = {kind: found for kind, drawn in self._images.items() if (found := drawn.at(step))}
        return Moment(
            step=step,
            epoch=self.epoch if step == self.step else math.ceil(step / self.steps_per_epoch),
            seconds=self.seconds_at(step),
            time=self.time_at(step),
            train=self._row(step),
            validation=self._validations.row(validation) if validation >= 0 else {},
            rate_per_dimension=self._epochs.rates_at(step),
            images=images,
            checkpoint=self._checkpoints.at(step),
            best=self._best_at(step),
        )

    def seconds_at(self, step: int) -> float:
        """The training time at the last report up to a step."""
        index = self._reports.index(step)
        return self._reports.seconds[index] if index >= 0 else 0.0

    def time_at(self, step: int) -> float:
        """When the last report up to a step came, or before it the first, in Unix seconds; 0 before there is any."""
        return self._reports.times[max(0, self._reports.index(step))] if len(self._reports) else 0.0

    def _row(self, step: int) -> dict[str, float | None]:
        """The last report up to a step, and the machine's figures of then."""
        rows: dict[str, float | None] = {}
        for track in (self._reports, self._machine):
            if (index := track.index(step)) >= 0:
                rows |= track.row(index)
        return rows

    def _best_at(self, step: int) -> Best | None:
        best = _last_until(self._bests, step)
        since = self._objectives_since[bisect_right(self._objectives_since, step) - 1]
        return best if best and counts_towards_best(best.step, since) else None

    @property
    def eta_seconds(self) -> float | None:
        """Training time left at this trainer's recent pace; None while that is anyone's guess."""
        if self.finished is not None or not self.prepared:
            return None
        left = []
        if self.max_seconds is not None:
            left.append(self.max_seconds - self.seconds)
        pace = self._steps_per_second()
        if self.epochs is not None and pace and self.steps_per_epoch > 1:
            left.append((self.epochs * self.steps_per_epoch - self.step) / pace)
        return max(0.0, min(left)) if left else None

    def _steps_per_second(self) -> float | None:
        """The pace of the last minute or quarter of this trainer's time, whichever is longer."""
        steps, seconds = self._reports.steps, self._reports.seconds
        first = self._trainer_began_at
        if len(steps) - first < 2:
            return None
        window = max(60.0, (seconds[-1] - seconds[first]) / 4)
        first = bisect_left(seconds, seconds[-1] - window, first, len(seconds) - 1)
        passed = seconds[-1] - seconds[first]
        return (steps[-1] - steps[first]) / passed if passed > 0.5 else None

    def _begin(self, event: ev.RunStarted) -> None:
        self.started, self.recipe = event, event.recipe
        self.finished, self.prepared, self.stages = None, False, []
        self.paused, self._paused_since = False, None
        if event.resumed_from is not None:
            self._forget_after(event.resumed_from)
            self._add_message(event, f"resumed from step {event.resumed_from:,}")
        elif self.step:
            self._forget_after(0)
        earlier = bisect_left(self._objectives_since, event.objective_since)
        self._objectives_since[earlier:] = [event.objective_since]

    def _forget_after(self, step: int) -> None:
        """Forget the figures, pictures and checkpoints of later steps than `step`."""
        self._reports.truncate(step)
        self._machine.truncate(step)
        self._validations.truncate(step)
        for drawn in self._images.values():
            drawn.truncate(step)
        _truncate(self._bests, step)
        self._epochs.truncate(step)
        self._checkpoints.truncate(step)
        betas, steps = self.train["beta"].rows, self._reports.steps
        differs = (index for index in range(len(betas) - 1, -1, -1) if betas[index] != betas[-1] == betas[-1])
        others = (steps[index] for index in differs)  # NaN, which no beta is, differs from nothing
        self._other_beta_until = next(others, 0)
        # A change at that very step is made before the next one.
        self.changes = [change for change in self.changes if change.step <= step]
        self.pauses = [paused for paused in self.pauses if paused <= step]
        self.alarms = [found for found in self.alarms if found <= step]
        self.step = step
        self.epoch = math.ceil(step / self.steps_per_epoch) if self.training else 0

    def _begin_training(self, event: ev.TrainingStarted) -> None:
        self.training, self.prepared, self._changed_loss = event, True, None
        self.data_notes, self.notes = event.data_notes, (*event.data_notes, *event.notes)
        self._seconds_before = self.seconds if len(self._reports) else 0.0
        self._trainer_began_at = len(self._reports)
        self._clock_began = event.time
        for note in self.notes:
            self._add_message(event, note)

    def _add_stage(self, event: ev.StageProgressed) -> None:
        began = event.time
        if self.stages and self.stages[-1].name == event.stage:
            began = self.stages.pop().began
        elif self.stages:
            last = self.stages.pop()
            self.stages.append(Stage(last.name, last.done, last.total, last.began, event.time))
        self.stages.append(Stage(event.stage, event.done, event.total, began, event.time))

    def _add_report(self, event: ev.StepCompleted) -> None:
        self.epoch = event.epoch
        betas = self.train["beta"].rows
        if betas and event.beta is not None and betas[-1] != event.beta:
            self._other_beta_until = self._reports.steps[-1]
        seconds = self._training_seconds(event.time)
        row = *_figures(event.train), event.beta, event.lr, event.images_per_second, event.gradient_norm
        self._reports.append(event.step, seconds, event.time, row)
        looked = self._machine.seconds
        if not looked or seconds - looked[-1] >= _SECONDS_BETWEEN_LOOKS:
            self._machine.append(event.step, seconds, event.time, machine_figures(event).values())

    def _add_epoch(self, event: ev.EpochCompleted) -> None:
        self.epoch = event.epoch
        self._epochs.append(event)
        self._steps_of_epochs = -(-event.step // max(1, event.epoch))
        if event.validation is None:
            return
        seconds, figures = self._training_seconds(event.time), _figures(event.validation)
        used = event.validation.get("codes_used")
        self._validations.append(event.step, seconds, event.time, (*figures, used))
        loss, negative_elbo, *_ = figures
        best = self._best_at(event.step)
        if loss is not None and is_better(loss, best.loss if best else None):
            self._bests.append(Best(event.step, seconds, loss, negative_elbo))

    def _add_answer(self, event: ev.CommandDone) -> None:
        if event.command == "pause" and not self.paused:
            self.paused, self._paused_since = True, event.time
            if event.step not in self.pauses[-1:]:
                self.pauses.append(event.step)
        elif event.command in ("unpause", "resume") and self.paused:  # "resume" in older logs
            if self._paused_since is not None:
                self._clock_began += event.time - self._paused_since
            self.paused, self._paused_since = False, None
        elif event.command == "set" and not event.refused:
            self._add_change(event)
        self._add_message(event, event.message or f"{event.command}: done")

    def _add_change(self, event: ev.CommandDone) -> None:
        key, value, loss = (event.values.get(name) for name in ("key", "value", "loss"))
        if not isinstance(key, str) or not isinstance(value, int | float) or not is_number(value):
            return
        table, _, name = key.partition(".")
        before = self.recipe.get(table, {}).get(name)
        self.recipe = {**self.recipe, table: {**self.recipe.get(table, {}), name: value}}
        self.changes.append(SettingChange(event.step, key, value, before))
        if isinstance(loss, str):
            self._changed_loss = loss
            self._objectives_since.append(max(event.step, self._objectives_since[-1]))

    def _training_seconds(self, time: float) -> float:
        """Training time at `time`; it never runs backwards, though a clock that is set may."""
        return max(self.seconds, self._seconds_before + time - self._clock_began)

    def _add_message(self, event: ev.Event, text: str) -> None:
        self.messages.append(Note(event.time, text))


def _truncate(dated: list[_Dated], step: int) -> None:
    while dated and dated[-1].step > step:
        dated.pop()


def _last_until(dated: list[_Dated], step: int) -> _Dated | None:
    index = bisect_right(dated, step, key=lambda item: item.step) - 1
    return dated[index] if index >= 0 else None


def _figures(figures: ev.Figures) -> tuple[float | None, float | None, float | None, float | None]:
    """As FIGURES."""
    elbo = figures.get("elbo")
    return figures.get("loss"), None if elbo is None else -elbo, figures.get("distortion"), figures.get("rate")
