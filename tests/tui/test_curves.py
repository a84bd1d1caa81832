from typing import Any

import pytest

from vae_tui.runs.history import History
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events
from vae_tui.tui.curves import Look, draw_balance, draw_elbo, smooth


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
    figure = draw_elbo(history, Look(), 60, 15)
    assert figure is not None
    assert history.best is not None
    (best,) = [curve for curve in figure.curves if curve.marker == "◆"]
    assert best.points == [(history.best.step, history.best.negative_elbo)]
    assert figure.across == (0.0, 480.0)


def test_axes_move_all_curves(history: History) -> None:
    figure = draw_elbo(history, Look(axis="epoch"), 60, 15)
    assert figure is not None
    assert figure.across == (0.0, 4.0)
    assert all(0 <= x <= 4 for curve in figure.curves for x, _ in curve.points)


def test_without_smoothing_only_what_was_measured_is_drawn(history: History) -> None:
    figure = draw_elbo(history, Look(smoothing=0), 60, 15)
    assert figure is not None
    assert not any(curve.faint for curve in figure.curves)


def test_a_logarithmic_axis_needs_values_above_zero(history: History) -> None:
    log = draw_elbo(history, Look(log=True), 60, 15)
    assert log is not None
    assert log.left[1] < 4
    history.train["negative_elbo"].append(481, 13.0, -5.0)
    lin = draw_elbo(history, Look(log=True), 60, 15)
    assert lin is not None
    assert lin.left[1] > 100


def test_distortion_and_rate_have_an_axis_each(history: History) -> None:
    figure = draw_balance(history, Look(), 30, 10)
    assert figure is not None
    assert figure.right is not None
    assert [curve.right for curve in figure.curves] == [False, True]
    assert figure.right[0] < 25 < figure.right[1] < figure.left[0]


def test_there_is_no_figure_before_the_first_step() -> None:
    assert draw_elbo(History(), Look(), 60, 15) is None
    assert draw_balance(History(), Look(), 60, 15) is None
