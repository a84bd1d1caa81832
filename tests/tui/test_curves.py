import math
from dataclasses import replace
from typing import Any

import pytest

from vae_tui.events import CommandDone, StepCompleted
from vae_tui.runs.history import History
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events
from vae_tui.runs.series import Axis
from vae_tui.tui.curves import smooth, specify_balance, specify_elbo
from vae_tui.tui.look import Look


@pytest.fixture
def history(trainer: Any, run: Run) -> History:
    trainer.start()
    trainer.begin()
    for _ in range(4):
        trainer.train_epoch()
    history = History()
    for event in read_events(run.events_path):
        history.add(event)
    return history


def test_smoothing_is_by_distance_not_by_number_of_points() -> None:
    near = smooth([(0.0, 0.0), (1.0, 1.0)], 0.6, 1.0)
    far = smooth([(0.0, 0.0), (100.0, 1.0)], 0.6, 1.0)
    assert near[1][1] == pytest.approx(0.4 / 0.64)
    assert far[1][1] == pytest.approx(1.0)


def test_smoothing_keeps_a_level_curve() -> None:
    assert [y for _, y in smooth([(float(x), 7.0) for x in range(20)], 0.97, 1.0)] == pytest.approx([7.0] * 20)


def test_the_chart_marks_the_best_validation(history: History) -> None:
    spec = specify_elbo(history, Look(), 60)
    assert spec is not None
    assert history.best is not None
    (best,) = [curve for curve in spec.curves if curve.marker == "◆"]
    assert best.points == [(history.best.step, history.best.negative_elbo)]
    assert spec.across == (0.0, 480.0)


def test_another_loss_has_a_curve_and_an_axis_of_its_own_and_the_best_is_marked_on_it(history: History) -> None:
    assert history.training is not None
    history.training = replace(history.training, loss="distortion")
    spec = specify_elbo(history, Look(), 60)
    assert spec is not None
    assert history.best is not None
    (loss,) = [curve for curve in spec.curves if curve.color == "loss"]
    (best,) = [curve for curve in spec.curves if curve.marker == "◆"]
    assert loss.right
    assert best.right
    assert loss.points == history.validation["loss"].points()
    assert best.points == [(history.best.step, history.best.loss)]
    assert spec.right is not None
    assert spec.right[0] <= history.best.loss <= spec.right[1]


def test_axes_move_all_curves(history: History) -> None:
    spec = specify_elbo(history, Look(axis="epoch"), 60)
    assert spec is not None
    assert spec.across == (0.0, 4.0)
    assert all(0 <= x <= 4 for curve in spec.curves for x, _ in curve.points)


def test_without_smoothing_only_what_was_measured_is_drawn(history: History) -> None:
    spec = specify_elbo(history, Look(smoothing=0), 60)
    assert spec is not None
    assert not any(curve.faint for curve in spec.curves)


def test_a_logarithmic_axis_needs_values_above_zero(history: History, run: Run) -> None:
    log = specify_elbo(history, Look(log=True), 60)
    assert log is not None
    assert log.left[1] < 4
    below = [event for event in read_events(run.events_path) if isinstance(event, StepCompleted)][-1]
    history.add(replace(below, step=481, train={**below.train, "elbo": 5.0}))
    lin = specify_elbo(history, Look(log=True), 60)
    assert lin is not None
    assert lin.left[1] > 100


def test_distortion_and_rate_have_an_axis_each(history: History) -> None:
    spec = specify_balance(history, Look(), 30)
    assert spec is not None
    assert spec.right is not None
    assert [curve.right for curve in spec.curves if curve.marker is None] == [False, True]
    assert spec.right[0] < 25 < spec.right[1] < spec.left[0]


@pytest.mark.parametrize(("axis", "x"), [("step", 240.0), ("epoch", 2.0)])
def test_a_change_is_marked_at_the_foot_of_both_charts(history: History, axis: Axis, x: float) -> None:
    changed = {"key": "objective.beta", "value": 4.0, "loss": "distortion + 4 rate"}
    history.add(CommandDone(time=1.0, step=240, command="set", message="", values=changed))
    for specify in (specify_elbo, specify_balance):
        spec = specify(history, Look(axis=axis), 60)
        assert spec is not None
        (mark,) = [curve for curve in spec.curves if curve.color == "changed"]
        assert mark.signed_at == [(x, -math.inf)]


def test_there_is_no_chart_before_the_first_step() -> None:
    assert specify_elbo(History(), Look(), 60) is None
    assert specify_balance(History(), Look(), 60) is None
