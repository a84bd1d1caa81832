"""What the charts show, in numbers: curves and ranges; drawn by `plotting`."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from vae_tui.runs.history import History
from vae_tui.runs.series import Axis, Point
from vae_tui.tui.axes import Range, readable_range

SMOOTHINGS = (0.0, 0.3, 0.6, 0.9, 0.97)
AXES: tuple[Axis, ...] = ("step", "epoch", "time")
SIGNS = {
    "raw": ".",
    "train": "*",
    "validation": "o",
    "loss": "#",
    "best": "@",
    "distortion": "*",
    "rate": "+",
    "changed": "^",
}
"""What curves are drawn with where only ASCII characters are."""


@dataclass(frozen=True)
class Look:
    """How the user wants charts drawn; `smoothing` is the weight of an exponential moving average's past.

    `at` is the step of the time cursor, None for now.
    """

    axis: Axis = "step"
    log: bool = False
    smoothing: float = 0.6
    at: int | None = None


@dataclass(frozen=True)
class Curve:
    """Points, joined or each with a `marker`; `color` is a meaning or as in CSS, `faint` sets it back, `right` has its own axis.

    `sign` stands for it where only ASCII characters are drawn. A value that is not finite leaves a gap.
    """

    points: Sequence[Point]
    color: str
    sign: str
    faint: bool = False
    right: bool = False
    marker: str | None = None


@dataclass(frozen=True)
class ChartSpec:
    """Curves, drawn in their order, and what their axes must show; `right` is there where a curve has it.

    With `log` values and the left range are log10 of what the axis is labelled with.
    """

    curves: Sequence[Curve]
    axis: Axis
    across: Range
    left: Range
    right: Range | None = None
    log: bool = False


Specify = Callable[[int], ChartSpec | None]
"""What to show in a chart of so many columns; None while there is nothing to show."""


_T = TypeVar("_T")


def after(values: Sequence[_T], value: _T) -> _T:
    """The next of values that come round again."""
    return values[(values.index(value) + 1) % len(values)]


def stamp(history: History, look: Look) -> object:
    """What a chart of a history depends on."""
    points = sum(len(series) for series in (*history.train.values(), *history.validation.values()))
    started = history.started.time if history.started else None
    return id(history), points, history.step, started, look


def specify_elbo(history: History, look: Look, columns: int) -> ChartSpec | None:
    """-ELBO of training, raw and smoothed, and of validation; where another loss is minimised, that too, on the right.

    The best is marked on the curve it is the best of.
    """
    raw, smoothed = _raw_and_smoothed(history, "negative_elbo", look, columns)
    validation = history.validation["negative_elbo"].thin(columns, look.axis, steps_per_epoch=history.steps_per_epoch)
    extent = readable_range([raw, smoothed, validation], least=0.03)
    if extent is None:
        return None
    log = look.log and can_be_log(history)
    scale = math.log10 if log else float
    low, high = (scale(max(end, extent[1] * 1e-6) if log else end) for end in extent)
    curves = [
        Curve(_scaled(raw, scale), "train", SIGNS["raw"], faint=bool(smoothed)),
        Curve(_scaled(smoothed, scale), "train", SIGNS["train"]),
        Curve(_scaled(validation, scale), "validation", SIGNS["validation"]),
    ]
    if 0 < len(validation) <= columns // 4:
        curves.append(Curve(_scaled(validation, scale), "validation", SIGNS["validation"], marker="•"))
    loss = _loss(history, look, columns) if history.loss_name else []
    right = readable_range([loss], least=0.03)
    if right is not None:
        curves.append(Curve(loss, "loss", SIGNS["loss"], right=True))
    best = history.best
    if best is not None:
        height = best.negative_elbo if right is None else best.loss
        x = {"step": best.step, "epoch": best.step / history.steps_per_epoch, "time": best.seconds}[look.axis]
        if height is not None:
            point = x, scale(height) if right is None else height
            curves.append(Curve([point], "best", SIGNS["best"], right=right is not None, marker="◆"))
    curves += _changes(history, look, low)
    curves += _cursor(history, look, (low, high))
    return ChartSpec(curves, look.axis, _across([raw, validation]), (low, high), right, log=log)


def specify_balance(history: History, look: Look, columns: int) -> ChartSpec | None:
    """Distortion on the left axis and rate on the right one, of training.

    Smoothed only: two raw curves would hide each other.
    """
    distortion, rate = (_smoothed_or_raw(history, figure, look, columns) for figure in ("distortion", "rate"))
    left, right = readable_range([distortion], least=0.06), readable_range([rate], least=0.25)
    if left is None or right is None:
        return None
    curves = [
        Curve(distortion, "distortion", SIGNS["distortion"]),
        Curve(rate, "rate", SIGNS["rate"], right=True),
        *_changes(history, look, left[0]),
        *_cursor(history, look, left),
    ]
    return ChartSpec(curves, look.axis, _across([distortion]), left, right)


def specify_figure(history: History, figure: str, look: Look, columns: int) -> ChartSpec | None:
    """Any figure of training by itself, with its last value; that of validation too, where it has one."""
    if figure == "active":
        points = _active(history, look, columns)
    else:
        series = history.train[figure]
        points = series.thin(columns, look.axis, steps_per_epoch=history.steps_per_epoch)
    if figure == "rss_bytes":
        points = [(x, y / 2**30) for x, y in points]
    curves = [Curve(points, "train", SIGNS["train"])]
    if figure in history.validation and len(validation := history.validation[figure]):
        thinned = validation.thin(columns, look.axis, steps_per_epoch=history.steps_per_epoch)
        curves.append(Curve(thinned, "validation", SIGNS["validation"]))
    extent = readable_range([curve.points for curve in curves], least=0.06)
    if extent is None:
        return None
    curves += [*_changes(history, look, extent[0]), *_cursor(history, look, extent)]
    return ChartSpec(curves, look.axis, _across([points]), extent)


def _active(history: History, look: Look, columns: int) -> list[Point]:
    """How many latent dimensions were active at the end of at most so many epochs."""
    steps = history.stops
    chosen = (
        sorted({steps[index * (len(steps) - 1) // max(1, columns - 1)] for index in range(columns)}) if steps else []
    )
    moments = [history.at(step) for step in chosen]
    return [
        (place_of_step(history, moment.step, look.axis), float(moment.active_dimensions))
        for moment in moments
        if moment.rate_per_dimension
    ]


def can_be_log(history: History) -> bool:
    """Whether every value of the chart of -ELBO is above 0."""
    shown = (history.train["negative_elbo"], history.validation["negative_elbo"])
    return all(min(series.values) > 0 for series in shown if len(series))


def smooth(points: Sequence[Point], weight: float, width: float) -> list[Point]:
    """The exponential moving average along points: `weight` is what remains of the past after `width` along x.

    So the same weight smooths a short run and a long one alike, and points far apart hardly at all. The first points do
    not weigh more than their share.
    """
    averaged: list[Point] = []
    total = share = before = 0.0
    for x, y in points:
        kept = weight ** ((x - before) / width) if averaged else 0.0
        total, share, before = kept * total + (1 - weight) * y, kept * share + (1 - weight), x
        averaged.append((x, total / share))
    return averaged


def _changes(history: History, look: Look, height: float) -> list[Curve]:
    """Where settings were changed, at the foot of a chart; nothing where none was."""
    if not history.changes:
        return []
    xs = [place_of_step(history, change.step, look.axis) for change in history.changes]
    return [Curve([(x, height) for x in xs], "changed", SIGNS["changed"], marker="▲")]


def _cursor(history: History, look: Look, extent: Range) -> list[Curve]:
    """A line from foot to head where the time cursor is."""
    if look.at is None:
        return []
    x = place_of_step(history, look.at, look.axis)
    return [Curve([(x, extent[0]), (x, extent[1])], "foreground", "|")]


def place_of_step(history: History, step: int, axis: Axis) -> float:
    """Where a step is along an axis."""
    if axis == "epoch":
        return step / history.steps_per_epoch
    return history.at(step).seconds if axis == "time" else float(step)


def step_at(history: History, x: float, axis: Axis) -> int:
    """The step a run was at where it had come so far along an axis."""
    if axis == "step":
        return round(x)
    if axis == "epoch":
        return round(x * history.steps_per_epoch)
    series = history.train["negative_elbo"]
    index = bisect_right(series.seconds, x)
    return int(series.steps[index - 1]) if index else 0


def _loss(history: History, look: Look, columns: int) -> list[Point]:
    """What is minimised: of validation, by which checkpoints are chosen, or, where there is none, of training."""
    validation = history.validation["loss"]
    if len(validation):
        return validation.thin(columns, look.axis, steps_per_epoch=history.steps_per_epoch)
    return _smoothed_or_raw(history, "loss", look, columns)


def _raw_and_smoothed(history: History, figure: str, look: Look, columns: int) -> tuple[list[Point], list[Point]]:
    """A training figure as it is, and averaged; a braille cell is two dots wide."""
    series, steps_per_epoch = history.train[figure], history.steps_per_epoch
    raw = series.thin(2 * columns, look.axis, steps_per_epoch=steps_per_epoch)
    if not look.smoothing:
        return raw, []
    means = series.column_means(2 * columns, look.axis, steps_per_epoch=steps_per_epoch)
    width = (means[-1][0] - means[0][0]) / (2 * columns) if means else 0.0
    return raw, smooth(means, look.smoothing, width or 1.0)


def _smoothed_or_raw(history: History, figure: str, look: Look, columns: int) -> list[Point]:
    raw, smoothed = _raw_and_smoothed(history, figure, look, columns)
    return smoothed or raw


def _scaled(points: Sequence[Point], scale: Callable[[float], float]) -> list[Point]:
    return [(x, scale(y)) for x, y in points]


def _across(curves: Sequence[Sequence[Point]]) -> Range:
    """From 0 to the last point."""
    last = max((points[-1][0] for points in curves if points), default=0.0)
    return 0.0, last if last > 1e-9 else 1.0
