"""Codes in a plane, coloured by class, with a cursor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.events import Click, Leave, MouseMove
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from vae_tui.imaging.terminal import Colors
from vae_tui.text import printable
from vae_tui.tui.axes import mark_rounds
from vae_tui.tui.colors import rgb
from vae_tui.tui.widgets.scatter_cells import Cells, count_cells
from vae_tui.tui.widgets.scatter_inks import OTHER_SIGN, Inks, sign_of
from vae_tui.tui.widgets.scatter_legend import Entry, lay_out_legend
from vae_tui.walk.views.scatter import Dots

_LEAST_LABEL_CELLS = 5
"""Cells of the numbers on the left, and of what is between them and the points."""
_LEAST_NUMBERED = 40, 10
"""Columns and rows from which on there is room for numbers."""
_TICK_ROWS, _TICK_COLUMNS = 4, 10
"""From one number to the next, at least, where that leaves some."""
_SOME_TICKS = 5
"""So many may there be however short an axis is: one number alone is no scale."""
_TALL = 14
"""Rows from which on the legend may have two."""
_GREY = 0.76
"""How far from the colour of words to the ground the grey of points is that are not lit up."""


@dataclass(frozen=True)
class _Layout:
    """Where things stand: points from the column `left` on, and the numbers beside their rows and below."""

    left: int
    rows: int
    columns: int
    beside: Mapping[int, str]
    below: str | None
    legend: Sequence[Sequence[Entry]]


class Scatter(Widget):
    """Dots in braille, a cell in the colour of the class most of its points are of, brighter the more there are.

    In signs a cell is the sign of that class. The cursor is a cross at its place.
    """

    class Clicked(Message):
        """A place of the plane was clicked."""

        def __init__(self, across: float, upwards: float) -> None:
            super().__init__()
            self.across, self.upwards = across, upwards

    class PointedAt(Message):
        """The mouse is over a place of the plane, or, with None, over none any more."""

        def __init__(self, spot: tuple[float, float] | None) -> None:
            super().__init__()
            self.spot = spot

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._dots: Dots | None = None
        self._colors: Colors = "truecolor"
        self._in_signs = False
        self._text = ""
        self._cells: Cells | None = None
        self._layout: _Layout | None = None
        self._rows: dict[int, Strip] = {}
        """Rows of points as they were painted, without the cursor."""
        self._known_inks: Inks | None = None

    def show_text(self, text: str) -> None:
        """Show a text, because there are no points yet."""
        self._dots, self._text = None, printable(text)
        self._forget()

    def show(self, dots: Dots, *, colors: Colors, in_signs: bool) -> None:
        """Show dots with as many colours as there are; `in_signs`: as characters of ASCII."""
        before, as_before = self._dots, (colors, in_signs) == (self._colors, self._in_signs)
        self._dots, self._colors, self._in_signs = dots, colors, in_signs
        if before is None or self._layout is None or not as_before or not dots.stands_like(before):
            self._forget()
        elif dots.cursor != before.cursor:
            # A line takes a while to paint, and of many only those near the cursor change.
            for each in (before, dots):
                row = self._cursor_cell(each, self._layout)[1]
                self.refresh(Region(0, max(0, row - 1), self.content_size.width, 3))

    def on_resize(self) -> None:
        """Count the points anew."""
        self._forget()

    def notify_style_update(self) -> None:
        """The colours change with the theme."""
        super().notify_style_update()
        self._forget()

    def _forget(self) -> None:
        self._cells, self._layout, self._rows, self._known_inks = None, None, {}, None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A row of cells, of the numbers below them, or of the legend."""
        width, height = self.content_size
        ground = self.rich_style
        dots = self._dots
        if dots is None:
            lines = wrap(self._text, max(1, width - 2))
            number = y - max(0, height - len(lines)) // 2
            text = lines[number] if 0 <= number < len(lines) else ""
            return Strip([Segment(text.center(width), ground + Style(dim=True))], width)
        layout = self._lay_out(dots)
        below_points = y - layout.rows
        if below_points < 0:
            return self._mark_cursor(self._row(y, dots, layout, ground), y, dots, layout, ground)
        if layout.below is not None:
            if not below_points:
                return Strip([Segment(layout.below, ground + Style(dim=True))], width)
            below_points -= 1
        return self._legend_row(layout.legend[below_points], dots, width, ground)

    def _row(self, y: int, dots: Dots, layout: _Layout, ground: Style) -> Strip:
        """A row of points with its number, kept until they look different."""
        if y not in self._rows:
            number = Segment(layout.beside.get(y, "").rjust(layout.left - 1) + " ", ground + Style(dim=True))
            cells = self._cells_in(y, dots, layout, ground)
            self._rows[y] = Strip([*([number] if layout.left else []), *cells]).simplify()
        return self._rows[y]

    def _cells_in(self, y: int, dots: Dots, layout: _Layout, ground: Style) -> Iterator[Segment]:
        if self._cells is None:
            shape = layout.rows, layout.columns
            self._cells = count_cells(dots.points, dots.labels, dots.window, shape, dots.lit)
        cells, inks, styles = self._cells, self._inks, dict[tuple[int, int, bool], Style]()
        rows = (values[y].tolist() for values in (cells.dots, cells.classes, cells.levels, cells.lit))
        for code, label, level, lit in zip(*rows, strict=True):
            if not code:
                yield Segment(" ", ground)
                continue
            look = label, level, lit
            if look not in styles:
                styles[look] = ground + inks.of_cell(label, level, lit=lit)
            yield Segment(self._sign(label, code, inks, lit=lit), styles[look])

    def _mark_cursor(self, row: Strip, y: int, dots: Dots, layout: _Layout, ground: Style) -> Strip:
        """Lay a cross over a row of points, where the cursor is near it."""
        across, down = self._cursor_cell(dots, layout)
        bold = ground + Style(bold=True)
        if abs(y - down) > 1:
            return row
        if y != down:
            first, cross = across, [Segment("│", bold)]
        else:
            first, last = max(0, across - 2), min(layout.columns - 1, across + 2)
            center = Segment("╋", bold + Style(reverse=True))
            cross = [Segment("─" * (across - first), bold), center, Segment("─" * (last - across), bold)]
        end = first + sum(len(segment.text) for segment in cross)
        return Strip.join([row.crop(0, layout.left + first), Strip(cross), row.crop(layout.left + end)]).simplify()

    def _sign(self, label: int, dots: int, inks: Inks, *, lit: bool) -> str:
        if not lit and (self._in_signs or not inks.are_many):
            return OTHER_SIGN
        return sign_of(label) if self._in_signs else chr(0x2800 + dots)

    @property
    def _inks(self) -> Inks:
        if self._known_inks is None:
            variables = self.app.theme_variables
            foreground = rgb(variables, "foreground")
            grey = rgb(variables, "foreground", towards="background", share=_GREY)
            self._known_inks = Inks(self.background_colors[1], Color(*foreground).hex, Color(*grey).hex, self._colors)
        return self._known_inks

    def _lay_out(self, dots: Dots) -> _Layout:
        if self._layout is None:
            width, height = self.content_size
            signs = [sign_of(label) if self._in_signs else "" for label in range(len(dots.names))]
            names = [printable(name) for name in dots.names]
            legend = lay_out_legend(names, signs, width, 2 if height >= _TALL else 1, dots.lit)
            self._layout = _lay_out_axes(dots, width, height - len(legend), legend)
        return self._layout

    def _cursor_cell(self, dots: Dots, layout: _Layout) -> tuple[int, int]:
        left, right, bottom, top = dots.window
        x = int(np.clip((dots.cursor[0] - left) / (right - left), 0, 1) * (layout.columns - 1) + 0.5)
        y = int(np.clip((top - dots.cursor[1]) / (top - bottom), 0, 1) * (layout.rows - 1) + 0.5)
        return x, y

    def _legend_row(self, entries: Sequence[Entry], dots: Dots, width: int, ground: Style) -> Strip:
        inks = self._inks
        segments = []
        for label, text in entries:
            is_lit = dots.lit in (None, label)
            ink = inks.of_class(label) + Style(bold=True) if is_lit else Style(color=inks.grey)
            segments.append(Segment(text, ground + ink + Style(reverse=label == dots.lit)))
        used = sum(len(text) for _, text in entries)
        return Strip([*segments, Segment(" " * (width - used), ground)], width)

    def on_click(self, event: Click) -> None:
        """Tell which place was clicked."""
        spot = self._spot_at(event.get_content_offset(self))
        if spot is not None:
            self.post_message(self.Clicked(*spot))

    def on_mouse_move(self, event: MouseMove) -> None:
        """Tell which place the mouse is over."""
        self.post_message(self.PointedAt(self._spot_at(event.get_content_offset(self))))

    def on_leave(self, event: Leave) -> None:
        """Tell that the mouse is over no place."""
        self.post_message(self.PointedAt(None))

    def _spot_at(self, offset: Offset | None) -> tuple[float, float] | None:
        if offset is None or self._dots is None:
            return None
        layout = self._lay_out(self._dots)
        if layout.columns < 2 or layout.rows < 2:
            return None
        left, right, bottom, top = self._dots.window
        across = max(0, offset.x - layout.left) / (layout.columns - 1)
        down = min(offset.y, layout.rows - 1) / (layout.rows - 1)
        return left + across * (right - left), top - down * (top - bottom)


def _lay_out_axes(dots: Dots, width: int, height: int, legend: Sequence[Sequence[Entry]]) -> _Layout:
    """Points in so many cells, with numbers along them where there is room and they mean something."""
    if not dots.numbered or width < _LEAST_NUMBERED[0] or height + len(legend) < _LEAST_NUMBERED[1]:
        return _Layout(0, height, width, {}, None, legend)
    low, high, bottom, top = dots.window
    rows = height - 1
    beside = {
        int((top - tick) / (top - bottom) * (rows - 1) + 0.5): label
        for tick, label in mark_rounds((bottom, top), max(_SOME_TICKS, rows // _TICK_ROWS))
    }
    first = max([_LEAST_LABEL_CELLS, *(len(label) + 1 for label in beside.values())])
    columns = width - first
    below = [" "] * width
    for tick, label in mark_rounds((low, high), max(_SOME_TICKS, columns // _TICK_COLUMNS)):
        middle = first + int((tick - low) / (high - low) * (columns - 1) + 0.5)
        start = min(max(middle - len(label) // 2, 0), width - len(label))
        below[start : start + len(label)] = label
    return _Layout(first, rows, columns, beside, "".join(below), legend)
