"""A run's checkpoints: written in pairs, pruned to the newest few and the best, restored to the bit."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

import torch
from torch import Tensor

from vae_tui.errors import CheckpointError
from vae_tui.evaluation.averages import TRACKED_WIDTHS
from vae_tui.events import CheckpointSaved, Figures
from vae_tui.model.checkpoint import (
    all_finite,
    encode_checkpoint,
    encode_tensors,
    load_weights,
    read_tensors,
    split_averaged,
)
from vae_tui.runs.best import best_checkpoint, counts_towards_best, is_better
from vae_tui.runs.files import write_whole
from vae_tui.runs.layout import Checkpoint, Run, weights_name
from vae_tui.runs.metadata import read_digest
from vae_tui.training.snapshots import Snapshots, part_reached
from vae_tui.training.trainer import Trainer

_SECONDS_BETWEEN = 1.0


class Measured(TypedDict, total=False):
    """What is known of a checkpoint's step, and recorded in its metadata: nats per image."""

    train: Figures
    validation: Figures
    rate_per_dimension: list[float]


class Checkpoints:
    """Saves what must not be lost: at most once a second, unless forced; the best is never missed.

    Beside them snapshots are kept, as many as the recipe says, for looking back, and averages of the weights likewise.
    """

    def __init__(self, run: Run, trainer: Trainer, about: Mapping[str, Any]) -> None:
        """`about` is what every checkpoint records of its images."""
        self._run, self._trainer, self._keep = run, trainer, trainer.recipe.train.keep
        self._snapshots = Snapshots(run, run.snapshots_path.name, trainer.recipe.train.snapshots, durable=False)
        kept = trainer.recipe.optimizer.ema_snapshots
        self._averages = Snapshots(run, run.averages_path.name, kept, durable=True)
        self._about = dict(about)
        self._best_loss: float | None = None
        self._waiting: tuple[int, int, bytes, bytes | None] | None = None
        """The best weights so far, (step, epoch, file, its state if there is none yet), where they came too soon after the last save."""
        self._measured: tuple[int, Measured] = (-1, {})
        """What was measured last, and the step it is of."""
        self._encoded: tuple[dict[str, Any], bytes] = ({}, b"")
        """The file that was encoded last, by what it says: a snapshot and a checkpoint of one step are the same."""
        self._saved_at = time.monotonic()
        self.last: str | None = None
        """The newest checkpoint's path, relative to the run."""
        self._last_step: int | None = None
        self._notes: list[str] = []
        """What lost its name to a checkpoint and was not told yet."""

    @property
    def are_complete(self) -> bool:
        """Whether all is saved that a run keeps which ends here."""
        step = self._trainer.step_count
        averaged = self._trainer.power_averages is None or (self._run.averages_path / weights_name(step)).exists()
        return self._last_step == step and averaged

    @property
    def age_seconds(self) -> float:
        """Seconds since the last save of this process, or since it began."""
        return time.monotonic() - self._saved_at

    def take_notes(self) -> list[str]:
        """What the user should know of what was in the way of these files since the last call, a sentence each."""
        notes, self._notes = self._notes, []
        return [*notes, *self._snapshots.take_notes(), *self._averages.take_notes()]

    def take_first_snapshot(self) -> None:
        """Keep the weights that training starts from as the first snapshot; those of a run that begins again go."""
        self._snapshots.forget_after(0)
        self._averages.forget_after(0)
        self._take_snapshot({})

    def take_snapshot(self, measured: Measured | None = None) -> None:
        """Keep the weights as they are as a snapshot, and their averages, where they are at a step of which these are kept.

        Those at the end of an epoch are kept once that is validated, with what was `measured`.
        """
        if self._trainer.epoch_is_over == (measured is not None):
            self._take_snapshot(measured)

    def _take_snapshot(self, measured: Measured | None) -> None:
        trainer = self._trainer
        reached = trainer.epoch, trainer.position, len(trainer.images), trainer.recipe.train.batch_size
        part = part_reached(*reached)
        if part is None:
            return
        as_they_are, averaged = self._snapshots.wants(part), trainer.step_count and self._averages.wants(part)
        if not (as_they_are or averaged) or not all_finite(trainer.vae):
            return
        if as_they_are:
            content = self._encode(self._measure() if measured is None else measured)
            self._snapshots.add(part, trainer.step_count, content)
        if averaged:
            self._averages.add(part, trainer.step_count, self._encode_averages())

    def _measure(self) -> Measured:
        """The means over the epoch so far."""
        means = self._trainer.epoch_means()
        if not math.isfinite(means.loss + means.distortion + means.rate):
            return {}
        return {"train": means.figures(), "rate_per_dimension": list(means.rate_per_dimension)}

    def save_if_due(
        self,
        elapsed_seconds: float,
        *,
        measured: Measured | None = None,
        force: bool = False,
    ) -> list[CheckpointSaved]:
        """Save the trainer as it stands, if it is time or with `force`; a validation's figures count towards the best.

        What was measured at a step holds for every later call at that step.
        """
        step = self._trainer.step_count
        if measured is not None:
            self._measured = (step, measured)
        elif self._measured[0] == step:
            measured = self._measured[1]
        measured = measured or {}
        loss = measured["validation"]["loss"] if "validation" in measured else None
        best = is_better(loss, self._best_loss)
        if best:
            self._best_loss = loss
        if not force and self.age_seconds < _SECONDS_BETWEEN:
            if best:
                weights = self._encode(measured)
                # Before the first checkpoint there is no state to go on from, should this process be killed just after it.
                state = None if self.last else self._encode_state(elapsed_seconds, weights)
                self._waiting = (self._trainer.step_count, self._trainer.epoch, weights, state)
            return []
        saved = [] if best else self._save_waiting()
        self._waiting = None
        if force and step and self._trainer.power_averages is not None:
            self._averages.add_last(step, self._encode_averages(is_last=True))
        return [*saved, self._save(elapsed_seconds, measured, best=best)]

    def begin_objective(self) -> None:
        """Have the best begin anew: what is minimised is another from the next step on."""
        step, measured = self._measured
        self._about["objective_since"] = self._trainer.step_count
        self._best_loss, self._measured = None, (step, _without_loss(measured))

    def restore(self, step: int, objective_since: int) -> float:
        """Put the checkpoint of a step and its state into the trainer, and return its seconds of training.

        Where another objective is minimised from that step on, no loss so far counts towards the best.
        Raises CheckpointError where one of them is damaged.
        """
        checkpoint = Checkpoint(step, self._run.path / weights_name(step))
        weights, facts = read_tensors(checkpoint.path)
        state, numbers = read_tensors(checkpoint.state_path)
        plain, ema = split_averaged(weights)
        load_weights(self._trainer.vae, plain, source=checkpoint.path)
        if self._trainer.averaged is not None:
            load_weights(self._trainer.averaged.vae, ema or plain, source=checkpoint.path)
        try:
            self._trainer.restore(state, numbers)
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise CheckpointError(f"{checkpoint.state_path} does not fit this run: {error}") from error
        known = cast(Measured, {name: facts[name] for name in Measured.__annotations__ if name in facts})
        if counts_towards_best(step, objective_since):
            self._best_loss = numbers["best_loss"]
        else:
            known = _without_loss(known)
        self._measured = (checkpoint.step, known)
        self.last, self._last_step = checkpoint.path.name, checkpoint.step
        self._set_aside_after(checkpoint.step)
        self._snapshots.forget_after(checkpoint.step)
        self._averages.forget_after(checkpoint.step)
        return float(numbers["elapsed_seconds"])

    def _save(self, elapsed_seconds: float, measured: Measured, *, best: bool) -> CheckpointSaved:
        if not all_finite(self._trainer.vae):
            raise FloatingPointError(f"a weight was not finite after step {self._trainer.step_count}")
        step, epoch = self._trainer.step_count, self._trainer.epoch
        checkpoint = Checkpoint(step, self._run.path / weights_name(step))
        weights = self._encode(measured)
        # Whoever goes on from here has every snapshot that is kept up to here.
        self._snapshots.write()
        self._averages.write()
        for path in (checkpoint.state_path, checkpoint.path):
            self._make_way(path)
        write_whole(checkpoint.state_path, self._encode_state(elapsed_seconds, weights))
        write_whole(checkpoint.path, weights)
        self._saved_at = time.monotonic()
        self.last, self._last_step = checkpoint.path.name, step
        self._prune()
        return CheckpointSaved(time=time.time(), step=step, epoch=epoch, path=checkpoint.path.name, best=best)

    def _save_waiting(self) -> list[CheckpointSaved]:
        if self._waiting is None:
            return []
        step, epoch, weights, state = self._waiting
        checkpoint = Checkpoint(step, self._run.path / weights_name(step))
        for path, content in ((checkpoint.state_path, state), (checkpoint.path, weights)):
            if content is not None:
                self._make_way(path)
                write_whole(path, content)
        return [CheckpointSaved(time=time.time(), step=step, epoch=epoch, path=checkpoint.path.name, best=True)]

    def _encode(self, measured: Measured) -> bytes:
        trainer = self._trainer
        averaged = trainer.averaged.vae if trainer.averaged else None
        facts = {**self._facts(), **measured}
        known, content = self._encoded
        if facts != known:
            content = encode_checkpoint(trainer.vae, averaged, facts)
            self._encoded = facts, content
        return content

    def _encode_averages(self, *, is_last: bool = False) -> bytes:
        """A checkpoint whose weights are the narrower average, and whose EMA weights are the wider one."""
        assert self._trainer.power_averages is not None, "the recipe keeps some"
        narrow, wide = self._trainer.power_averages.vaes
        facts = {**self._facts(), "ema_widths": list(TRACKED_WIDTHS)}
        return encode_checkpoint(narrow, wide, {**facts, "is_last": True} if is_last else facts)

    def _facts(self) -> dict[str, Any]:
        """What every file says of the step it is of."""
        trainer = self._trainer
        facts = {
            "step": trainer.step_count,
            "epoch": trainer.epoch,
            "epochs_done": trainer.epochs_done,
            **self._about,
        }
        if changes := trainer.script.changes_until(trainer.step_count):
            facts["changes"] = changes
        return facts

    def _encode_state(self, elapsed_seconds: float, weights: bytes) -> bytes:
        tensors: dict[str, Tensor]
        tensors, numbers = self._trainer.state()
        numbers |= {
            "weights_sha256": read_digest(weights),
            "best_loss": self._best_loss,
            "epoch_is_over": self._trainer.epoch_is_over,
            "elapsed_seconds": elapsed_seconds,
            "threads": torch.get_num_threads(),
            "ranks": self._trainer.ranks.count,
            "compiled": self._trainer.compiled,
            "torch": torch.__version__,
        }
        return encode_tensors(tensors, numbers)

    def _set_aside_after(self, step: int) -> None:
        """Take the names of later checkpoints away, which are damaged or no longer wanted: the run comes by there again."""
        moved = []
        for checkpoint in self._run.checkpoints():
            if checkpoint.step > step:
                for path in (checkpoint.state_path, checkpoint.path):
                    with contextlib.suppress(FileNotFoundError):
                        path.rename(_free_name(path))
                        moved.append(path.name)
        if moved:
            self._notes.append(f"{', '.join(moved)}: of later steps, kept under names that end in .set-aside")

    def _make_way(self, path: Path) -> None:
        """Take the name of a folder away that stands where a checkpoint is to be written."""
        if path.is_dir() and not path.is_symlink():
            free = path.rename(_free_name(path))
            self._notes.append(f"a folder stood where {path.name} is saved; it is called {free.name} now")

    def _prune(self) -> None:
        found = self._run.checkpoints()
        kept = {checkpoint.step for checkpoint in found[-self._keep :]}
        best = best_checkpoint(self._run).step
        for checkpoint in found:
            if checkpoint.step not in kept:
                _remove(checkpoint.state_path)
                if checkpoint.step != best:
                    _remove(checkpoint.path)
        for orphan in self._run.path.glob("state-*.safetensors"):
            if not orphan.with_name(orphan.name.replace("state-", "step-")).exists():
                _remove(orphan)


def _without_loss(measured: Measured) -> Measured:
    """What was measured, without losses that are of another objective."""
    kept: dict[str, Any] = dict(measured)
    for split in {"train", "validation"} & kept.keys():
        kept[split] = {**kept[split], "loss": None}
    return cast(Measured, kept)


def _remove(path: Path) -> None:
    """Remove a file; a folder of its name is not ours, and stays."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)


def _free_name(path: Path) -> Path:
    """A name to set a file aside under, which no other has."""
    names = (f"{path.name}.set-aside" + (f"-{number}" if number > 1 else "") for number in itertools.count(1))
    return next(free for free in map(path.with_name, names) if not free.exists())
