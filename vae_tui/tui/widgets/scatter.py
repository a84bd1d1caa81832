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

CLASS_COLORS = (
    "#79b8ff", "#ffab70", "#7ee787", "#ff7b72", "#c3a1ff", "#d2a679", "#f7a8d8", "#aab4c0", "#e3e36a", "#56d4dc",
)  # fmt: skip
"""For the first ten classes; they come again after that."""
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
        self._colorless = False

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
    ) -> None:
        """Show points (M, 2) of classes `labels` (M,), -1 for none, in the window (left, right, bottom, top)."""
        moved = points is not self._points or window != self._window
        if not moved and (cursor, colorless) == (self._cursor, self._colorless):
            return
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
        if self._cells is None:
            self._cells = self._count(height - 1, width)
        codes, classes = self._cells
        cursor = self._cursor_cell(width, height - 1)
        segments = []
        for x in range(width):
            if cursor is not None and (x, y) == cursor:
                segments.append(Segment("╋", ground + Style(bold=True, reverse=True)))
            elif cursor is not None and y == cursor[1] and abs(x - cursor[0]) <= 2:
                segments.append(Segment("─", ground + Style(bold=True)))
            elif cursor is not None and x == cursor[0] and abs(y - cursor[1]) == 1:
                segments.append(Segment("│", ground + Style(bold=True)))
            elif codes[y, x]:
                label = int(classes[y, x])
                sign = _sign(label) if self._colorless else chr(0x2800 + int(codes[y, x]))
                segments.append(Segment(sign, ground + _color(label)))
            else:
                segments.append(Segment(" ", ground))
        return Strip(segments, width).simplify()

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
            segments.append(Segment(text, ground + _color(label) + Style(bold=True)))
            used += len(text)
        return Strip([*segments, Segment(" " * (width - used), ground)], width)

    def on_click(self, event: Click) -> None:
        """Tell which place was clicked."""
        offset = event.get_content_offset(self)
        width, height = self.content_size
        if offset is None or self._points is None or width < 2 or height < 3:
            return
        left, right, bottom, top = self._window
        self.post_message(
            self.Clicked(left + offset.x / (width - 1) * (right - left), top - offset.y / (height - 2) * (top - bottom))
        )


def _sign(label: int) -> str:
    return "·" if label < 0 else SIGNS[label % len(SIGNS)]


def _color(label: int) -> Style:
    return Style() if label < 0 else Style(color=CLASS_COLORS[label % len(CLASS_COLORS)])
