"""The training loop: a generator of events around a course, with the clock, the files and the commands."""

from __future__ import annotations

import dataclasses
import itertools
import math
import platform
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import torch

import vae_tui
from vae_tui import events as ev
from vae_tui.data import ImageSets
from vae_tui.device import device_name
from vae_tui.errors import DeviceError, VaeTuiError
from vae_tui.recipe import Change, Recipe
from vae_tui.runs.best import counts_towards_best, is_better
from vae_tui.runs.commands import (
    COMMANDS,
    Pause,
    Sample,
    Save,
    SentCommand,
    Set,
    Stop,
    Unknown,
    Unpause,
    claim_commands,
)
from vae_tui.runs.identity import as_toml
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import renew_lock
from vae_tui.runs.log import read_events_of
from vae_tui.runs.resume import ResumePoint
from vae_tui.training.assembly import assemble
from vae_tui.training.checkpoints import Measured
from vae_tui.training.collapse import Collapse
from vae_tui.training.contention import Contention
from vae_tui.training.course import Course, Milestone
from vae_tui.training.disk_space import DiskSpace
from vae_tui.training.memory import is_out_of_memory
from vae_tui.training.resources import Resources
from vae_tui.training.steering import Steering
from vae_tui.training.trainer import Means
from vae_tui.wording import counted

_POLL_SECONDS = 0.05
_SECONDS_BETWEEN_LOCKS = 1.0
_SECONDS_AT_RISK = 300.0
"""An epoch longer than this is saved within."""
_SECONDS_WITHOUT_PICTURES = 15.0
"""How long an epoch may last before pictures are drawn within it."""


class Loop:
    """What rank 0 does for a run, from loading its images to its last event.

    `events` may be left at any point (a generator closed, a process killed): what was saved stays whole.
    """

    def __init__(
        self,
        run: Run,
        recipe: Recipe,
        job: TrainingJob,
        *,
        point: ResumePoint | None,
        objective_since: int,
        interrupted: Callable[[], bool],
        report: Callable[[ev.Event], None],
    ) -> None:
        """`point` is where the run goes on from, `objective_since` the step since when it minimises what it does. `report` takes the progress of preparation, which comes from deep inside; `interrupted` asks for a stop.

        Where this process is not one of torchrun's, it starts the other ranks for the job's devices.
        """
        self._run, self._recipe = run, recipe
        self._interrupted = interrupted
        self._claimed: list[SentCommand] = []
        """Commands that came before there was a trainer to carry them out."""

        def report_stage(stage: str, done: int, total: int | None) -> None:
            report(ev.StageProgressed(time=time.time(), step=0, stage=stage, done=done, total=total))
            self._claimed.extend(claim_commands(run))
            if any(isinstance(claimed.command, Stop) for claimed in self._claimed):
                raise KeyboardInterrupt("by request")

        parts = assemble(run, recipe, point, objective_since, job, report_stage)
        self._device, self._ranks, self._sets, self._tuning = parts.device, parts.ranks, parts.sets, parts.tuning
        self._trainer, self._checkpoints, self._drawing = parts.trainer, parts.checkpoints, parts.drawing
        self._elapsed_before = parts.elapsed_seconds
        self._waiting = parts.waiting
        self._follows_others = parts.device.type == "cpu" and parts.ranks.count_here == 1
        """Whether its threads wait as fits what other programs do."""
        self._resources = Resources(parts.device, run.path, parts.others)
        self._collapse = Collapse(recipe.objective, recipe.model.code_count)
        self._course = Course(self._trainer)
        self._steering = Steering(run, recipe, self._trainer, self._course)
        self._began = self._started = time.monotonic()
        self._next_report = self._started + 0.1
        self._next_poll = self._next_lock = self._started
        self._next_drawing = self._started
        self._drawn_step = -1
        self._undrawn = ""
        """Why pictures could not be written the last time; empty where they were."""
        self._images: list[str] = []
        self._stopping = ""
        """Why the run stops before its end, once it is asked to."""
        self._best_loss: float | None = None
        """The lowest validation loss of an epoch so far."""
        self._paused_at: float | None = None
        if job.resume is not None:
            self._recall(point.checkpoint.step if point else 0, objective_since)
        self._epoch_began_at = (self._started, 0)
        """When this process began on the epoch, and at which of its images."""
        self._trained: tuple[Means, float] | None = None
        """Means and images a second of the epoch's steps."""
        self._contention = Contention(self._resources.cores, self._tuning.threads * self._ranks.count_here)
        self._disk = DiskSpace(run)
        self._looked_at, self._looked_images = self._started, self._trainer.step_count * recipe.train.batch_size

    def events(self) -> Iterator[ev.Event]:
        """Train and yield what happens; the last event is `run_finished`."""
        failed = True
        try:
            yield self._training_started()
            if self._paused_at is not None:
                message = f"paused, as it was before; to go on: vae-tui watch {self._run.shown}, then space"
                yield ev.CommandDone(**self._now(), command=Pause.name, message=message)
            if not self._trainer.step_count:
                self._checkpoints.take_first_snapshot()
            self._epoch_began_at = (time.monotonic(), 0 if self._trainer.epoch_is_over else self._trainer.position)
            for milestone in self._course.milestones():
                yield from self._act(milestone)
            failed = False
            if self._stopping:
                if not self._checkpoints.are_complete:
                    yield from self._save(force=True)
                yield self._finished("stopped", self._stopping)
            else:
                yield from self._draw()  # where a trainer was killed between its last checkpoint and that
                yield self._finished("completed", self._completion())
        except FloatingPointError as error:
            last = self._checkpoints.last
            good = (
                f"the last good checkpoint is {self._run.shown / last}" if last else "there is no checkpoint before it"
            )
            yield self._finished("failed", f"{error}; {good}. Try a lower [optimizer] lr, or clip_norm = 1.0")
        except Exception as error:
            if is_out_of_memory(error):
                # What the frames below still hold is the memory that was short.
                traceback.clear_frames(error.__traceback__)
                raise DeviceError(self._too_large()) from None
            raise
        finally:
            self._ranks.leave(failed=failed)

    def _act(self, milestone: Milestone) -> Iterator[ev.Event]:
        trainer = self._trainer
        if milestone is Milestone.STEPPED:
            self._checkpoints.take_snapshot()
            now = time.monotonic()
            if now >= self._next_report or trainer.must_check:
                yield self._report(now)
                yield from self._look_at_machine(now)
        elif milestone is Milestone.MEETING:
            yield from self._meet()
        elif milestone is Milestone.CHANGED:
            yield from self._report_changes()
        elif milestone is Milestone.EPOCH_BEGUN:
            self._epoch_began_at = (time.monotonic(), 0)
            if _is_logged(trainer.epoch):
                yield ev.EpochStarted(**self._now(), epoch=trainer.epoch)
        elif milestone is Milestone.EPOCH_TRAINED:
            self._check_losses()
            self._trained = trainer.epoch_means(), self._images_per_second(time.monotonic())
        elif milestone is Milestone.EPOCH_VALIDATED:
            yield from self._complete_epoch()

    def _meet(self) -> Iterator[ev.Event]:
        """Carry out commands and save what is at risk, now and then; end the run where that is due."""
        if time.monotonic() >= self._next_poll:
            yield from self._take_commands()
            if self._checkpoints.age_seconds >= _SECONDS_AT_RISK:
                yield from self._save()
            if time.monotonic() >= self._next_drawing + _SECONDS_WITHOUT_PICTURES:
                yield from self._draw()
        if self._stopping:
            self._course.request_halt("now")
        elif self._out_of_time() and self._trainer.position:
            # Where time runs out between two epochs, one step makes the second: of none there are no figures.
            self._course.request_halt("after validation")

    def _complete_epoch(self) -> Iterator[ev.Event]:
        """Report, save and draw what an epoch led to; what must not be lost comes first."""
        trainer = self._trainer
        assert self._trained is not None, "the epoch was trained"
        means, images_per_second = self._trained
        validation: ev.Figures | None = None
        rates = means.rate_per_dimension
        if (elbo := self._course.validation) is not None:
            if not math.isfinite(elbo.elbo):
                raise FloatingPointError(f"the validation ELBO was not finite after step {trainer.step_count}")
            loss = trainer.selection_loss(elbo)
            validation = elbo.figures(loss)
            rates = elbo.rate_per_dimension
        last = self._is_done()
        selected = validation["loss"] if validation else None
        best = is_better(selected, self._best_loss)
        self._best_loss = selected if best else self._best_loss
        if last or best or _is_logged(trainer.epoch):
            yield ev.EpochCompleted(
                **self._now(),
                epoch=trainer.epoch,
                train=means.figures(),
                validation=validation,
                rate_per_dimension=list(rates),
                beta=trainer.beta,
                lr=trainer.lr,
                images_per_second=images_per_second,
                elapsed_seconds=self._elapsed(),
            )
        if note := self._collapse.look(trainer.epoch, trainer.step_count, rates, validation):
            yield ev.NoteAdded(**self._now(), note=note, alarm="collapsed" if self._collapse.collapsed else "")
        if last:
            self._course.request_halt("now")
        measured: Measured = {"train": means.figures(), "rate_per_dimension": list(rates)}
        if validation:
            measured["validation"] = validation
        self._checkpoints.take_snapshot(measured)
        if last or trainer.epoch % self._trainer.recipe.train.checkpoint_epochs == 0:
            yield from self._save(measured=measured, force=last)
        if last or time.monotonic() >= self._next_drawing:
            yield from self._draw()

    def _recall(self, step: int, objective_since: int) -> None:
        """Know what epochs up to a step led to, so that no note of then is added again, and whether the run is paused.

        A pause holds until somebody ends it, or stops the run.
        """
        paused = False
        for event in read_events_of(self._run.events_path, ev.EpochCompleted, ev.CommandDone):
            if isinstance(event, ev.EpochCompleted) and event.step <= step:
                loss = event.validation.get("loss") if event.validation else None
                if counts_towards_best(event.step, objective_since) and is_better(loss, self._best_loss):
                    self._best_loss = loss
                self._collapse.look(event.epoch, event.step, event.rate_per_dimension, event.validation)
            elif isinstance(event, ev.CommandDone) and not event.refused:
                paused = event.command == "pause" or (paused and event.command not in ("unpause", "stop"))
        self._paused_at = time.monotonic() if paused else None

    def _report(self, now: float) -> ev.StepCompleted:
        """Means since the last report; the further the run, the rarer they come, so that a week is a small log."""
        trainer = self._trainer
        trainer.stopwatch.lap("rest")
        self._check_losses()
        means, steps = trainer.means_since_mark()
        trainer.stopwatch.lap("wait")
        gap = max(0.1, (now - self._began) / 20_000)
        self._next_report = time.monotonic() + gap
        return ev.StepCompleted(
            **self._now(),
            epoch=trainer.epoch,
            steps=steps,
            train=means.figures(),
            beta=trainer.beta,
            lr=trainer.lr,
            images_per_second=self._images_per_second(now),
            gradient_norm=trainer.gradient_norm(),
            seconds_per_step=dict(trainer.stopwatch.take(steps)),
            **self._resources.read(),
        )

    def _images_per_second(self, now: float) -> float:
        """Of this epoch so far, as far as this process trained it."""
        since, position = self._epoch_began_at
        return (self._trainer.position - position) / max(1e-9, now - since)

    def _look_at_machine(self, now: float) -> Iterator[ev.NoteAdded]:
        """Once a second, note whether the disk gets full or other programs have come in the way."""
        seconds = now - self._looked_at
        if seconds < 1:
            return
        free = self._resources.read()["disk_free_bytes"]
        if free is not None and (note := self._disk.look(free)) is not None:
            yield ev.NoteAdded(**self._now(), note=note)
        images = self._trainer.step_count * self._recipe.train.batch_size
        self._looked_at, self._looked_images, done = now, images, images - self._looked_images
        if self._resources.others is None or self._device.type != "cpu":
            return
        if self._follows_others:
            self._waiting.compare(done / seconds)
            self._waiting.look(self._resources.others)
        if (note := self._contention.look(self._resources.others, done / seconds)) is not None:
            yield ev.NoteAdded(**self._now(), note=note)

    def _take_commands(self) -> Iterator[ev.Event]:
        """Carry out the commands that have come; while paused, wait here for more."""
        while True:
            claimed, self._claimed = self._claimed, []
            for sent in itertools.chain(claimed, claim_commands(self._run)):
                yield from self._carry_out(sent)
            if self._interrupted():
                self._stopping = "by an interrupt"
            if time.monotonic() >= self._next_lock:
                renew_lock(self._run.path)
                self._next_lock = time.monotonic() + _SECONDS_BETWEEN_LOCKS
            if self._paused_at is None or self._stopping:
                break
            time.sleep(_POLL_SECONDS)
        self._forget_pause()
        self._next_poll = time.monotonic() + _POLL_SECONDS

    def _carry_out(self, sent: SentCommand) -> Iterator[ev.Event]:
        match sent.command:
            case Stop():
                self._stopping = "by request"
                yield self._answer(sent, "stopping")
            case Pause():
                self._paused_at = self._paused_at or time.monotonic()
                yield self._answer(sent, "paused")
            case Unpause():
                self._forget_pause()
                yield self._answer(sent, "training goes on")
            case Save():
                yield from self._save(force=True)
                yield self._answer(sent, f"saved {self._checkpoints.last}")
            case Sample():
                yield from self._draw()
                drawn = "drew samples and reconstructions" if not self._undrawn else f"nothing drawn: {self._undrawn}"
                yield self._answer(sent, drawn, refused=bool(self._undrawn))
            case Set(key, value):
                yield self._change(sent, key, value)
            case _:
                known = ", ".join(COMMANDS)
                yield self._answer(sent, f"unknown command; expected one of {known}", refused=True)

    def _change(self, sent: SentCommand, key: str, value: Any) -> ev.CommandDone:
        try:
            change = self._steering.change(Change(step=self._trainer.step_count, key=key, value=value))
        except VaeTuiError as error:
            return self._answer(sent, str(error), refused=True)
        if change.is_of_loss:
            self._begin_objective()
        message = f"from step {change.step:,} on {change.key} = {as_toml(change.value)}"
        return dataclasses.replace(self._answer(sent, message), values=self._steering.facts(change))

    def _report_changes(self) -> Iterator[ev.Event]:
        """Report the changes that the recipe asked for at this step; those that were sent are answered already."""
        for change in self._course.changes:
            if self._steering.is_answered(change):
                continue
            if change.is_of_loss:
                self._begin_objective()
            message = f"from step {change.step:,} on {change.key} = {as_toml(change.value)}, as the recipe has it"
            yield ev.CommandDone(**self._now(), command=Set.name, message=message, values=self._steering.facts(change))

    def _begin_objective(self) -> None:
        """Have the best begin anew, for losses before and after this step do not compare."""
        self._best_loss = None
        self._checkpoints.begin_objective()
        self._collapse.change(self._steering.present.objective)

    def _forget_pause(self) -> None:
        """Leave a pause that is over out of every figure of time."""
        if self._paused_at is not None:
            seconds = time.monotonic() - self._paused_at
            self._trainer.stopwatch.leave_out()
            self._started += seconds
            since, position = self._epoch_began_at
            self._epoch_began_at = (since + seconds, position)
            self._paused_at = None

    def _save(self, *, measured: Measured | None = None, force: bool = False) -> Iterator[ev.Event]:
        yield from self._checkpoints.save_if_due(self._elapsed(), measured=measured, force=force)
        for note in self._checkpoints.take_notes():
            yield ev.NoteAdded(**self._now(), note=note)

    def _draw(self) -> Iterator[ev.Event]:
        """Draw both grids; where they cannot be written, which ends no run, say so once."""
        trainer = self._trainer
        if self._drawn_step == trainer.step_count:
            return
        now = time.monotonic()
        self._next_drawing = now + max(1.0, (now - self._began) / 500)
        try:
            drawn = self._drawing.draw(trainer.evaluated, step=trainer.step_count, epoch=trainer.epoch)
        except OSError as error:
            folder = self._run.shown / self._run.images_path.name
            problem = f"pictures cannot be written to {folder}: {error.strerror or error}"
            if problem != self._undrawn:
                yield ev.NoteAdded(
                    **self._now(), note=f"{problem}; training goes on, and they are drawn once they can be"
                )
            self._undrawn = problem
            return
        self._drawn_step, self._undrawn = trainer.step_count, ""
        self._images = [event.path for event in drawn]
        yield from drawn

    def _check_losses(self) -> None:
        bad = self._trainer.first_bad_step()
        if bad is not None:
            raise FloatingPointError(f"the loss was not finite at step {bad}")

    def _is_done(self) -> bool:
        over = self._trainer.epochs_are_over or self._out_of_time()
        return over or bool(self._trainer.patience.verdict(self._trainer.recipe))

    def _out_of_time(self) -> bool:
        limit = self._trainer.recipe.train.max_seconds
        return limit is not None and self._elapsed() >= limit

    def _elapsed(self) -> float:
        """Seconds of training, pauses left out, over all trainers of the run."""
        return self._elapsed_before + (self._paused_at or time.monotonic()) - self._started

    def _completion(self) -> str:
        if self._trainer.epochs_are_over:
            return counted(self._trainer.epoch, "epoch")
        waited = self._trainer.patience.verdict(self._trainer.recipe)
        return waited or f"{self._trainer.recipe.train.max_seconds:g} seconds"

    def _now(self) -> dict[str, Any]:
        return {"time": time.time(), "step": self._trainer.step_count}

    def _answer(self, sent: SentCommand, message: str, *, refused: bool = False) -> ev.CommandDone:
        name = sent.command.given if isinstance(sent.command, Unknown) else sent.command.name
        values = {} if isinstance(sent.command, Unknown) else sent.command.values
        return ev.CommandDone(**self._now(), command=name, message=message, id=sent.id, values=values, refused=refused)

    def _finished(self, status: ev.EndStatus, reason: str) -> ev.RunFinished:
        return ev.RunFinished(
            **self._now(),
            status=status,
            reason=reason,
            epoch=self._trainer.epoch,
            checkpoint=self._checkpoints.last,
            images=self._images,
        )

    def _too_large(self) -> str:
        size = self._recipe.train.batch_size
        lacks = f"{device_name(self._device)} has not enough memory for batches of {size:,} images"
        if self._ranks.count > 1:
            return f"{lacks}; fewer, [train] batch_size, or more devices need less of each"
        fits = self._trainer.batch_that_fits()
        if fits is None:
            return f"{lacks}, nor for a single one; a smaller network or smaller images need less"
        return f"{lacks}; {fits:,} fit: --set train.batch_size={fits}"

    def _training_started(self) -> ev.TrainingStarted:
        sets, trainer = self._sets, self._trainer
        parts = {"train": sets.train, "validation": sets.validation, "test": sets.test}
        sizes = {name: len(part.pixels) if part else 0 for name, part in parts.items()}
        return ev.TrainingStarted(
            **self._now(),
            device=device_name(self._device) + (f" and {self._ranks.count - 1} more" if self._ranks.count > 1 else ""),
            threads=self._tuning.threads,
            versions={"vae_tui": vae_tui.__version__, "torch": torch.__version__, "python": platform.python_version()},
            parameter_count=sum(parameter.numel() for parameter in trainer.vae.parameters()),
            data_sizes=sizes,
            image_shape=trainer.vae.image_shape,
            network=trainer.vae.network_name,
            steps_per_epoch=-(-sizes["train"] // self._recipe.train.batch_size),
            loss=trainer.objective.loss_name,
            notes=(
                *self._tuning.notes,
                *(self._waiting.notes if self._follows_others else ()),
                *_notes(self._recipe, sets),
                *self._checkpoints.take_notes(),
            ),
            data_notes=tuple(_data_notes(sets)),
        )


def _data_notes(sets: ImageSets) -> Iterator[str]:
    yield from sets.notes
    if sets.skipped:
        named = ", ".join(sets.skipped[:3]) + (" and more" if len(sets.skipped) > 3 else "")
        several = f"{len(sets.skipped)} broken images were" if len(sets.skipped) > 1 else "a broken image was"
        yield f"{several} left out: {named}"


def _is_logged(epoch: int) -> bool:
    """Whether an epoch is in the log for its number alone: 9,000 of each power of ten, so that quick ones fill no disk."""
    return epoch % int(10 ** max(0, len(str(epoch)) - 4)) == 0


def _notes(recipe: Recipe, sets: ImageSets) -> Iterator[str]:
    if recipe.likelihood.name == "bernoulli":
        pixels = sets.train.pixels[:256]
        if recipe.data.binarize == "none" and bool(((pixels > 0) & (pixels < 255)).any()):
            yield "Bernoulli on grey pixels is a cross-entropy, not a likelihood: compare it only with its like"
