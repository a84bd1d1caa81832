"""Charts drawn by plotext: a specification in, rows of coloured text out.

plotext has one figure, the terminal's, which is cleared and drawn anew each time. It is never shown: what it builds is
returned. Its legend stays unused, as its box takes nine rows of curves that the border of a pane names in none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Never

import numpy as np
import plotext
from numpy.typing import NDArray

from vae_tui.runs.series import Point
from vae_tui.tui.axes import Ruler, rule_across, rule_upwards, rule_upwards_by_decades
from vae_tui.tui.curves import ChartSpec

_Points = NDArray[np.float64]
"""Coordinates (N, 2)."""

BELOW = 2
"""Rows under the curves: the axis and its numbers."""
_NARROWEST = 6
"""Columns of curves."""
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

    @property
    def first(self) -> int:
        """The first column of curves."""
        return self.left.width + 1

    def value_at(self, column: int) -> float | None:
        """What the horizontal axis is at in a column of the chart; None beside it."""
        if not self.first <= column < self.first + self.inside:
            return None
        share = (column - self.first) / max(1, self.inside - 1)
        return self.across.low + share * (self.across.high - self.across.low)


def frame_chart(spec: ChartSpec, columns: int, rows: int) -> Frame | None:
    """Where curves stand; None where beside the numbers of the axes there is no room for them."""
    rule = rule_upwards_by_decades if spec.log else rule_upwards
    left, right = rule(spec.left, rows - BELOW), rule_upwards(spec.right, rows - BELOW) if spec.right else None
    inside = columns - left.width - 1 - (right.width + 1 if right else 0)
    return Frame(rule_across(spec.axis, spec.across, inside), left, right, inside) if inside >= _NARROWEST else None


def draw_chart(spec: ChartSpec, columns: int, rows: int, ink: Ink, *, plain: bool = False) -> str:
    """A chart as lines of text with colours as SGR codes; `plain` draws curves in ASCII characters, one a cell.

    Empty where beside the numbers of the axes there is no room for curves.

    Backgrounds are plotext's own and mean nothing.
    """
    frame = frame_chart(spec, columns, rows)
    if frame is None:
        return ""
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
    for curve in spec.curves:
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
    return str(figure.build().string())


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
