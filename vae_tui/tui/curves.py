"""What the charts show, in numbers: curves and ranges; drawn by `plotting`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from vae_tui.runs.facts import has_elbo
from vae_tui.runs.history import FIGURES, History, Moment
from vae_tui.runs.series import Point, Series, against
from vae_tui.tui.axes import Range, readable_range
from vae_tui.tui.chart_spec import ChartSpec, Curve
from vae_tui.tui.figure_names import dimension_of
from vae_tui.tui.look import FIGURE_AXES, Look, Stretch, place_of_step, stretch_of
from vae_tui.tui.marks import mark_events
from vae_tui.wording import format_nats, format_percent, format_setting, format_speed

SIGNS = {
    "raw": ".",
    "train": "*",
    "validation": "o",
    "loss": "#",
    "best": "@",
    "distortion": "*",
    "rate": "+",
}
"""What curves are drawn with where only ASCII characters are."""
_NATS = frozenset(FIGURES)
_TRANSIENT = 0.1
"""The share of a run at its beginning that does not count when a range is chosen."""


def stamp(history: History, look: Look) -> object:
    """What a chart of a history depends on."""
    points = sum(len(series) for series in (*history.train.values(), *history.validation.values()))
    marked = len(history.saved), len(history.pauses), len(history.changes), len(history.alarms)
    started = history.started.time if history.started else None
    return id(history), points, marked, history.step, started, look


def specify_elbo(history: History, look: Look, columns: int) -> ChartSpec | None:
    """-ELBO of training, raw and smoothed, and of validation; where another loss is minimised, that too, on the right.

    The best is marked on the curve it is the best of. The loss alone, where another program's trainer reports no more.
    """
    if not has_elbo(history):
        return specify_figure(history, "loss", look, columns)
    reader = _Reader(history, look, columns)
    raw, smoothed = reader.raw_and_smoothed("negative_elbo")
    validation = reader.validation("negative_elbo")
    extent = reader.range_of([raw, smoothed, validation], least=0.03)
    if extent is None:
        return None
    log = look.log and can_be_log(history)
    scale = math.log10 if log else float
    low, high = (scale(max(end, extent[1] * 1e-6) if log else end) for end in extent)
    trained = smoothed or raw
    curves = [
        Curve(_scaled(raw, scale), "train", SIGNS["raw"], faint=bool(smoothed)),
        Curve(_scaled(smoothed, scale), "train", SIGNS["train"]),
    ]
    shown, measured = 1 if smoothed else 0, None if smoothed else history.train["negative_elbo"]
    curves[shown] = reader.ended(curves[shown], "train", trained, "negative_elbo", measured)
    curves.append(Curve(_scaled(validation, scale), "validation", SIGNS["validation"]))
    measured = history.validation["negative_elbo"]
    curves[-1] = reader.ended(curves[-1], "validation", validation, "negative_elbo", measured)
    if 0 < len(validation) <= columns // 4:
        curves.append(Curve(_scaled(validation, scale), "validation", SIGNS["validation"], marker="•"))
    loss = reader.loss() if history.loss_name else []
    right = reader.range_of([loss], least=0.03)
    if right is not None:
        curve, measured = Curve(loss, "loss", SIGNS["loss"], right=True), history.validation["loss"]
        curves.append(reader.ended(curve, "loss", loss, "loss", measured if len(measured) else None))
    best = history.best
    if best is not None:
        height = best.negative_elbo if right is None else best.loss
        x = reader.stretch.place(place_of_step(history, best.step, look.axis))
        if height is not None and math.isfinite(x):
            point = x, scale(height) if right is None else height
            curves.append(Curve([point], "best", SIGNS["best"], right=right is not None, marker="◆"))
    curves += mark_events(history, reader.stretch, columns)
    return reader.spec(curves, (low, high), right, log=log)


def specify_balance(history: History, look: Look, columns: int) -> ChartSpec | None:
    """Distortion on the left axis and rate on the right one, of training.

    Smoothed only: two raw curves would hide each other.
    """
    reader = _Reader(history, look, columns)
    distortion, rate = (reader.smoothed_or_raw(figure) for figure in ("distortion", "rate"))
    left, right = reader.range_of([distortion], least=0.06), reader.range_of([rate], least=0.25)
    if left is None or right is None:
        return None
    curves = [
        reader.ended(Curve(distortion, "distortion", SIGNS["distortion"]), "distortion", distortion, "distortion"),
        reader.ended(Curve(rate, "rate", SIGNS["rate"], right=True), "rate", rate, "rate"),
        *mark_events(history, reader.stretch, columns),
    ]
    return reader.spec(curves, left, right)


def specify_figure(history: History, figure: str, look: Look, columns: int) -> ChartSpec | None:
    """Any figure of training by itself; that of validation too, where it has one."""
    reader = _Reader(history, look, columns)
    dimension = dimension_of(figure)
    if dimension is not None:
        points = reader.of_epochs(lambda moment: moment.rate_per_dimension[dimension])
    elif figure == "active":
        points = reader.of_epochs(lambda moment: float(moment.active_dimensions))
    else:
        points = reader.training(figure) if figure in history.train else []
    if figure.endswith("_bytes"):
        points = [(x, y / 2**30) for x, y in points]
    measured = history.train[figure] if figure in history.train and not figure.endswith("_bytes") else None
    curves = [reader.ended(Curve(points, "train", SIGNS["train"]), "train", points, figure, measured)]
    if figure in history.validation and (validation := reader.validation(figure)):
        curve = Curve(validation, "validation", SIGNS["validation"])
        curves.append(reader.ended(curve, "validation", validation, figure, history.validation[figure]))
    extent = reader.range_of([curve.points for curve in curves], least=0.06)
    if extent is None:
        return None
    curves += mark_events(history, reader.stretch, columns)
    return reader.spec(curves, extent)


def can_be_log(history: History) -> bool:
    """Whether every value of the chart of -ELBO is above 0."""
    shown = (history.train["negative_elbo"], history.validation["negative_elbo"])
    return all(min(series.values) > 0 for series in shown if len(series))


def smooth(points: Sequence[Point], weight: float, width: float) -> list[Point]:
    """The exponential moving average along points: `weight` is what remains of the past after `width` along x.

    So the same weight smooths a short run and a long one alike, and points far apart hardly at all. The first points do
    not weigh more than their share. A gap stays one.
    """
    averaged: list[Point] = []
    total = share = before = 0.0
    for x, y in points:
        if not math.isfinite(y):
            averaged.append((x, y))
            continue
        kept = weight ** ((x - before) / width) if averaged else 0.0
        total, share, before = kept * total + (1 - weight) * y, kept * share + (1 - weight), x
        averaged.append((x, total / share))
    return averaged


def format_figure(figure: str, value: float) -> str:
    """A value of a figure beside its curve."""
    if figure in _NATS:
        return format_nats(value)
    if figure == "images_per_second":
        return format_speed(value)
    if figure.endswith("_percent"):
        return format_percent(value)
    if dimension_of(figure) is not None:
        return format_nats(value)
    return f"{value:.0f}" if figure == "active" else format_setting(value)


def along_figure(history: History, figure: str, look: Look, stretch: Stretch, columns: int) -> list[Point]:
    """A training figure over another one, which is the horizontal axis; smoothed along the run, not along that axis."""
    axis, series = history.train[look.axis], history.train[figure]
    places: Sequence[float] = axis.rows
    if axis.track is not series.track:
        places = [place_of_step(history, step, look.axis) for step in series.track.steps]
    points = against(places, series.rows, columns)
    if look.smoothing:
        xs, ys = (
            smooth([(float(index), point[side]) for index, point in enumerate(points)], look.smoothing, 1.0)
            for side in (0, 1)
        )
        points = [(x, y) for (_, x), (_, y) in zip(xs, ys, strict=True)]
    return _placed(points, stretch)


class _Reader:
    """Reads what a chart of so many columns shows of a run's figures; a braille cell is two dots wide."""

    def __init__(self, history: History, look: Look, columns: int) -> None:
        self._history, self._look, self._columns = history, look, columns
        self.stretch = stretch_of(look, [history])
        self._along = self.stretch.along(history)
        self._over_a_figure = look.axis in FIGURE_AXES

    def training(self, figure: str) -> list[Point]:
        """A figure as it was reported."""
        if self._over_a_figure:
            return along_figure(self._history, figure, replace(self._look, smoothing=0.0), self.stretch, self._columns)
        return self._history.train[figure].thin(self._columns, self._along)

    def validation(self, figure: str) -> list[Point]:
        """A figure of validation."""
        history, series = self._history, self._history.validation[figure]
        if not self._over_a_figure:
            return series.thin(self._columns, self._along)
        axis = self._look.axis
        places = [place_of_step(history, int(step), axis) for step in series.steps]
        return _placed(against(places, series.values, self._columns), self.stretch)

    def raw_and_smoothed(self, figure: str) -> tuple[list[Point], list[Point]]:
        """A training figure as it is, and averaged."""
        columns, look = 2 * self._columns, self._look
        if self._over_a_figure:
            smoothed = along_figure(self._history, figure, look, self.stretch, columns)
            return (smoothed, []) if not look.smoothing else ([], smoothed)
        series = self._history.train[figure]
        raw = series.thin(columns, self._along)
        if not look.smoothing:
            return raw, []
        means = series.column_means(columns, self._along)
        width = (means[-1][0] - means[0][0]) / columns if means else 0.0
        return raw, smooth(means, look.smoothing, width or 1.0)

    def smoothed_or_raw(self, figure: str) -> list[Point]:
        """A training figure, averaged where that is asked for."""
        raw, smoothed = self.raw_and_smoothed(figure)
        return smoothed or raw

    def loss(self) -> list[Point]:
        """What is minimised: of validation, by which checkpoints are chosen, or, where there is none, of training."""
        return self.validation("loss") if len(self._history.validation["loss"]) else self.smoothed_or_raw("loss")

    def of_epochs(self, value: Callable[[Moment], float]) -> list[Point]:
        """What the moments at the ends of at most so many epochs are worth."""
        history, steps = self._history, self._history.stops
        count = min(len(steps), max(2, self._columns))
        chosen = sorted({steps[index * (len(steps) - 1) // max(1, count - 1)] for index in range(count)})
        moments = [moment for step in chosen if (moment := history.at(step)).rate_per_dimension]
        places = [place_of_step(history, moment.step, self._look.axis) for moment in moments]
        return _placed([(x, value(moment)) for x, moment in zip(places, moments, strict=True)], self.stretch)

    def range_of(self, curves: Sequence[Sequence[Point]], *, least: float) -> Range | None:
        """The range of values of what is shown, without the first steep fall of a run."""
        low, high = self.stretch.across
        shown = [[(x, y) for x, y in points if low <= x <= high] for points in curves]
        begins = self.stretch.whole and not self._over_a_figure
        return readable_range(shown if any(shown) else curves, least=least, transient=_TRANSIENT if begins else 0.0)

    def ended(
        self, curve: Curve, name: str, points: Sequence[Point], figure: str, measured: Series | None = None
    ) -> Curve:
        """A curve with its name and what it is at the time cursor, else at its end.

        `points` are as they were measured, or smoothed. Where `measured` is what they were taken from, the cursor reads that.
        """
        cursor, at = self.cursor, self._look.at
        if self._over_a_figure and cursor is not None:
            return curve
        if measured is not None and cursor is not None and at is not None:
            exact = measured.at(at)
            shown = [] if exact is None else [exact]
        else:
            shown = [y for x, y in points if math.isfinite(y) and (cursor is None or x <= cursor)]
        return replace(curve, name=name, ending=format_figure(figure, shown[-1])) if shown else curve

    @property
    def cursor(self) -> float | None:
        """Where the time cursor is in the chart."""
        at = self._look.at
        x = math.nan if at is None else self.stretch.place(place_of_step(self._history, at, self.stretch.axis))
        return x if math.isfinite(x) else None

    def spec(self, curves: Sequence[Curve], left: Range, right: Range | None = None, *, log: bool = False) -> ChartSpec:
        """Curves with their axes."""
        stretch = self.stretch
        return ChartSpec(
            curves, stretch.axis, stretch.across, left, right, log=log, log_across=stretch.log, cursor=self.cursor
        )


def _placed(points: Sequence[Point], stretch: Stretch) -> list[Point]:
    return [(place, y) for x, y in points if math.isfinite(place := stretch.place(x))]


def _scaled(points: Sequence[Point], scale: Callable[[float], float]) -> list[Point]:
    return [(x, scale(y)) for x, y in points]
