"""The course that every rank runs: when ranks meet, and where it ends."""

from __future__ import annotations

from typing import Any

import pytest

from vae_tui.training.course import Course, Milestone
from vae_tui.training.ranks import Plan


class CountingRanks:
    """Two ranks whose rank 0 is this one; `plans` is what was agreed on."""

    count = 2

    def __init__(self) -> None:
        self.plans: list[Plan] = []

    def agree_on(self, plan: Plan) -> Plan:
        self.plans.append(plan)
        return plan


class CountingTrainer:
    """Takes `epochs` of `steps` steps that do nothing."""

    change_is_due = False

    def __init__(self, ranks: Any, *, epochs: int, steps: int) -> None:
        self.ranks = ranks
        self._epochs = epochs
        self.steps, self.position = steps, steps
        self.epoch = self.step_count = self.validations = 0

    @property
    def epoch_is_over(self) -> bool:
        return self.position >= self.steps

    @property
    def epochs_are_over(self) -> bool:
        return self.epoch >= self._epochs and self.epoch_is_over

    def begin_epoch(self) -> None:
        self.epoch, self.position = self.epoch + 1, 0

    def step(self) -> None:
        self.step_count, self.position = self.step_count + 1, self.position + 1

    def validate(self) -> None:
        self.validations += 1


def course_of(trainer: CountingTrainer) -> Course:
    return Course(trainer)  # type: ignore[arg-type]


def test_ranks_meet_by_the_clock_and_not_at_every_step() -> None:
    ranks = CountingRanks()
    trainer = CountingTrainer(ranks, epochs=1, steps=20_000)
    assert list(course_of(trainer).milestones())[-1] is Milestone.EPOCH_VALIDATED
    assert trainer.step_count == 20_000
    assert len(ranks.plans) < 2_000
    steps = [plan.meet_at for plan in ranks.plans[:-1]]
    assert steps == sorted(set(steps)), "each meeting is later than the one before"


@pytest.mark.parametrize(("halt", "validations"), [("now", 0), ("after validation", 1)])
def test_a_halt_ends_the_course_at_the_next_meeting(halt: Any, validations: int) -> None:
    trainer = CountingTrainer(CountingRanks(), epochs=3, steps=20_000)
    course = course_of(trainer)
    for milestone in course.milestones():
        if milestone is Milestone.MEETING and trainer.step_count:
            course.request_halt(halt)
    assert 0 < trainer.step_count < 20_000
    assert (trainer.epoch, trainer.validations) == (1, validations)


def test_a_halt_requested_once_an_epoch_is_validated_ends_it_there() -> None:
    trainer = CountingTrainer(CountingRanks(), epochs=3, steps=10)
    course = course_of(trainer)
    for milestone in course.milestones():
        if milestone is Milestone.EPOCH_VALIDATED:
            course.request_halt("now")
    assert (trainer.step_count, trainer.validations) == (10, 1)
