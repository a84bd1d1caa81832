"""What came of a sweep: a row a run, and over the seeds the mean and its standard error."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vae_tui.runs.identity import as_toml
from vae_tui.runs.summary import Summaries, Summary
from vae_tui.sweep.claims import Standing
from vae_tui.sweep.folder import Contents, Job, Sweep

SEED = "train.seed"
_SECONDS_BETWEEN_LISTS = 0.3
FIGURES = ("nelbo", "distortion", "rate", "loss", "active")
"""Of each run, at its best checkpoint: -ELBO, distortion, rate and loss, nats per image, and active latent dimensions."""


@dataclass(frozen=True)
class RunResult:
    """A job, how it stands, and the figures of its run so far, by FIGURES; those that are not known are left out."""

    job: Job
    standing: Standing
    figures: dict[str, float]
    epoch: int = 0
    summary: Summary | None = None


@dataclass(frozen=True)
class Mean:
    """The mean of a figure over `count` runs, and its standard error, which one run alone does not have."""

    mean: float
    error: float | None
    count: int


@dataclass(frozen=True)
class SeedsResult:
    """The runs of one setting, and the mean over them of each figure that one has."""

    values: dict[str, Any]
    runs: tuple[RunResult, ...]
    means: dict[str, Mean]


def read_results(sweep: Sweep, contents: Contents, summaries: Summaries) -> Iterator[list[RunResult]]:
    """How each job stands and what came of it so far; runs are read again only where they have changed.

    The whole list, again and again while runs are read for the first time: figures that are not read yet are left out.
    """
    standings = sweep.claims.standings(job.number for job in contents.jobs)
    found = [RunResult(job, standings[job.number], {}) for job in contents.jobs]
    shown_at = time.monotonic()
    for index, result in enumerate(found):
        run = sweep.run_of(result.job)
        if not result.standing.attempts or not run.has_log:
            continue
        summary = summaries.of(run)
        if summary.sweep == sweep.name:
            figures = figures_at_best(summary)
            found[index] = replace(result, figures=figures, epoch=summary.epoch, summary=summary)
        if time.monotonic() - shown_at > _SECONDS_BETWEEN_LISTS:
            yield list(found)
            shown_at = time.monotonic()
    yield found


def average_seeds(results: Iterable[RunResult]) -> list[SeedsResult]:
    """The runs together that differ in their seeds alone, in the order of the first of each."""
    groups: dict[str, list[RunResult]] = {}
    for result in results:
        groups.setdefault(_without_seed(result.job), []).append(result)
    return [
        SeedsResult(
            {key: value for key, value in members[0].job.values.items() if key != SEED},
            tuple(members),
            _means(members),
        )
        for members in groups.values()
    ]


def show_value(value: object) -> str:
    """A value of a key as tables and figures have it."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else as_toml(value)


def order_for_reading(groups: Sequence[SeedsResult], contents: Contents) -> list[SeedsResult]:
    """Settings in the order they are shown in: as they are given, those of a search the best first."""
    if contents.search is None:
        return list(groups)
    metric, sign = contents.search.metric, -1 if contents.search.direction == "maximize" else 1

    def place(group: SeedsResult) -> tuple[bool, float]:
        pruned = any(run.standing.state != "completed" for run in group.runs)
        return pruned, sign * group.means[metric].mean if metric in group.means else math.inf

    return sorted(groups, key=place)


def _means(runs: Sequence[RunResult]) -> dict[str, Mean]:
    means = {}
    for name in FIGURES:
        values = [run.figures[name] for run in runs if name in run.figures]
        if values:
            error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
            means[name] = Mean(statistics.fmean(values), error, len(values))
    return means


def figures_at_best(summary: Summary) -> dict[str, float]:
    """The figures of a run at its best checkpoint, on validation images where there are some; else of its last epoch."""
    active = {"active": float(summary.active_dimensions)} if summary.rate_per_dimension else {}
    return figures_of(summary.best or summary.validation or summary.train or {}) | active


def figures_of(measured: Mapping[str, float | None]) -> dict[str, float]:
    """Figures as events have them, by the names of FIGURES; those that are not known or not finite are left out."""
    elbo = measured.get("elbo")
    found = {
        "nelbo": None if elbo is None else -elbo,
        **{name: measured.get(name) for name in ("distortion", "rate", "loss")},
    }
    return {name: value for name, value in found.items() if value is not None and math.isfinite(value)}


def _without_seed(job: Job) -> str:
    return json.dumps({key: value for key, value in job.values.items() if key != SEED}, sort_keys=True)


def seconds_left(results: Sequence[RunResult]) -> float | None:
    """About how long the rest takes, in seconds, at the pace of the runs that are completed and as many at once as now.

    None where nothing trains, or nothing is completed yet to go by.
    """
    took = [
        summary.updated - summary.started
        for run in results
        if run.standing.state == "completed" and (summary := run.summary) is not None
        if summary.updated is not None and summary.started is not None
    ]
    at_once = sum(run.standing.state == "running" for run in results)
    if not took or not at_once:
        return None
    mean = statistics.fmean(took)
    waiting = sum(run.standing.state == "waiting" for run in results)
    begun = sum(mean * (1 - min(1.0, _share(run))) for run in results if run.standing.state == "running")
    return (waiting * mean + begun) / at_once


def _share(run: RunResult) -> float:
    epochs = run.summary.recipe.get("train", {}).get("epochs") if run.summary else None
    return run.epoch / epochs if isinstance(epochs, int) and epochs else 0.0
