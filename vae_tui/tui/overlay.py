"""Several runs over each other, in numbers: curves of one figure, means over seeds with their bands, the rate-distortion plane.

Each run keeps its style, a color, and a letter that stands on its curves, whatever else is shown.
"""

from __future__ import annotations

import math
import string
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from vae_tui.runs.history import History
from vae_tui.runs.series import Along, Axis, Point, Series
from vae_tui.runs.styles import style_of
from vae_tui.tui.axes import Range, readable_range
from vae_tui.tui.chart_spec import ChartSpec, Curve
from vae_tui.tui.curves import along_figure, smooth
from vae_tui.tui.look import FIGURE_AXES, Look, Stretch, stretch_of

_LETTERS = string.ascii_uppercase + string.ascii_lowercase
_LETTERS_ALONG = (0.33, 0.66, 1.0)
"""Where along a curve its letter stands."""
_ISO_LINES = 6
_GREATEST = 1e100
"""Nats beyond it have no place in a plane."""
_TRANSIENT = 0.1
"""The share of a run at its beginning that does not count when a range is chosen."""
_CURVES_IN_FULL, _FEWEST_COLUMNS = 8, 24


@dataclass(frozen=True, eq=False)
class OverlaidRun:
    """A run among others: what it is called, its letter and its color."""

    name: str
    history: History
    letter: str
    color: str


@dataclass(frozen=True)
class OverlaidGroup:
    """Runs that differ in their seeds alone, drawn as one."""

    name: str
    runs: tuple[OverlaidRun, ...]

    @property
    def first(self) -> OverlaidRun:
        """The run whose letter and color the group has."""
        return self.runs[0]


def overlay(names: Sequence[str], histories: Sequence[History]) -> list[OverlaidRun]:
    """Give each run its letter and color."""
    return [
        OverlaidRun(name, history, _LETTERS[index % len(_LETTERS)], style_of(index).color)
        for index, (name, history) in enumerate(zip(names, histories, strict=True))
    ]


def series_of(history: History, figure: str) -> Series:
    """A figure of validation images, where there are some, else of training."""
    validation = history.validation[figure]
    return validation if len(validation) else history.train[figure]


def specify_overlay(
    groups: Sequence[OverlaidGroup],
    figure: str,
    look: Look,
    at: float | None,
    columns: int,
    *,
    among: Sequence[OverlaidGroup] = (),
) -> ChartSpec | None:
    """A curve a run; of a group of several the mean, with the least and the greatest set back. `at` is a cursor, None for now.

    The horizontal axis is as long as that of the groups they are shown `among`, if that is not themselves.
    """
    crowded = len(groups) > _CURVES_IN_FULL
    if crowded:
        # In full they would hide each other, and keep keys waiting.
        columns = max(_FEWEST_COLUMNS, 2 * _CURVES_IN_FULL * columns // len(groups))
    stretch = stretch_of(look, [run.history for group in among or groups for run in group.runs])
    left, right = stretch.across
    curves: list[Curve] = []
    solid: list[list[Point]] = []
    for group in groups:
        drawn = [_points(run.history, figure, look, stretch, columns, means=crowded) for run in group.runs]
        drawn = [points for points in drawn if points]
        if not drawn:
            continue
        color, letter = group.first.color, group.first.letter
        points = drawn[0]
        if len(drawn) > 1:
            points, low, high = mean_and_band(drawn, columns)
            if not points:
                continue  # nowhere along the axis are both finite
            curves += [Curve(low, color, ".", faint=True), Curve(high, color, ".", faint=True)]
        solid.append([(x, y) for x, y in points if left <= x <= right and math.isfinite(y)])
        curves.append(Curve(points, color, letter, signed_at=_along(points)))
    # Each has a beginning of its own that would press all the rest together.
    transient = _TRANSIENT if stretch.whole else 0.0
    extents = [extent for points in solid if (extent := readable_range([points], least=0.03, transient=transient))]
    if not extents:
        return None
    extent = min(low for low, _ in extents), max(high for _, high in extents)
    log = look.log and all(y > 0 for points in solid for _, y in points)
    if log:
        extent = math.log10(max(extent[0], extent[1] * 1e-6)), math.log10(extent[1])
        curves = [replace(curve, points=_logged(curve.points), signed_at=_logged(curve.signed_at)) for curve in curves]
    x = math.nan if at is None or look.axis in FIGURE_AXES else stretch.place(at)
    cursor = x if math.isfinite(x) else None
    return ChartSpec(curves, look.axis, stretch.across, extent, log=log, log_across=stretch.log, cursor=cursor)


def specify_multiple(
    group: OverlaidGroup,
    among: Sequence[OverlaidGroup],
    whole: ChartSpec,
    figure: str,
    look: Look,
    at: float | None,
    columns: int,
) -> ChartSpec | None:
    """One group of several in a chart of its own, on the axes of the chart of the `whole` of them."""
    spec = specify_overlay([group], figure, replace(look, log=whole.log), at, columns, among=among)
    if spec is None:
        return None
    # Alone it needs no letter.
    curves = [replace(curve, signed_at=()) for curve in spec.curves]
    return replace(spec, curves=curves, left=whole.left)


def value_at_cursor(spec: ChartSpec) -> float | None:
    """What the last curve of a chart, which is in full, is at its cursor, or at its end."""
    curve = spec.curves[-1]
    if spec.cursor is None:
        value = curve.points[-1][1]
    else:
        found = _value_at(curve.points, spec.cursor)
        if found is None:
            return None
        value = found
    return 10.0**value if spec.log else value


def specify_plane(groups: Sequence[OverlaidGroup], look: Look, at: float | None, columns: int) -> ChartSpec | None:
    """The rate-distortion plane (Alemi et al. 2018, "Fixing a Broken ELBO"): a path a run, and lines of equal -ELBO."""
    paths: list[tuple[OverlaidRun, list[Point]]] = []
    for run in (run for group in groups for run in group.runs):
        path = _path(run.history, cast("Axis", look.passing), columns, at)
        path = [(x, y) for x, y in path if abs(x) < _GREATEST and abs(y) < _GREATEST]
        if path:
            paths.append((run, path))
    if not paths:
        return None
    # What the first steps did would leave all the rest in a corner.
    settled = [path[len(path) // 4 :] for _, path in paths]
    across = _spread([x for path in settled for x, _ in path])
    upwards = _spread([y for path in settled for _, y in path])
    curves = [Curve(line, "line", "/", faint=False) for line in _iso_lines(across, upwards)]
    for run, path in paths:
        curves.append(Curve(path, run.color, run.letter, signed_at=path[-1:]))
    return ChartSpec(curves, "step", across, upwards)


def iso_labels(spec: ChartSpec) -> str:
    """Which -ELBO the lines of a plane stand for, in nats, from the least to the greatest."""
    lines = [curve for curve in spec.curves if curve.color == "line"]
    return " ".join(f"{line.points[0][0] + line.points[0][1]:.4g}" for line in lines)


def mean_and_band(curves: Sequence[Sequence[Point]], columns: int) -> tuple[list[Point], list[Point], list[Point]]:
    """The mean of curves along x, and the least and greatest beside it, where at least two of them have come so far."""
    last = sorted(points[-1][0] for points in curves)[-2 if len(curves) > 1 else -1]
    first = min(points[0][0] for points in curves)
    count = max(2, columns)
    xs = [first + (last - first) * index / (count - 1) for index in range(count)]
    mean, low, high = [], [], []
    for x in xs:
        found = [_value_at(points, x) for points in curves]
        values = [value for value in found if value is not None and math.isfinite(value)]
        if values:
            mean.append((x, sum(values) / len(values)))
            low.append((x, min(values)))
            high.append((x, max(values)))
    return mean, low, high


def _points(history: History, figure: str, look: Look, stretch: Stretch, columns: int, *, means: bool) -> list[Point]:
    """A curve in so many columns; of validation with its extremes, or, where there are many curves, by its means."""
    if look.axis in FIGURE_AXES:
        return along_figure(history, figure, look, stretch, columns)
    validation, along = history.validation[figure], stretch.along(history)
    if len(validation):
        return validation.column_means(columns, along) if means else validation.thin(columns, along)
    trained = history.train[figure].column_means(columns, along)
    width = (trained[-1][0] - trained[0][0]) / columns if trained else 0.0
    return smooth(trained, look.smoothing, width or 1.0) if look.smoothing else trained


def _path(history: History, axis: Axis, columns: int, at: float | None) -> list[Point]:
    """Rate and distortion of a run over time, up to a cursor."""
    along = Along(axis, history.steps_per_epoch)
    rate, distortion = (series_of(history, figure).column_means(columns, along) for figure in ("rate", "distortion"))
    path = [(x, (nats, other)) for (x, nats), (_, other) in zip(rate, distortion, strict=False)]
    return [point for x, point in path if at is None or x <= at] or [point for _, point in path[:1]]


def _value_at(points: Sequence[Point], x: float) -> float | None:
    """What a curve is at x, between its points; None where it does not reach."""
    index = bisect_right(points, (x, math.inf))
    if index == 0:
        return None
    x0, y0 = points[index - 1]
    if index == len(points):
        return y0 if x - x0 < 1e-6 * max(1.0, abs(x)) else None
    x1, y1 = points[index]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0) if x1 > x0 else y1


def _along(points: Sequence[Point]) -> list[Point]:
    return [points[min(len(points) - 1, round(share * (len(points) - 1)))] for share in _LETTERS_ALONG]


def _logged(points: Sequence[Point]) -> list[Point]:
    return [(x, math.log10(y)) for x, y in points if y > 0]


def _spread(values: Sequence[float]) -> Range:
    low, high = min(values), max(values)
    room = max(0.05 * (high - low), 0.01 * abs(high), 0.1)
    return low - room, high + room


def _iso_lines(across: Range, upwards: Range) -> list[list[Point]]:
    """Where rate and distortion have the same sum, at round numbers of nats."""
    least, greatest = across[0] + upwards[0], across[1] + upwards[1]
    power = 10.0 ** math.floor(math.log10(max(greatest - least, 1e-9) / _ISO_LINES))
    step = next(digit * power for digit in (1, 2, 5, 10) if (greatest - least) / (digit * power) <= _ISO_LINES)
    lines = []
    for index in range(math.ceil(least / step), math.floor(greatest / step) + 1):
        nats = index * step
        left, right = max(across[0], nats - upwards[1]), min(across[1], nats - upwards[0])
        if left < right:
            lines.append([(left, nats - left), (right, nats - right)])
    return lines
