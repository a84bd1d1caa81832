"""Lines of a log, wrapped, that one scrolls through while more of them come."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual import message
from textual.color import Color
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vae_tui.runs.log_lines import LogLine, Weight
from vae_tui.runs.tail import Tail

_COLORS: dict[Weight, str] = {
    "usual": "foreground",
    "faint": "faint",
    "good": "success",
    "warning": "warning",
    "bad": "error",
}
_INDENT = "    "
"""Before what a line goes on with in the next row."""
_NARROWEST = 20


class LogView(ScrollView, can_focus=True):
    """The lines of a `Tail` that hold a text, all without any.

    At the end it stays at the end, whatever comes; elsewhere what is in sight stays where it is.
    """

    class Moved(message.Message):
        """It shows another part of the log, or stays at the end no longer."""

    def __init__(self) -> None:
        super().__init__()
        self.show_horizontal_scrollbar = False
        self._tail: Tail[LogLine] | None = None
        self._wanted = ""
        self._rows: list[tuple[str, Weight]] = []
        self._numbers = array("q")
        """The number of the line that each row is of."""
        self._known: tuple[object, ...] = ()
        """What the rows were made of: which log, its version, the text and the width."""
        self._extent = (0, 0)
        """The numbers of the lines of which there are rows."""
        self._unfinished_rows = 0
        self.follows = True
        """Whether it stays at the end."""

    @property
    def row_count(self) -> int:
        """Rows there are, the wrapped ones too."""
        return len(self._rows)

    @property
    def line_count(self) -> int:
        """Lines that hold the text."""
        return len(set(self._numbers))

    @property
    def is_at_top(self) -> bool:
        """Whether the first row is in sight."""
        return self.scroll_offset.y <= 0

    def show(self, tail: Tail[LogLine], wanted: str) -> None:
        """Show the lines that a log has now and in which the wanted text stands, whatever its case."""
        known = (id(tail), tail.version, wanted.casefold(), self._room)
        if known[:2] != self._known[:2]:
            self.follows = True
        top = self._numbers[self._top] if self._numbers and not self.follows else None
        within = 0 if top is None else self._top - bisect_left(self._numbers, top)
        self._tail, self._wanted = tail, wanted.casefold()
        self._drop_unfinished()
        first, end = tail.first, tail.first + len(tail.lines)
        if known != self._known or first < self._extent[0] or first > self._extent[1]:
            self._rows, self._numbers, self._extent = [], array("q"), (first, first)
        dropped = bisect_left(self._numbers, first)
        del self._rows[:dropped], self._numbers[:dropped]
        self._add(range(self._extent[1], end), islice(tail.lines, self._extent[1] - first, None))
        self._known, self._extent = known, (first, end)
        if tail.unfinished is not None:
            before = len(self._rows)
            self._add(range(end, end + 1), iter([tail.unfinished]))
            self._unfinished_rows = len(self._rows) - before
        self.virtual_size = Size(self._room, len(self._rows))
        if self.follows:
            self.scroll_end(animate=False, force=True, immediate=True)
        elif top is not None:
            self.scroll_to(y=bisect_left(self._numbers, top) + within, animate=False, force=True, immediate=True)
        self.refresh()

    def follow(self) -> None:
        """Go to the end, and stay there."""
        self.follows = True
        self.scroll_end(animate=False, force=True, immediate=True)

    def on_resize(self) -> None:
        """Wrap anew."""
        if self._tail is not None:
            self.show(self._tail, self._wanted)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Stay where the user went."""
        super().watch_scroll_y(old_value, new_value)
        self.follows = self.scroll_offset.y >= self.max_scroll_y
        self.post_message(self.Moved())

    def render_line(self, y: int) -> Strip:
        """A row of cells."""
        index, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if index >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        text, weight = self._rows[index]
        color = Color.parse(self.app.theme_variables[_COLORS[weight]]).rich_color
        return Strip([Segment(text, self.rich_style + Style(color=color))]).adjust_cell_length(width, self.rich_style)

    @property
    def _room(self) -> int:
        return max(_NARROWEST, self.scrollable_content_region.width)

    @property
    def _top(self) -> int:
        return min(self.scroll_offset.y, len(self._numbers) - 1)

    def _drop_unfinished(self) -> None:
        if self._unfinished_rows:
            del self._rows[-self._unfinished_rows :], self._numbers[-self._unfinished_rows :]
            self._unfinished_rows = 0

    def _add(self, numbers: range, lines: Iterator[LogLine]) -> None:
        for number, line in zip(numbers, lines, strict=False):
            if self._wanted in line.text.casefold():
                rows = _wrap(line.text, self._room)
                self._rows += [(row, line.weight) for row in rows]
                self._numbers.extend([number] * len(rows))


def _wrap(text: str, width: int) -> list[str]:
    """A line in rows, between words where there are some, the later rows set in."""
    rows: list[str] = []
    indent = ""
    while len(text) * 2 > width - len(indent) and cell_len(text) > width - len(indent):
        row = chop_cells(text, width - len(indent))[0]
        last_space = row.rfind(" ") + 1
        if 2 * last_space > len(row):
            row = row[:last_space]
        rows.append(indent + row)
        text, indent = text[len(row) :], _INDENT
    return [*rows, indent + text]
