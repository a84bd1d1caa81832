"""What the charts show, in numbers: curves, ranges and ticks; drawn by `widgets.chart`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vae_tui.runs.history import History
from vae_tui.runs.series import Axis, Point
from vae_tui.tui.axes import Range, Ticks, log_ticks, readable_range, round_ticks, ticks_along

SMOOTHINGS = (0.0, 0.3, 0.6, 0.9, 0.97)
AXES: tuple[Axis, ...] = ("step", "epoch", "time")


@dataclass(frozen=True)
class Look:
    """How the user wants charts drawn; `smoothing` is the weight of an exponential moving average's past."""

    axis: Axis = "step"
    log: bool = False
    smoothing: float = 0.6


@dataclass(frozen=True)
class Curve:
    """Points, joined or each with a `marker`; `color` is a meaning, `faint` sets it back, `right` has its own axis."""

    points: Sequence[Point]
    color: str
    faint: bool = False
    right: bool = False
    marker: str | None = None


@dataclass(frozen=True)
class Figure:
    """Curves, drawn in their order, and their axes; `right` is there where a curve has it."""

    curves: Sequence[Curve]
    across: Range
    across_ticks: Ticks
    left: Range
    left_ticks: Ticks
    right: Range | None = None
    right_ticks: Ticks = ((), ())  # type: ignore[assignment]


Draw = Callable[[History, Look, int, int], Figure | None]
"""Makes a figure for a chart of so many columns and rows of cells; None while there is nothing to show."""


def draw_elbo(history: History, look: Look, columns: int, rows: int) -> Figure | None:
    """-ELBO of training, raw and smoothed, and of validation, its best marked."""
    raw, smoothed = _raw_and_smoothed(history, "negative_elbo", look, columns)
    validation = history.validation["negative_elbo"].thin(columns, look.axis, steps_per_epoch=history.steps_per_epoch)
    extent = readable_range([raw, smoothed, validation], least=0.03)
    if extent is None:
        return None
    log = look.log and can_be_log(history)
    scale = math.log10 if log else float
    low, high = (scale(max(end, extent[1] * 1e-6) if log else end) for end in extent)
    best = history.best
    marks = []
    if best is not None and best.negative_elbo is not None:
        x = {"step": best.step, "epoch": best.step / history.steps_per_epoch, "time": best.seconds}[look.axis]
        marks.append(Curve([(x, scale(best.negative_elbo))], "best", marker="◆"))
    curves = [
        Curve(_scaled(raw, scale), "train", faint=bool(smoothed)),
        Curve(_scaled(smoothed, scale), "train"),
        Curve(_scaled(validation, scale), "validation"),
    ]
    if 0 < len(validation) <= columns // 4:
        curves.append(Curve(_scaled(validation, scale), "validation", marker="•"))
    ticks = log_ticks(low, high, _rows_for_ticks(rows)) if log else round_ticks(low, high, _rows_for_ticks(rows))
    across = _across([raw, validation])
    return Figure([*curves, *marks], across, _across_ticks(look.axis, across, columns), (low, high), ticks)


def draw_balance(history: History, look: Look, columns: int, rows: int) -> Figure | None:
    """Distortion on the left axis and rate on the right one, of training.

    Smoothed only: two raw curves would hide each other.
    """
    distortion, rate = (_smoothed_or_raw(history, figure, look, columns) for figure in ("distortion", "rate"))
    left, right = readable_range([distortion], least=0.06), readable_range([rate], least=0.25)
    if left is None or right is None:
        return None
    curves = [Curve(distortion, "distortion"), Curve(rate, "rate", right=True)]
    across = _across([distortion])
    most = _rows_for_ticks(rows)
    return Figure(
        curves,
        across,
        _across_ticks(look.axis, across, columns - 8),
        left,
        round_ticks(*left, most),
        right,
        round_ticks(*right, most),
    )


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
    return 0.0, last or 1.0


def _across_ticks(axis: Axis, across: Range, columns: int) -> Ticks:
    return ticks_along(axis, *across, max(2, columns // 12))


def _rows_for_ticks(rows: int) -> int:
    return max(2, rows // 3)
