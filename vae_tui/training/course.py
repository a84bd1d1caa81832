"""The course of a training run: epochs, steps and validations, which all ranks run side by side.

Every rank runs this same code (SPMD) and comes to the same weights and figures. Rank 0 alone has a clock, commands and
files: it acts at the milestones, and asks for a halt. What is decided at a meeting is broadcast: whether to halt, and
after how many steps to meet again, so that a step costs the ranks no message but its gradients.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from enum import Enum, auto
from typing import Literal

from vae_tui.evaluation.elbo import Elbo
from vae_tui.recipe import Change
from vae_tui.training.ranks import Halt, Plan
from vae_tui.training.trainer import Trainer

_SECONDS_BETWEEN_MEETINGS = 0.05


class Milestone(Enum):
    """Where rank 0 may act."""

    EPOCH_BEGUN = auto()
    MEETING = auto()
    """Before the next step: the time for commands, and for `request_halt`."""
    CHANGED = auto()
    """The recipe is another from the next step on: `changes` says in what."""
    STEPPED = auto()
    EPOCH_TRAINED = auto()
    """All steps of the epoch are taken, or as many as there was time for; nothing is validated yet."""
    EPOCH_VALIDATED = auto()
    """`validation` is known; `request_halt` ends the run here."""


class Course:
    """The way of one trainer from where it is to the end of its run."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer, self._ranks = trainer, trainer.ranks
        self._wanted: Halt = "none"
        self._wanted_changes: list[Change] = []
        self.changes: list[Change] = []
        """Those made last."""
        self._meet_at = trainer.step_count
        self._met_at = time.monotonic(), trainer.step_count
        self.validation: Elbo | None = None
        """Of the epoch validated last; None where there is no validation split."""

    def request_halt(self, halt: Literal["now", "after validation"]) -> None:
        """End the run at the next milestone that is agreed on: before the next step, or with one more validation."""
        self._wanted = halt

    def request_change(self, change: Change) -> None:
        """Change the recipe of every rank at the next meeting."""
        self._wanted_changes.append(change)

    def milestones(self) -> Iterator[Milestone]:
        """Train to the end of the recipe's epochs or to a halt, stopping at every milestone."""
        trainer = self._trainer
        while not trainer.epochs_are_over:
            if trainer.epoch_is_over:
                trainer.begin_epoch()
                yield Milestone.EPOCH_BEGUN
            halt = yield from self._take_steps()
            if halt == "now":
                return
            yield Milestone.EPOCH_TRAINED
            self.validation = trainer.validate()
            yield Milestone.EPOCH_VALIDATED
            if halt == "after validation" or self._agree(0) != "none":
                return

    def _take_steps(self) -> Generator[Milestone, None, Halt]:
        """Step to the end of the epoch, or to a halt, which is returned."""
        while not self._trainer.epoch_is_over:
            if self._trainer.step_count >= self._meet_at:
                yield Milestone.MEETING
                if (halt := self._agree(self._steps_to_next_meeting())) != "none":
                    return halt
            if self._trainer.change_is_due:
                self.changes = self._trainer.make_changes()
                yield Milestone.CHANGED
            self._trainer.step()
            yield Milestone.STEPPED
        return "none"

    def _agree(self, steps: int) -> Halt:
        """What rank 0 decided; the next meeting is so many of its steps away."""
        changes, self._wanted_changes = tuple(self._wanted_changes), []
        plan = self._ranks.agree_on(Plan(self._wanted, self._trainer.step_count + steps, changes))
        for change in plan.changes:
            self._trainer.add_change(change)
        self._meet_at = plan.meet_at
        return plan.halt

    def _steps_to_next_meeting(self) -> int:
        """One process meets nobody, and looks before every step; several meet about twenty times a second."""
        if self._ranks.count == 1:
            return 1
        now, steps = time.monotonic(), self._trainer.step_count
        since, step = self._met_at
        self._met_at = now, steps
        passed = now - since
        fitting = round((steps - step) * _SECONDS_BETWEEN_MEETINGS / passed) if passed > 0 else 1
        # Never many more than the last time, so that a stretch of quick steps does not keep a command waiting.
        return max(1, min(fitting, 2 * max(1, steps - step)))
