"""Along which axis charts are drawn, how much of it, in which scale; and places on it as people type them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from vae_tui import events as ev
from vae_tui.runs.history import History
from vae_tui.tui.curves import specify_balance, specify_elbo, specify_figure
from vae_tui.tui.look import (
    AXES,
    Look,
    after,
    describe_axis,
    panned,
    place_of_step,
    showing,
    step_at,
    stretch_of,
    with_axis,
    zoomed,
)
from vae_tui.tui.typed_place import parse_place

BEGAN = datetime(2026, 11, 26, 14, 0, 0).timestamp()


@pytest.fixture
def history() -> History:
    """1,000 steps in ten epochs, a report each ten steps and ten seconds; the rate falls from 101 to 2."""
    history = History()
    history.add(ev.RunStarted(time=BEGAN, step=0, pid=1, version="0", recipe={"objective": {"beta": 1.0}}))
    history.add(
        ev.TrainingStarted(
            time=BEGAN, step=0, device="cpu", threads=1, versions={}, parameter_count=1, data_sizes={"validation": 1},
            image_shape=(1, 2, 2), network="mlp", steps_per_epoch=100,
        )
    )  # fmt: skip
    for step in range(10, 1001, 10):
        rate = 102.0 - step / 10
        add_report(history, step, {"loss": 200 + rate, "elbo": -200 - rate, "distortion": 200.0, "rate": rate})
    return history


def add_report(history: History, step: int, figures: dict[str, float | None]) -> None:
    history.add(
        ev.StepCompleted(
            time=BEGAN + step, step=step, epoch=1 + step // 100, steps=10, train=figures, beta=1.0, lr=1e-3,
            images_per_second=1.0,
        )
    )  # fmt: skip


def shown(look: Look, history: History) -> tuple[float, float]:
    stretch = stretch_of(look, [history])
    return stretch.low, stretch.high


def test_the_whole_of_each_axis_is_shown(history: History) -> None:
    assert shown(Look("step"), history) == (0, 1000)
    assert shown(Look("epoch"), history) == (0, 10)
    assert shown(Look("time"), history) == (0, 1000)
    assert shown(Look("clock"), history) == (BEGAN + 10, BEGAN + 1000)
    assert shown(Look("rate"), history) == (2, 101)


def test_zooming_in_keeps_the_newest_and_follows_it(history: History) -> None:
    look = zoomed(Look(), [history], 2)
    assert shown(look, history) == (750, 1000)
    add_report(history, 2000, {"loss": 1.0, "elbo": -1.0, "distortion": 1.0, "rate": 0.0})
    assert shown(look, history) == (1500, 2000)


def test_zooming_in_keeps_what_is_pointed_at_where_it_is(history: History) -> None:
    look = zoomed(Look(), [history], 1, about=400.0)
    assert shown(look, history) == (200, 700)
    assert shown(zoomed(look, [history], 1, about=400.0), history) == (300, 550)


def test_zooming_out_again_shows_the_whole(history: History) -> None:
    look = zoomed(zoomed(Look(), [history], 3, about=300.0), [history], -3)
    assert look == Look()


def test_panning_ends_at_the_ends(history: History) -> None:
    look = zoomed(Look(), [history], 2)
    assert shown(panned(look, [history], -0.5), history) == (625, 875)
    far = panned(look, [history], -99.0)
    assert shown(far, history) == (0, 250)
    assert panned(far, [history], 99.0) == look
    assert panned(Look(), [history], -0.5) == Look()


def test_the_time_cursor_takes_what_is_shown_with_it(history: History) -> None:
    look = zoomed(Look(), [history], 2)
    assert shown(showing(look, [history], 100.0), history) == (100, 350)
    assert showing(look, [history], 800.0) == look


def test_another_axis_is_shown_whole(history: History) -> None:
    look = with_axis(zoomed(Look(), [history], 3, about=300.0), "epoch")
    assert shown(look, history) == (0, 10)


def test_a_logarithmic_axis_begins_at_the_first_report_and_zooms_by_its_logarithm(history: History) -> None:
    look = Look(log_across=True)
    stretch = stretch_of(look, [history])
    assert stretch.across == pytest.approx((1.0, 3.0))
    low, high = shown(zoomed(look, [history], 1), history)
    assert (low, high) == pytest.approx((100, 1000))
    assert math.isnan(stretch.place(0.0))


def test_a_clock_has_no_logarithm_and_that_is_shown(history: History) -> None:
    look = Look("clock", log_across=True)
    assert not stretch_of(look, [history]).log
    assert "linear" in describe_axis(look, [history])
    assert describe_axis(Look("epoch", log_across=True), [history]) == "epoch log"
    assert describe_axis(zoomed(Look(), [history], 2), [history]) == "step 750 to 1,000"


@pytest.mark.parametrize("axis", [*AXES, "rate"])
def test_a_step_is_found_again_where_it_lies(history: History, axis: str) -> None:
    assert step_at(history, place_of_step(history, 430, axis), axis) == 430


@pytest.mark.parametrize("axis", [*AXES, "rate"])
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("zoom", [0, 3])
def test_every_chart_is_drawn_along_every_axis(history: History, axis: str, log: bool, zoom: int) -> None:
    look = replace(zoomed(Look(axis, log_across=log, smoothing=0), [history], zoom), at=990)
    for specify in (specify_elbo, specify_balance):
        spec = specify(history, look, 60)
        assert spec is not None
        low, high = spec.across
        assert low < high
        assert max(sum(low - 1e-9 <= x <= high for x, _ in curve.points) for curve in spec.curves) >= 2
        assert spec.cursor is not None
        assert low <= spec.cursor <= high


def test_values_are_ranged_by_what_is_shown(history: History) -> None:
    whole, close = (specify_elbo(history, look, 60) for look in (Look(), zoomed(Look(), [history], 3)))
    assert whole is not None
    assert close is not None
    assert close.left[1] - close.left[0] < (whole.left[1] - whole.left[0]) / 4


def test_what_was_measured_otherwise_is_drawn_along_a_figure_all_the_same(history: History) -> None:
    report: dict[str, float | None] = {"loss": 1.0, "elbo": -1.0, "distortion": 1.0, "rate": 1.0}
    for step in range(1010, 1200, 10):
        history.add(
            ev.StepCompleted(
                time=BEGAN + 10 * step, step=step, epoch=11, steps=10, train=report, beta=1.0, lr=1e-3,
                images_per_second=1.0, cpu_percent=100.0 + step,
            )
        )  # fmt: skip
    spec = specify_figure(history, "cpu_percent", Look("lr"), 60)
    assert spec is not None
    assert [x for x, _ in spec.curves[0].points] == pytest.approx([1e-3] * 19)


def test_axes_come_round_and_after_a_figure_begin_anew() -> None:
    assert [after(AXES, axis) for axis in AXES] == ["epoch", "time", "clock", "step"]
    assert after(AXES, "rate") == "step"


@pytest.mark.parametrize(
    ("text", "axis", "place"),
    [
        ("1,200", "step", 1200.0),
        ("3.5", "epoch", 3.5),
        ("1:20", "time", 80.0),
        ("14:05", "clock", BEGAN + 300),
        ("14:05:30", "clock", BEGAN + 330),
        ("11-25 14:00", "clock", BEGAN - 86_400),
        ("23:00", "clock", BEGAN - 15 * 3600),
        ("12.5", "rate", 12.5),
    ],
)
def test_places_are_typed_as_people_write_them(text: str, axis: str, place: float) -> None:
    assert parse_place(text, axis, BEGAN + 1000) == place


@pytest.mark.parametrize(
    ("text", "axis"),
    [("", "step"), ("x", "time"), ("inf", "step"), ("25:00", "clock"), ("12", "clock"), ("13-40 1:00", "clock")],
)
def test_what_is_no_place_is_refused(text: str, axis: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 whatever it is in
        parse_place(text, axis, BEGAN)


def marks(history: History, look: Look) -> dict[str, Sequence[Any]]:
    spec = specify_elbo(history, look, 60)
    assert spec is not None
    return {curve.sign: [x for x, _ in curve.signed_at] for curve in spec.curves if curve.signed_at}


def test_what_happened_is_marked_at_the_foot(history: History) -> None:
    history.add(ev.CheckpointSaved(time=BEGAN, step=100, epoch=1, path="step-000000100.safetensors", best=False))
    history.add(ev.CommandDone(time=BEGAN + 300, step=300, command="pause", message=""))
    history.add(ev.CommandDone(time=BEGAN + 310, step=300, command="unpause", message=""))
    changed = {"key": "objective.beta", "value": 4.0}
    history.add(ev.CommandDone(time=BEGAN + 400, step=400, command="set", message="", values=changed))
    history.add(ev.NoteAdded(time=BEGAN + 500, step=500, note="all have died", alarm="collapsed"))
    assert marks(history, Look()) == {"'": [100], "=": [300], "^": [400], "!": [500]}
    assert marks(history, zoomed(Look(), [history], 1)) == {"!": [500]}


def test_where_the_loss_was_not_finite_the_curve_has_a_gap_and_a_mark(history: History) -> None:
    for step in (1010, 1020):
        add_report(history, step, {"loss": None, "elbo": None, "distortion": None, "rate": None})
    add_report(history, 1030, {"loss": 200.0, "elbo": -200.0, "distortion": 199.0, "rate": 1.0})
    assert marks(history, Look())["x"] == [1010, 1020]
    spec = specify_elbo(history, Look(smoothing=0), 60)
    assert spec is not None
    assert any(math.isnan(y) for _, y in spec.curves[0].points)


def test_of_many_checkpoints_near_each_other_the_last_is_marked(history: History) -> None:
    for step in range(10, 1001, 10):
        path = f"step-{step:09d}.safetensors"
        history.add(ev.CheckpointSaved(time=BEGAN, step=step, epoch=1, path=path, best=False))
    found = marks(history, Look())["'"]
    assert len(found) <= 16
    assert found[-1] == 1000


def test_the_last_values_stand_at_the_ends_of_their_curves(history: History) -> None:
    spec = specify_balance(history, Look(smoothing=0), 60)
    assert spec is not None
    assert [(curve.name, curve.ending) for curve in spec.curves if curve.ending] == [
        ("distortion", "200.00"),
        ("rate", "2.00"),
    ]
