from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from vae_tui.runs.about import About
from vae_tui.runs.summary import Summary
from vae_tui.sweep.claims import Standing, State
from vae_tui.sweep.folder import Contents, Job
from vae_tui.sweep.results import (
    RunResult,
    average_seeds,
    figures_of,
    order_for_reading,
    seconds_left,
    show_value,
)
from vae_tui.sweep.search import Search


def result(
    number: int, state: State = "completed", *, epoch: int = 0, took: float = 0.0, **figures: float
) -> RunResult:
    job = Job(number, {"objective.beta": number // 10, "train.seed": number % 10}, f"run-{number}")
    recipe: dict[str, dict[str, Any]] = {"train": {"epochs": 10}}
    summary = Summary(Path(job.run), "completed", False, recipe, About(), started=0.0, updated=took or None)
    return RunResult(job, Standing(state, 1), figures, epoch, summary)


def test_a_mean_over_seeds_has_the_standard_error_of_a_mean() -> None:
    (group,) = average_seeds([result(10, nelbo=100.0), result(11, nelbo=104.0), result(12, nelbo=108.0)])
    assert group.values == {"objective.beta": 1}
    mean = group.means["nelbo"]
    assert (mean.mean, mean.count) == (104.0, 3)
    assert mean.error == pytest.approx(4.0 / math.sqrt(3))


def test_one_run_has_no_standard_error_and_one_without_figures_does_not_count() -> None:
    (group,) = average_seeds([result(10, nelbo=100.0), result(11, "running")])
    assert (group.means["nelbo"].error, group.means["nelbo"].count, len(group.runs)) == (None, 1, 2)


def test_settings_keep_their_order_and_those_of_a_search_have_the_best_first_and_what_was_pruned_last() -> None:
    groups = average_seeds([result(30, nelbo=3.0), result(10, nelbo=2.0), result(20, "pruned", nelbo=1.0)])
    plain = Contents("fc20", {}, ("objective.beta",), ())
    search = Contents("fc20", {}, ("objective.beta",), (), Search(3, {}))
    assert [group.values["objective.beta"] for group in order_for_reading(groups, plain)] == [3, 1, 2]
    assert [group.values["objective.beta"] for group in order_for_reading(groups, search)] == [1, 3, 2]


def test_what_is_left_takes_as_long_as_what_was_completed() -> None:
    runs = [result(10, took=60.0), result(11, "running", epoch=5), result(12, "running"), result(13, "waiting")]
    assert seconds_left(runs) == pytest.approx((60 + 30 + 60) / 2)
    assert seconds_left([result(10, took=60.0), result(11, "waiting")]) is None
    assert seconds_left([result(10, "running")]) is None


def test_figures_that_are_not_known_or_not_finite_are_left_out() -> None:
    assert figures_of({"elbo": -90.0, "rate": None, "distortion": math.inf}) == {"nelbo": 90.0}


def test_values_are_short() -> None:
    assert [show_value(value) for value in (0.00223739011, 1e-3, "relu", [400, 20], 3)] == [
        "0.00223739",
        "0.001",
        "relu",
        "[400, 20]",
        "3",
    ]
