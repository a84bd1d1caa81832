"""A chart: axes by plotext, curves in braille, in the colours of the theme."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget
from textual_plotext import Plot

from vae_tui.runs.history import History
from vae_tui.tui.axes import Ticks
from vae_tui.tui.braille import cell_of, trace
from vae_tui.tui.colors import rgb
from vae_tui.tui.curves import Curve, Draw, Figure, Look
from vae_tui.tui.wording import MISSING

_BELOW = 2
"""Rows under the curves: the axis and its numbers."""


class Chart(Widget):
    """Draws what `draw` makes of a history, again only when that, the size or the theme changed."""

    def __init__(self, draw: Draw, *, id: str) -> None:
        super().__init__(id=id)
        self._draw, self._plot = draw, Plot()
        self._history: History | None = None
        self._look = Look()
        self._shown: object = None
        self._drawn: object = None
        self._strips: list[Strip] = []

    def show(self, history: History, look: Look) -> None:
        """Draw the history anew, if anything in it or in the look changed since it was last drawn."""
        points = sum(len(series) for series in (*history.train.values(), *history.validation.values()))
        attempt = history.started.time if history.started else None
        stamp = (id(history), points, history.step, attempt, look)
        if stamp != self._shown:
            self._shown, self._history, self._look = stamp, history, look
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """A row of cells."""
        stamp = (self._shown, self.size, self.rich_style, self.app.theme)
        if stamp != self._drawn:
            self._drawn, self._strips = stamp, self._draw_strips(self.size, self.rich_style)
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def _draw_strips(self, size: Size, base: Style) -> list[Strip]:
        width, height = size
        if width < 16 or height < 3 + _BELOW:
            return []
        figure = self._draw(self._history, self._look, width, height - _BELOW) if self._history else None
        if figure is None:
            return [Strip([Segment(MISSING.center(width), base + Style(dim=True))], width)]
        left, right = _width(figure.left_ticks), _width(figure.right_ticks)
        columns = width - left - 1 - (right + 1 if figure.right else 0)
        faint = self._style(base, "faint")
        styles = [self._style(base, curve.color, faint=curve.faint) for curve in figure.curves]
        sides = {curve.right: style for curve, style in zip(figure.curves, styles, strict=True)}
        before, after = (sides[False], sides[True]) if figure.right else (faint, faint)
        codes, owners = _trace_all(figure, columns, height - _BELOW)
        strips = []
        for row, frame in enumerate(self._plot_frame(figure, size)):
            if row >= height - _BELOW:
                strips.append(Strip([Segment(frame, faint)], width))
                continue
            segments = [Segment(frame[:left], before), Segment(frame[left], faint)]
            changes = (np.flatnonzero(np.diff(owners[row])) + 1).tolist()
            for start, end in zip([0, *changes], [*changes, columns], strict=True):
                owner = int(owners[row, start])
                text = "".join(map(chr, codes[row, start:end])) if owner else " " * (end - start)
                segments.append(Segment(text, styles[owner - 1] if owner else base))
            if figure.right:
                end = left + 1 + columns
                segments += [Segment(frame[end], faint), Segment(frame[end + 1 :], after)]
            strips.append(Strip(segments, width))
        return strips

    def _plot_frame(self, figure: Figure, size: Size) -> list[str]:
        """The rows of a chart with axes and ticks, but no curves."""
        plot = self._plot
        plot.clear_figure()
        plot.theme("clear")
        plot.plotsize(*size)
        # plotsize alone stays within what plotext takes for the size of the terminal.
        plot._set_size(*size)
        plot.xaxes(True, False)
        plot.yaxes(True, figure.right is not None)
        plot.xlim(*figure.across)
        plot.xticks(*figure.across_ticks)
        # plotext draws an axis only where something stands against it.
        plot.ylim(*figure.left, yside=1)
        plot.yticks(*figure.left_ticks, yside=1)
        plot.scatter([figure.across[0]], [figure.left[0]], marker=" ", yside="left")
        if figure.right is not None:
            plot.ylim(*figure.right, yside=2)
            plot.yticks(*figure.right_ticks, yside=2)
            plot.scatter([figure.across[0]], [figure.right[0]], marker=" ", yside="right")
        return [line.ljust(size.width) for line in Plot.uncolorize(plot.build()).splitlines()[: size.height]]

    def _style(self, base: Style, color: str, *, faint: bool = False) -> Style:
        shade = rgb(self.app.theme_variables, color, towards="background", share=0.68 if faint else 0.0)
        return base + Style(color=Color.from_rgb(*shade))


def _trace_all(figure: Figure, columns: int, rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The character in each cell (rows, columns), and which curve's it is, counted from 1; 0 where there is none."""
    codes, owners = np.zeros((rows, columns), np.int64), np.zeros((rows, columns), np.int64)
    for number, curve in enumerate(figure.curves, start=1):
        upwards = figure.right if curve.right and figure.right else figure.left
        if not curve.points or columns < 2:
            continue
        if curve.marker is None:
            drawn = trace(curve.points, figure.across, upwards, columns, rows)
        else:
            drawn = _mark(curve, curve.marker, figure.across, upwards, columns, rows)
        codes, owners = np.where(drawn > 0, drawn, codes), np.where(drawn > 0, number, owners)
    return codes, owners


def _mark(
    curve: Curve, marker: str, across: tuple[float, float], upwards: tuple[float, float], columns: int, rows: int
) -> NDArray[np.int64]:
    """The cells in which a curve's marks stand, where their dots would be."""
    codes = np.zeros((rows, columns), np.int64)
    for x, y in curve.points:
        column, row = cell_of(x, across, columns, 2), rows - 1 - cell_of(y, upwards, rows, 4)
        if 0 <= row < rows and 0 <= column < columns:
            codes[row, column] = ord(marker)
    return codes


def _width(ticks: Ticks) -> int:
    return max(map(len, ticks[1]), default=0)
