"""Codes in a plane, coloured by class, with a cursor."""

from __future__ import annotations

import string
from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from vae_tui.text import printable
from vae_tui.tui.axes import mark_rounds

CLASS_COLORS = {
    "dark": ("#0afad0", "#e931f8", "#fdde20", "#ef5761", "#c6f1fe", "#08ab83", "#d5a5fd", "#ea9908", "#9390a5", "#b3cf8d"),
    "light": ("#3863f4", "#b8821d", "#0f444a", "#c83f56", "#02a0ce", "#4b291c", "#829b8d", "#3e2c7e", "#615617", "#7a768a"),
}  # fmt: skip
"""For the first ten classes, on either ground; they come again after that. To eyes with and without red, green or blue cones
(the simulation of Machado, Oliveira and Fernandes, 2009) any two are 12 apart by CIEDE2000, or more."""
_LABEL_CELLS = 5
"""Cells of the numbers on the left, and of what is between them and the points."""
_LEAST_NUMBERED = 40, 10
"""Columns and rows from which on there is room for numbers."""
_TICK_ROWS, _TICK_COLUMNS = 4, 10
"""From one number to the next, at least."""
SIGNS = string.digits + string.ascii_lowercase + string.ascii_uppercase
"""For classes without colours."""
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


class Scatter(Widget):
    """Points (M, 2) as braille dots, a cell in the colour of the class most of its points are of.

    Without colours a cell is the sign of that class. The cursor is a cross at its place.
    """

    class Clicked(Message):
        """A place of the plane was clicked."""

        def __init__(self, across: float, upwards: float) -> None:
            super().__init__()
            self.across, self.upwards = across, upwards

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._points: NDArray[np.float32] | None = None
        self._labels: NDArray[np.int64] = np.empty(0, np.int64)
        self._names: Sequence[str] = ()
        self._window = (-3.0, 3.0, -3.0, 3.0)
        self._cursor: tuple[float, float] | None = None
        self._text = ""
        self._cells: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
        self._colorless = self._numbered = False

    def show_text(self, text: str) -> None:
        """Show a text, because there are no points yet."""
        self._points, self._text, self._cells = None, printable(text), None
        self.refresh()

    def show(
        self,
        points: NDArray[np.float32],
        labels: NDArray[np.int64],
        names: Sequence[str],
        window: tuple[float, float, float, float],
        cursor: tuple[float, float] | None,
        *,
        colorless: bool,
        numbered: bool,
    ) -> None:
        """Show points (M, 2) of classes `labels` (M,), -1 for none, in the window (left, right, bottom, top).

        `numbered`: what the axes count means something, so that numbers stand along them.
        """
        moved = points is not self._points or (window, numbered) != (self._window, self._numbered)
        if not moved and (cursor, colorless) == (self._cursor, self._colorless):
            return
        self._numbered = numbered
        if moved:
            self._cells = None
        self._points, self._labels, self._names = points, labels, [printable(name) for name in names]
        self._window, self._cursor, self._colorless = window, cursor, colorless
        self.refresh()

    def on_resize(self) -> None:
        """Count the points anew."""
        self._cells = None

    def render_line(self, y: int) -> Strip:
        """A row of cells, or of the legend, which is the last one."""
        width, height = self.content_size
        ground = self.rich_style
        if self._points is None:
            lines = wrap(self._text, max(1, width - 2))
            number = y - max(0, height - len(lines)) // 2
            text = lines[number] if 0 <= number < len(lines) else ""
            return Strip([Segment(text.center(width), ground + Style(dim=True))], width)
        if y == height - 1:
            return self._legend(width, ground)
        left, rows, columns = self._plot
        if y == rows:
            return self._numbers_below(left, columns, ground)
        if self._cells is None:
            self._cells = self._count(rows, columns)
        codes, classes = self._cells
        cursor = self._cursor_cell(columns, rows)
        segments = [self._number_before(y, left, rows, ground)] if left else []
        for x in range(columns):
            if cursor is not None and (x, y) == cursor:
                segments.append(Segment("╋", ground + Style(bold=True, reverse=True)))
            elif cursor is not None and y == cursor[1] and abs(x - cursor[0]) <= 2:
                segments.append(Segment("─", ground + Style(bold=True)))
            elif cursor is not None and x == cursor[0] and abs(y - cursor[1]) == 1:
                segments.append(Segment("│", ground + Style(bold=True)))
            elif codes[y, x]:
                label = int(classes[y, x])
                sign = _sign(label) if self._colorless else chr(0x2800 + int(codes[y, x]))
                segments.append(Segment(sign, ground + self._color(label)))
            else:
                segments.append(Segment(" ", ground))
        return Strip(segments, width).simplify()

    @property
    def _plot(self) -> tuple[int, int, int]:
        """The first column of points, and how many rows and columns of cells they have."""
        width, height = self.content_size
        if self._numbered and width >= _LEAST_NUMBERED[0] and height >= _LEAST_NUMBERED[1]:
            return _LABEL_CELLS, height - 2, width - _LABEL_CELLS
        return 0, height - 1, width

    def _number_before(self, y: int, left: int, rows: int, ground: Style) -> Segment:
        bottom, top = self._window[2:]
        text = ""
        for tick, label in mark_rounds((bottom, top), max(2, rows // _TICK_ROWS)):
            if int((top - tick) / (top - bottom) * (rows - 1) + 0.5) == y:
                text = label if len(label) < left else ""
        return Segment(text.rjust(left - 1) + " ", ground + Style(dim=True))

    def _numbers_below(self, left: int, columns: int, ground: Style) -> Strip:
        low, high = self._window[:2]
        text = [" "] * (left + columns)
        for tick, label in mark_rounds((low, high), max(2, columns // _TICK_COLUMNS)):
            middle = left + int((tick - low) / (high - low) * (columns - 1) + 0.5)
            start = min(max(middle - len(label) // 2, 0), len(text) - len(label))
            text[start : start + len(label)] = label
        return Strip([Segment("".join(text), ground + Style(dim=True))], left + columns)

    def _count(self, rows: int, columns: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The dots (rows, columns) of each cell, and the class most of its points are of."""
        assert self._points is not None
        left, right, bottom, top = self._window
        across = np.floor((self._points[:, 0] - left) / (right - left) * 2 * columns).astype(np.int64)
        down = np.floor((top - self._points[:, 1]) / (top - bottom) * 4 * rows).astype(np.int64)
        inside = (across >= 0) & (across < 2 * columns) & (down >= 0) & (down < 4 * rows)
        across, down, labels = across[inside], down[inside], self._labels[inside]
        codes = np.zeros((rows, columns), np.int64)
        np.bitwise_or.at(codes, (down // 4, across // 2), _BITS[down % 4, across % 2])
        kinds = max(1, int(self._labels.max(initial=0)) + 1)
        votes = np.zeros((rows * columns, kinds), np.int32)
        known = labels >= 0
        np.add.at(votes, ((down // 4 * columns + across // 2)[known], labels[known]), 1)
        classes = np.where(votes.any(axis=1), votes.argmax(axis=1), -1).reshape(rows, columns)
        return codes, classes

    def _cursor_cell(self, columns: int, rows: int) -> tuple[int, int] | None:
        if self._cursor is None:
            return None
        left, right, bottom, top = self._window
        x = int(np.clip((self._cursor[0] - left) / (right - left), 0, 1) * (columns - 1) + 0.5)
        y = int(np.clip((top - self._cursor[1]) / (top - bottom), 0, 1) * (rows - 1) + 0.5)
        return x, y

    def _legend(self, width: int, ground: Style) -> Strip:
        segments, used = [], 0
        for label, name in enumerate(self._names):
            text = f" {_sign(label) + '=' if self._colorless and name != _sign(label) else ''}{name} "
            if used + len(text) > width:
                break
            segments.append(Segment(text, ground + self._color(label) + Style(bold=True)))
            used += len(text)
        return Strip([*segments, Segment(" " * (width - used), ground)], width)

    def on_click(self, event: Click) -> None:
        """Tell which place was clicked."""
        offset = event.get_content_offset(self)
        first, rows, columns = self._plot
        if offset is None or self._points is None or columns < 2 or rows < 2:
            return
        left, right, bottom, top = self._window
        across, down = max(0, offset.x - first) / (columns - 1), min(offset.y, rows - 1) / (rows - 1)
        self.post_message(self.Clicked(left + across * (right - left), top - down * (top - bottom)))

    def _color(self, label: int) -> Style:
        colors = CLASS_COLORS["dark" if self.background_colors[1].brightness < 0.5 else "light"]
        return Style() if label < 0 else Style(color=colors[label % len(colors)])


def _sign(label: int) -> str:
    return "·" if label < 0 else SIGNS[label % len(SIGNS)]
