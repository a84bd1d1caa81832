"""Charts drawn by plotext: a specification in, rows of colored characters out.

plotext has one figure, the terminal's, which is cleared and drawn anew each time. It is never shown: what it builds is
returned. Its legend stays unused, as its box takes nine rows of curves that the border of a pane names in none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Never

import numpy as np
import plotext
from numpy.typing import NDArray

from vae_tui.runs.series import Point
from vae_tui.tui.axes import Ruler, rule_across, rule_upwards, rule_upwards_by_decades
from vae_tui.tui.chart_rows import Rows, open_rows
from vae_tui.tui.chart_spec import ChartSpec, Curve

_Points = NDArray[np.float64]
"""Coordinates (N, 2)."""

BELOW = 2
"""Rows under the curves: the axis and its numbers."""
_NARROWEST = 6
"""Columns of curves."""
_GUIDE, _GUIDES_APART = "·", 4
_NEAR = 4
"""How many rows beside the end of a curve its last value may stand, for the sake of an empty place."""
Color = tuple[int, int, int]
Ink = Callable[[str, bool], Color]
"""The colour of a meaning, set back or not."""


class _Marker(plotext.marker):  # type: ignore[misc]
    """A marker that all points of a signal share: else plotext copies it for each."""

    def __copy__(self) -> _Marker:
        return self


class _Signal(type(plotext.figure.signal([], []))):  # type: ignore[misc]
    """A signal whose points are not looked at one by one for their colors as it is drawn."""

    def __iter__(self) -> Iterator[Never]:
        return iter(())


@dataclass(frozen=True)
class Frame:
    """Where the curves of a chart stand: their axes, and how many columns they have, from which on."""

    across: Ruler
    left: Ruler
    right: Ruler | None
    inside: int
    log_across: bool

    @property
    def first(self) -> int:
        """The first column of curves."""
        return self.left.width + 1

    def value_at(self, column: int) -> float | None:
        """What the horizontal axis is at in a column of the chart; None beside it."""
        if not self.first <= column < self.first + self.inside:
            return None
        share = (column - self.first) / max(1, self.inside - 1)
        value = self.across.low + share * (self.across.high - self.across.low)
        return 10.0**value if self.log_across else value

    def column(self, x: float) -> int:
        """The column in which a place along the horizontal axis stands."""
        share = (x - self.across.low) / (self.across.high - self.across.low)
        return self.first + round(_near(share) * (self.inside - 1))

    def row(self, y: float, rows: int, *, right: bool) -> int:
        """The row in which a value stands, of so many rows of curves, counted from the head."""
        ruler = self.right if right and self.right else self.left
        return rows - 1 - math.floor(_near((y - ruler.low) / (ruler.high - ruler.low)) * rows)


def _near(share: float) -> float:
    """A share of an axis, at most its length beside it."""
    return min(2.0, max(-1.0, share))


def frame_chart(spec: ChartSpec, columns: int, rows: int) -> Frame | None:
    """Where curves stand; None where beside the numbers of the axes there is no room for them."""
    rule = rule_upwards_by_decades if spec.log else rule_upwards
    left, right = rule(spec.left, rows - BELOW), rule_upwards(spec.right, rows - BELOW) if spec.right else None
    inside = columns - left.width - 1 - (right.width + 1 if right else 0)
    if inside < _NARROWEST:
        return None
    across = rule_across(spec.axis, spec.across, inside, log=spec.log_across)
    return Frame(across, left, right, inside, spec.log_across)


def draw_chart(spec: ChartSpec, columns: int, rows: int, ink: Ink, *, plain: bool = False) -> Rows | None:
    """A chart as rows of characters and their colors; `plain` draws curves in ASCII characters, named at their ends.

    None where beside the numbers of the axes there is no room for curves.
    """
    drawn = draw_curves(spec, columns, rows, ink, plain=plain)
    if drawn is not None:
        put_readings(drawn, spec, columns, rows, ink, plain=plain)
    return drawn


def draw_curves(spec: ChartSpec, columns: int, rows: int, ink: Ink, *, plain: bool) -> Rows | None:
    """All of a chart but the time cursor and what is read there, as `draw_chart`."""
    frame = frame_chart(spec, columns, rows)
    if frame is None:
        return None
    across, left, right, inside = frame.across, frame.left, frame.right, frame.inside

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear.data()
    figure.clear.settings()
    figure.plot_size(columns, rows)
    faint = ink("faint", False)
    # A corner takes the color of an axis that is not drawn.
    figure.axes(False, pixel=plotext.pixel(faint))
    sides = {curve.right: ink(curve.color, False) for curve in reversed(spec.curves)}
    _put_axis("x", "lower", across, faint)
    _put_axis("y", "left", left, sides[False] if right else faint)
    if right:
        _put_axis("y", "right", right, sides[True])
    faint_cells: list[_Cells] = []
    for curve in spec.curves if plain else _joined(spec.curves):
        upwards = right if curve.right and right else left
        points = _clip(curve.points, across, upwards)
        if not plain and curve.marker is None and (curve.faint or faint_cells):
            cells = _Cells(points, across, upwards, inside, rows - BELOW)
            for below in faint_cells:
                _put(cells.shared(below), " ", faint, right=curve.right, joined=True)
            if curve.faint:
                faint_cells.append(cells)
        sign = curve.sign if plain else curve.marker or "braille"
        _put(points, sign, ink(curve.color, curve.faint), right=curve.right, joined=curve.marker is None)
    drawn = open_rows(str(figure.build().string()))
    if not plain:
        _put_guides(drawn, frame, rows - BELOW, ink("line", False))
    _write_signs(drawn, frame, spec.curves, rows - BELOW, ink, plain=plain)
    return drawn


def put_readings(drawn: Rows, spec: ChartSpec, columns: int, rows: int, ink: Ink, *, plain: bool) -> None:
    """Draw the time cursor over curves, from foot to head, where it hides nothing, and what each curve is there or at its end."""
    frame = frame_chart(spec, columns, rows)
    if frame is None:
        return
    shown = spec.cursor is not None and frame.across.low <= spec.cursor <= frame.across.high
    if shown and spec.cursor is not None:
        column, color = frame.column(spec.cursor), ink("foreground", False)
        for row in range(rows - BELOW):
            if drawn.is_empty(row, column, column + 1, besides=_GUIDE):
                drawn.write(row, column, "|" if plain else "│", color)
    _write_endings(drawn, frame, spec.curves, rows - BELOW, ink, named=plain, at=spec.cursor if shown else None)


def _joined(curves: Sequence[Curve]) -> Iterable[Curve]:
    """Curves of one color as one with gaps: plotext takes as long for a curve as for a hundred points."""
    joined: dict[object, list[Curve]] = {}
    for curve in curves:
        alike = (curve.color, curve.faint, curve.right, curve.marker)
        joined.setdefault(alike if curve.marker is None and not curve.faint else id(curve), []).append(curve)
    for several in joined.values():
        points = list(several[0].points)
        for curve in several[1:]:
            points += [(math.nan, math.nan), *curve.points]
        yield replace(several[0], points=points) if len(several) > 1 else several[0]


def _put_guides(drawn: Rows, frame: Frame, rows: int, color: Color) -> None:
    """Light dots at the height of each number of the left axis, where nothing else is."""
    for tick in frame.left.ticks:
        row = frame.row(tick, rows, right=False)
        if 0 <= row < rows:
            drawn.fill(row, range(frame.first, frame.first + frame.inside, _GUIDES_APART), _GUIDE, color)


def _write_signs(drawn: Rows, frame: Frame, curves: Sequence[Curve], rows: int, ink: Ink, *, plain: bool) -> None:
    for curve in curves:
        sign = curve.sign if plain else curve.marker or curve.sign
        for x, y in curve.signed_at:
            if not math.isnan(y) and frame.across.low <= x <= frame.across.high:
                row = rows - 1 if y == -math.inf else frame.row(y, rows, right=curve.right)
                if 0 <= row < rows:
                    drawn.write(row, frame.column(x), sign, ink(curve.color, False))


def _write_endings(
    drawn: Rows, frame: Frame, curves: Sequence[Curve], rows: int, ink: Ink, *, named: bool, at: float | None
) -> None:
    """What each curve is beside its end or the cursor, above or below it, in an empty place; else it is left out."""
    until = frame.across.high if at is None else at
    for curve in curves:
        text = " ".join(part for part in (curve.name if named else "", curve.ending) if part)
        last = next(((x, y) for x, y in reversed(curve.points) if math.isfinite(y) and x <= until), None)
        if not text or last is None:
            continue
        end = frame.row(last[1], rows, right=curve.right)
        right = frame.first + frame.inside
        column = max(frame.first, min(frame.column(last[0]) + 1, right) - len(text))
        if at is not None:
            beside = frame.column(at) + 2
            column = beside if beside + len(text) <= right else max(frame.first, beside - 3 - len(text))
        near = sorted(range(max(0, end - _NEAR), min(rows, end + _NEAR + 1)), key=lambda row: abs(row - end))
        for row in near:
            if drawn.is_empty(row, column - (at is None), column + len(text), besides=_GUIDE):
                drawn.write(row, column, text, ink(curve.color, False))
                break


def _put_axis(axis: str, side: str, ruler: Ruler, color: Color) -> None:
    plotext.figure.axes(True, axis=axis, side=side)
    placed = plotext.figure.ruler(axis, side)
    placed.lim(ruler.low, ruler.high).ticks(list(ruler.ticks), list(ruler.labels))
    placed.alignment(lim="center" if axis == "x" else "edge").pixel(plotext.pixel(color))


def _put(points: _Points, sign: str, color: Color, *, right: bool, joined: bool) -> None:
    """Draw points with a sign; where they are `joined`, those that are not finite leave gaps."""
    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    if not len(finite):
        return
    xs, ys = points[finite].T.tolist()
    marker = _Marker(sign, plotext.pixel(color))
    signal = plotext.figure.signal(xs, ys, marker=marker, yside="right" if right else "left")
    if joined:
        signal.lines()
        for place in (np.flatnonzero(np.diff(finite) > 1) + 1).tolist():
            signal.line(place, False)
    signal.__class__ = _Signal
    plotext.figure.draw(signal)


def _clip(points: Sequence[Point], across: Ruler, upwards: Ruler) -> _Points:
    """Points, none further outside than an axis is long.

    plotext counts every dot on the way to a point, and ends the process where they are too many.
    """
    low, high = np.array([across.low, upwards.low]), np.array([across.high, upwards.high])
    given = np.array(points, float).reshape(-1, 2)
    near: _Points = np.where(np.isfinite(given), np.clip(given, 2 * low - high, 2 * high - low), np.nan)
    return near


class _Cells:
    """The rows in which a curve passes through each column, the lowest and the highest.

    plotext joins the dots of all curves in a cell, in the color of the last, which would blur a curve over a faint one: so
    cells that both pass through are blanked in between.
    """

    def __init__(self, points: _Points, across: Ruler, upwards: Ruler, columns: int, rows: int) -> None:
        self._corner = np.array([across.low, upwards.low])
        self._cell = np.array([(across.high - across.low) / (columns - 1), (upwards.high - upwards.low) / rows])
        self._lowest, self._highest, self._rows = np.full(columns, rows), np.full(columns, -1), rows
        if not len(points):
            return
        xs, ys = ((points - self._corner) / self._cell).T
        borders = np.arange(1, columns) - 0.5
        crossed = np.flatnonzero((borders > xs[0]) & (borders < xs[-1]))
        at_borders = np.interp(borders[crossed], xs, ys)
        column = np.concatenate([np.floor(xs + 0.5).astype(int), crossed, crossed + 1])
        row = np.concatenate([ys, at_borders, at_borders])
        inside = np.isfinite(row) & (column >= 0) & (column < columns)
        column, row = column[inside], np.clip(np.floor(row[inside]), -1, rows).astype(int)
        np.minimum.at(self._lowest, column, row)
        np.maximum.at(self._highest, column, row)

    def shared(self, other: _Cells) -> _Points:
        """Lines along the cells that both pass through, from middle to middle, with gaps between them."""
        row = np.arange(self._rows)[:, None]
        both = (row >= self._lowest) & (row <= self._highest) & (row >= other._lowest) & (row <= other._highest)
        changes = np.diff(np.pad(both, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        (rows, firsts), ends = np.nonzero(changes > 0), np.nonzero(changes < 0)[1]
        lines = np.full((len(rows), 3, 2), np.nan)
        lines[:, 0, 0], lines[:, 1, 0], lines[:, :2, 1] = firsts, ends - 1, rows[:, None] + 0.5
        middles: _Points = lines.reshape(-1, 2) * self._cell + self._corner
        return middles
