"""Runs as a table that one moves through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rich.cells import cell_len, set_cell_size
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import message
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from vae_tui.runs.columns import COLUMNS, LEFT_OUT_FIRST, Column, recipe_value, show
from vae_tui.runs.summary import Summary
from vae_tui.text import printable
from vae_tui.tui.colors import rgb
from vae_tui.tui.status import SIGNS
from vae_tui.wording import MISSING

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp

_BETWEEN = 2
_MARKS = 2
"""Cells at the left, for the cursor and for what is chosen."""
_WIDEST_NAME, _LEAST_OF_NAMES = 40, 23
_WIDEST = 28
"""Cells of a column; what is longer is cut."""
_GREATEST = 1e290
_CURVE_CELLS = 10
_BLOCKS, _PLAIN_BLOCKS = "▁▂▃▄▅▆▇█", "_.-~=+*#"
_STATE_SIGNS = {"○": "o", "●": "*", "‖": "|", "✓": "+", "■": "#", "✗": "x"}
"""Signs of states where there are no more than ASCII characters."""


@dataclass(frozen=True)
class GroupTitle:
    """A line above the runs that belong together."""

    text: str
    count: int


class RunTable(Widget):
    """A line a run, with a cursor; the columns that do not fit are left out, those that matter least first."""

    class Highlighted(message.Message):
        """The cursor came to another run, or to none."""

    class Opened(message.Message):
        """A run was clicked that the cursor was on."""

    class TitleClicked(message.Message):
        """The title of a column was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: list[Summary | GroupTitle] = []
        self._columns: list[Column] = []
        self._widths: dict[str, int] = {}
        self._places: list[tuple[Column, int, int]] = []
        """The columns that fit, where each begins, and how wide it is."""
        self._cells: dict[Path, tuple[Summary, dict[str, str]]] = {}
        self._curves: Mapping[Path, Sequence[float]] = {}
        self._sorted_by = ""
        self._cursor: Path | None = None
        self._first = 0
        self._has_chosen_columns = False
        self.chosen: set[Path] = set()
        self.placeholder = ""
        """What stands in an empty table."""

    # What it shows

    def show(self, lines: Sequence[Summary | GroupTitle], *, sorted_by: str) -> None:
        """Show other lines; the cursor stays on its run, or where that is gone, near where it was."""
        before, row = self._cursor, self._row
        self._lines, self._sorted_by = list(lines), sorted_by
        paths = {line.path for line in self._lines if isinstance(line, Summary)}
        self.chosen &= paths
        if self._cursor not in paths:
            self._cursor = None
            self._move_to(min(row, len(self._lines) - 1), 1)
        self._lay_out()
        self.refresh()
        if self._cursor != before:
            self.post_message(self.Highlighted())

    def choose_columns(self, keys: Sequence[str], *, droppable: bool) -> None:
        """Show these columns, by their keys or keys of recipes; `droppable` ones go where they do not fit."""
        self._columns = [COLUMNS.get(key) or _column_of_recipe(key) for key in keys]
        self._has_chosen_columns = not droppable
        self._cells.clear()
        self._lay_out()
        self.refresh()

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys of the columns that are wanted."""
        return tuple(column.key for column in self._columns)

    @property
    def shown_columns(self) -> tuple[str, ...]:
        """The keys of the columns that there is room for."""
        return tuple(column.key for column, _, _ in self._places)

    def show_curves(self, curves: Mapping[Path, Sequence[float]]) -> None:
        """Show the curve of each run whose path is in it, small."""
        self._curves = curves
        self.refresh()

    @property
    def runs_in_sight(self) -> list[Summary]:
        """The runs that are seen now."""
        seen = self._lines[self._first : self._first + max(1, self._rows)]
        return [line for line in seen if isinstance(line, Summary)]

    @property
    def run_count(self) -> int:
        """How many runs are in the list."""
        return sum(1 for _ in self._runs)

    @property
    def current(self) -> Summary | None:
        """The run the cursor is on."""
        return next((run for run in self._runs if run.path == self._cursor), None)

    @property
    def selected(self) -> list[Summary]:
        """The runs that are chosen, in their order; without any that under the cursor."""
        return [run for run in self._runs if run.path in self.chosen] or ([self.current] if self.current else [])

    @property
    def _runs(self) -> Iterable[Summary]:
        return (line for line in self._lines if isinstance(line, Summary))

    # The cursor

    @property
    def _rows(self) -> int:
        return max(1, self.content_size.height - 1)

    @property
    def page(self) -> int:
        """How many runs are seen at once."""
        return self._rows

    @property
    def _row(self) -> int:
        for index, line in enumerate(self._lines):
            if isinstance(line, Summary) and line.path == self._cursor:
                return index
        return self._first

    def move(self, rows: int) -> None:
        """Move the cursor; it ends at the first and the last run."""
        if self._lines:
            self._move_to(min(max(0, self._row + rows), len(self._lines) - 1), 1 if rows > 0 else -1)

    def move_to_run(self, path: Path) -> bool:
        """Move the cursor to a run; False where it is not shown."""
        for index, line in enumerate(self._lines):
            if isinstance(line, Summary) and line.path.absolute() == path.absolute():
                self._move_to(index, 1)
                return True
        return False

    def _move_to(self, row: int, direction: int) -> None:
        """To a row, or past the title of a group in a direction, else in the other."""
        for step in (direction, -direction):
            at = row
            while 0 <= at < len(self._lines):
                line = self._lines[at]
                if isinstance(line, Summary):
                    moved = line.path != self._cursor
                    before, first = self._row, self._first
                    self._cursor = line.path
                    self._scroll()
                    if moved:
                        self._refresh_rows(before, at, everything=first != self._first)
                        self.post_message(self.Highlighted())
                    return
                at += step

    def _refresh_rows(self, *rows: int, everything: bool) -> None:
        if everything or not self.is_mounted:
            self.refresh()
            return
        for row in rows:
            if 0 <= row - self._first < self._rows:
                self.refresh(Region(0, row - self._first + 1, self.content_size.width, 1))

    def _scroll(self) -> None:
        row = self._row
        above = 1 if row and isinstance(self._lines[row - 1], GroupTitle) else 0
        lowest = max(0, len(self._lines) - self._rows)
        self._first = min(max(self._first, row - self._rows + 1), row - above, lowest)

    def toggle_choice(self) -> None:
        """Choose the run under the cursor, or no longer, and go to the next."""
        if self._cursor is not None:
            self.chosen ^= {self._cursor}
            self.refresh()
            self.move(1)

    def choose_all(self) -> None:
        """Choose every run that is shown; where all are chosen, none."""
        paths = {run.path for run in self._runs}
        self.chosen = set() if self.chosen == paths else paths
        self.refresh()

    # How it looks

    def on_resize(self) -> None:
        """Show as many columns as there is room for now."""
        self._lay_out()
        self._scroll()
        self.refresh()

    def _lay_out(self) -> None:
        """Find the columns that fit and how wide each is."""
        cells = [self._cells_of(run) for run in self._runs]
        self._widths = {
            column.key: max([cell_len(column.title) + 1, *(cell_len(one[column.key]) for one in cells)])
            for column in self._columns
        }
        widest_name = min(_WIDEST_NAME, max(_LEAST_OF_NAMES, self.content_size.width // 3))
        self._widths = {
            key: min(width, widest_name if key == "name" else _WIDEST) for key, width in self._widths.items()
        }
        columns = list(self._columns)
        if not self._has_chosen_columns:
            empty = [one.key for one in columns if cells and not any(cell[one.key].strip(MISSING) for cell in cells)]
            columns = [one for one in columns if one.key not in empty or one.key not in LEFT_OUT_FIRST]
        wanted, room = columns, self.content_size.width - _MARKS - _CURVE_CELLS
        droppable = [key for key in LEFT_OUT_FIRST if key != self._sorted_by.removeprefix("-")]
        droppable += [key for key in reversed(self.columns) if key not in {*droppable, "name"}]
        dropped = []
        for key in droppable:
            if self._width_of(columns) <= room:
                break
            dropped.append(key)
            columns = [column for column in columns if column.key != key]
        # What was dropped early may fit beside what is left once a wide one is gone.
        for key in reversed(dropped):
            more = [column for column in wanted if column in columns or column.key == key]
            if self._width_of(more) <= room:
                columns = more
        self._places, at = [], _MARKS
        for column in columns:
            self._places.append((column, at, self._widths[column.key]))
            at += self._widths[column.key] + _BETWEEN

    def _width_of(self, columns: Sequence[Column]) -> int:
        return sum(self._widths[column.key] + _BETWEEN for column in columns)

    def _cells_of(self, run: Summary) -> dict[str, str]:
        known = self._cells.get(run.path)
        if known is None or known[0] is not run:
            cells = {column.key: printable(show(column, run)) for column in self._columns}
            if "state" in cells:
                sign, _ = SIGNS[run.phase]
                cells["state"] = f"{_STATE_SIGNS[sign] if self._plain else sign} {cells['state']}"
            known = self._cells[run.path] = run, cells
        elif "age" in known[1]:
            known[1]["age"] = show(COLUMNS["age"], run)
        return known[1]

    @property
    def _plain(self) -> bool:
        return cast("PictureApp[Any]", self.app).plain

    def render_line(self, y: int) -> Strip:
        """The titles, and below them a line a run."""
        width, ground = self.content_size.width, self.rich_style
        if y == 0:
            return self._render_titles(width, ground)
        index = self._first + y - 1
        if index >= len(self._lines):
            text = self.placeholder if not self._lines and y == 2 else ""
            return Strip([Segment(set_cell_size(f"  {text}", width), self._ink("faint"))], width)
        line = self._lines[index]
        if isinstance(line, GroupTitle):
            text = f"{line.text}  ({line.count})"
            return Strip([Segment(set_cell_size(text, width), self._ink("primary") + Style(bold=True))], width)
        return self._render_run(line, width, ground)

    def _render_titles(self, width: int, ground: Style) -> Strip:
        faint = self._ink("faint")
        text = " " * _MARKS
        key, descending = self._sorted_by.removeprefix("-"), self._sorted_by.startswith("-")
        arrow = ("v" if descending else "^") if self._plain else ("▼" if descending else "▲")
        for column, at, size in self._places:
            title = column.title + (arrow if column.key == key else "")
            title = title.rjust(size) if column.is_number else title
            text = set_cell_size(text, at) + set_cell_size(title, size)
        if len(text) + _BETWEEN + _CURVE_CELLS <= width and self._curves:
            text += " " * _BETWEEN + "-ELBO".rjust(_CURVE_CELLS)
        return Strip([Segment(set_cell_size(text, width), faint + Style(underline=True))], width)

    def _render_run(self, run: Summary, width: int, ground: Style) -> Strip:
        here = run.path == self._cursor
        if here:
            panel = Style(
                bgcolor=Color.from_rgb(*rgb(self.app.theme_variables, "primary", towards="background", share=0.7))
            )
            ground = ground + panel
        ink = {name: self._ink(name, ground) for name in ("faint", "primary", "warning")}
        marks = (">" if self._plain else "▸") if here else " "
        marks += ("*" if self._plain else "◆") if run.path in self.chosen else " "
        segments = [Segment(marks, ink["warning"] + Style(bold=True))]
        cells, used = self._cells_of(run), _MARKS
        for column, at, size in self._places:
            style = ground
            if column.key == "state":
                style = self._ink(SIGNS[run.phase][1], ground)
            elif column.key == "name":
                style = ground + Style(bold=True)
            elif column.key in ("changed", "tag"):
                style = ink["primary"]
            elif column.key in ("age", "size", "seed"):
                style = ink["faint"]
            segments.append(Segment(" " * (at - used), ground))
            segments.append(Segment(_cut(cells[column.key], size, right=column.is_number), style))
            used = at + size
        curve = self._curves.get(run.path, ())
        if len(curve) > 1 and used + _BETWEEN + _CURVE_CELLS <= width:
            segments.append(Segment(" " * _BETWEEN + self._draw_curve(curve), self._ink("accent", ground)))
            used += _BETWEEN + _CURVE_CELLS
        segments.append(Segment(" " * max(0, width - used), ground))
        return Strip(segments).adjust_cell_length(width, ground)

    def _draw_curve(self, values: Sequence[float]) -> str:
        blocks = _PLAIN_BLOCKS if self._plain else _BLOCKS
        # Sums of what is wider would be no numbers.
        values = [min(_GREATEST, max(-_GREATEST, value)) for value in values]
        # The fall of the first epochs would leave all the rest at the bottom.
        settled = sorted(values[len(values) // 10 :])
        low, high = settled[0], max(settled[-1], settled[0] + 0.01 * abs(settled[0]))
        columns = min(_CURVE_CELLS, len(values))
        drawn = ""
        for column in range(columns):
            part = values[column * len(values) // columns : (column + 1) * len(values) // columns]
            share = (sum(part) / len(part) - low) / (high - low) if high > low else 0.0
            drawn += blocks[min(len(blocks) - 1, max(0, int(share * len(blocks))))]
        return drawn.rjust(_CURVE_CELLS)

    def _ink(self, name: str, ground: Style | None = None) -> Style:
        base = self.rich_style if ground is None else ground
        return base + Style(color=Color.from_rgb(*rgb(self.app.theme_variables, name)))

    # The mouse

    def on_click(self, event: Click) -> None:
        """Move the cursor to a run, open that under it, or sort by a column."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            for column, at, size in self._places:
                if at <= offset.x < at + size + _BETWEEN:
                    self.post_message(self.TitleClicked(column.key))
            return
        index = self._first + offset.y - 1
        line = self._lines[index] if index < len(self._lines) else None
        if isinstance(line, Summary):
            if line.path == self._cursor:
                self.post_message(self.Opened())
            else:
                self._move_to(index, 1)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Go down."""
        self.move(3)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Go up."""
        self.move(-3)


def _cut(text: str, width: int, *, right: bool) -> str:
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1) + "…"
    return " " * (width - cell_len(text)) + text if right else set_cell_size(text, width)


def _column_of_recipe(key: str) -> Column:
    table, _, name = key.partition(".")

    def written(value: object) -> str:
        return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)

    return Column(key, name, "", lambda run: recipe_value(run.recipe, table, name), written)
