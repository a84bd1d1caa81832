"""How the user wants charts drawn, and where that puts what happened: along which axis, how much of it, in which scale."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar, cast

from vae_tui.runs.history import History
from vae_tui.runs.series import Along, Axis
from vae_tui.tui.axes import Range
from vae_tui.wording import format_clock, format_setting

SMOOTHINGS = (0.0, 0.3, 0.6, 0.9, 0.97)
AXES: tuple[Axis, ...] = ("step", "epoch", "time", "clock")
FIGURE_AXES = {
    "rate": "rate",
    "distortion": "distortion",
    "negative_elbo": "−ELBO",
    "loss": "loss",
    "beta": "beta",
    "lr": "learning rate",
    "gradient_norm": "gradient norm",
    "images_per_second": "images/s",
}
"""The figures that a horizontal axis can be, and what they are called."""
_NEARLY = 1e-9
_GREATEST = 1e290
"""What is beyond it has no place on an axis: sums must still be numbers."""
_CLOSEST = 12
"""How often a stretch can be halved: a 4,096th of the whole."""


@dataclass(frozen=True)
class Look:
    """How the user wants charts drawn; `smoothing` is the weight of an exponential moving average's past.

    `axis` is what has passed, one of AXES, or a figure, one of FIGURE_AXES. `at` is the step of the time cursor, None for
    now. A stretch of the axis is shown, its whole halved `zoom` times, up to `until`; None is the newest, and moves on.
    """

    axis: str = "step"
    log: bool = False
    log_across: bool = False
    smoothing: float = 0.6
    at: int | None = None
    zoom: int = 0
    until: float | None = None

    @property
    def passing(self) -> str:
        """What has passed: the horizontal axis, or steps where that is a figure."""
        return self.axis if self.axis in AXES else "step"

    @property
    def axis_name(self) -> str:
        """What the horizontal axis is called."""
        return FIGURE_AXES.get(self.axis, self.axis)


_T = TypeVar("_T")


def after(values: Sequence[_T], value: _T) -> _T:
    """The next of values that come round again; the first after one that is none of them."""
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]


def with_axis(look: Look, axis: str) -> Look:
    """Along another axis, the whole of it."""
    return replace(look, axis=axis, zoom=0, until=None)


# Where things lie on the axis


def place_of_step(history: History, step: int, axis: str) -> float:
    """Where a step is along an axis; NaN where the figure that is the axis had no value."""
    if axis == "step":
        return float(step)
    if axis == "epoch":
        return step / history.steps_per_epoch
    if axis == "time":
        return history.seconds_at(step)
    if axis == "clock":
        return history.time_at(step)
    value = history.at(step).train.get(axis)
    return math.nan if value is None else value


def step_at(history: History, x: float, axis: str) -> int:
    """The step a run was at where it had come so far along an axis; the nearest one where the axis is a figure."""
    if axis == "step":
        return round(x)
    if axis == "epoch":
        return round(x * history.steps_per_epoch)
    if axis in FIGURE_AXES:
        series = history.train[axis]
        nearest = min(range(len(series)), key=lambda index: abs(series.values[index] - x), default=None)
        return 0 if nearest is None else int(series.steps[nearest])
    series = history.train["negative_elbo"]
    index = bisect_right(series.seconds if axis == "time" else series.times, x)
    return int(series.steps[index - 1]) if index else 0


def whole_of(history: History, axis: str) -> Range:
    """From where to where a run goes along an axis."""
    if axis == "clock":
        return history.times
    if axis in FIGURE_AXES:
        values = [value for value in history.train[axis].values if abs(value) < _GREATEST]
        return (min(values), max(values)) if values else (0.0, 0.0)
    return 0.0, place_of_step(history, history.step, axis)


def whole_of_all(histories: Sequence[History], axis: str) -> Range:
    """From where to where runs go along an axis, the one with the other."""
    wholes = [whole for history in histories if (whole := whole_of(history, axis)) != (0.0, 0.0)]
    return min((low for low, _ in wholes), default=0.0), max((high for _, high in wholes), default=0.0)


# What is shown of it


@dataclass(frozen=True)
class Stretch:
    """What is shown of an axis: `low` to `high` as they are on it, and whether a chart has their logarithms."""

    axis: str
    low: float
    high: float
    log: bool
    whole: bool

    def place(self, x: float) -> float:
        """Where in a chart x is: itself, or its decimal logarithm; NaN where it has none."""
        if not self.log:
            return x
        return math.log10(x) if x > 0 else math.nan

    @property
    def across(self) -> Range:
        """What a chart shows, from left to right."""
        return self.place(self.low), self.place(self.high)

    def along(self, history: History) -> Along:
        """What the points of a run are placed along."""
        ends = (-math.inf, math.inf) if self.whole else (self.low, self.high)
        return Along(cast("Axis", self.axis), history.steps_per_epoch, self.log, *ends)


def stretch_of(look: Look, histories: Sequence[History]) -> Stretch:
    """What runs show of the axis."""
    low, high = whole_of_all(histories, look.axis)
    least = min((least for history in histories if (least := _least(history, look.axis)) > 0), default=0.0)
    log = look.log_across and look.axis != "clock" and 0 < least < high and (look.axis in AXES or low > 0)
    low = least if log else low
    to, back = (math.log10, lambda x: 10.0**x) if log else (float, float)
    low, high = to(low), to(high)
    if high - low <= 1e-9 * max(1.0, abs(high)):
        room = 1.0 if look.axis not in FIGURE_AXES else max(abs(high) / 10, 1e-9)
        low, high = low if look.axis in AXES and not log else low - room, low + room
    end = high if look.until is None else min(high, to(max(look.until, back(low))))
    width = (high - low) / 2**look.zoom
    start = max(low, min(end, high) - width)
    return Stretch(look.axis, back(start), back(start + width), log, whole=look.zoom == 0)


def zoomed(look: Look, histories: Sequence[History], by: int, about: float | None = None) -> Look:
    """Show half as much, or with `by` -1 twice as much; what is at `about` stays where it is, else the newest.

    Where the axis is a figure, the newest is the value of the first run's.
    """
    zoom = min(_CLOSEST, max(0, look.zoom + by))
    if zoom == 0 or not any(history.train["loss"].rows for history in histories):
        return replace(look, zoom=0, until=None)
    now = stretch_of(look, histories)
    if about is None and look.axis in FIGURE_AXES:
        about = place_of_step(histories[0], histories[0].step, look.axis)
    low, high = now.across
    share = 1.0 if about is None else (now.place(about) - low) / (high - low)
    if not -_NEARLY <= share <= 1 + _NEARLY:
        share = 1.0
    width = (high - low) * 2.0 ** (look.zoom - zoom)
    return _until(replace(look, zoom=zoom), histories, now, low + share * (high - low) + (1 - share) * width)


def panned(look: Look, histories: Sequence[History], by: float) -> Look:
    """Show what lies further left or right, `by` a share of what is shown."""
    now = stretch_of(look, histories)
    low, high = now.across
    return _until(look, histories, now, high + by * (high - low)) if look.zoom else look


def showing(look: Look, histories: Sequence[History], x: float) -> Look:
    """Pan so far that x is shown."""
    now = stretch_of(look, histories)
    if now.low <= x <= now.high or not look.zoom or not math.isfinite(now.place(x)):
        return look
    (low, high), place = now.across, now.place(x)
    return _until(look, histories, now, place if place > high else place + high - low)


def _until(look: Look, histories: Sequence[History], now: Stretch, end: float) -> Look:
    """Show what ends at a place of a chart, or near it where the axis ends sooner."""
    whole = stretch_of(replace(look, zoom=0, until=None), histories)
    low, high = whole.across
    if end >= high - 1e-9 * max(1.0, abs(high)):
        return replace(look, until=None)
    end = max(end, low + (high - low) / 2**look.zoom)
    return replace(look, until=10.0**end if now.log else end)


def _least(history: History, axis: str) -> float:
    """The least place above 0 of a run along an axis, 0 where there is none."""
    if axis in FIGURE_AXES:
        return min((value for value in history.train[axis].values if value > 0), default=0.0)
    series = history.train["loss"]
    places = series.seconds if axis == "time" else series.times if axis == "clock" else series.steps
    least = next((place for place in places if place > 0), 0)
    return least / history.steps_per_epoch if axis == "epoch" else float(least)


# What it is called


def format_place(x: float, axis: str) -> str:
    """A place along an axis, as a person reads it."""
    if axis == "clock":
        return format_time_of_day(x)
    if axis == "time":
        return format_clock(x)
    return f"{x:,.0f}" if axis == "step" else f"{x:,.2f}".removesuffix(".00") if axis == "epoch" else format_setting(x)


def describe_axis(look: Look, histories: Sequence[History]) -> str:
    """The horizontal axis, its scale where that is not linear, and what is shown of it."""
    stretch = stretch_of(look, histories)
    scale = " log" if stretch.log else " (linear, for not all are > 0)" if look.log_across else ""
    shown = f" {format_place(stretch.low, look.axis)} to {format_place(stretch.high, look.axis)}" if look.zoom else ""
    return f"{look.axis_name}{scale}{shown}"


def format_time_of_day(time: float) -> str:
    """Unix seconds as a date and time of day where one is: 11-26 14:05:10."""
    return f"{datetime.fromtimestamp(time).astimezone():%m-%d %H:%M:%S}"
