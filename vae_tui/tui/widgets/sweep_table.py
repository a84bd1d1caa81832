"""The settings of a sweep, a line each: how its runs stand, the means over seeds, and one of them on a common scale."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual import message
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.sweep.claims import State
from vae_tui.sweep.results import Mean, SeedsResult, show_value
from vae_tui.text import printable
from vae_tui.tui.colors import rgb
from vae_tui.wording import MISSING, format_nats

TITLES = {"nelbo": "-ELBO", "distortion": "distortion", "rate": "rate", "loss": "loss", "active": "active"}
SIGNS: dict[State, tuple[str, str]] = {
    "waiting": ("○", "faint"),
    "running": ("●", "success"),
    "completed": ("✓", "success"),
    "pruned": ("–", "faint"),
    "stopped": ("■", "warning"),
    "failed": ("✗", "error"),
}
_LEAST_SCALE, _MOST_SCALE = 18, 72
_WIDEST_VALUE, _MOST_SIGNS = 20, 16
_DROPPED_FIRST = ("loss", "active", "distortion", "rate", "nelbo")
"""Which figures go first where there is no room; the one that is drawn stays."""


class SweepTable(Widget):
    """Shows what `show` is given; the cursor is on a setting, and on one of its seeds."""

    class Moved(message.Message):
        """The cursor is on another run."""

    def __init__(self) -> None:
        super().__init__()
        self._groups: Sequence[SeedsResult] = ()
        self._keys: Sequence[str] = ()
        self._figure = "nelbo"
        self._first = 0
        self.row = self.seed = 0
        """Where the cursor is."""

    def show(self, groups: Sequence[SeedsResult], keys: Sequence[str], figure: str) -> None:
        """Show the settings, by the keys they differ in, and draw that figure."""
        self._groups, self._keys, self._figure = groups, keys, figure
        self.row = max(0, min(self.row, len(groups) - 1))
        self.refresh()

    def move(self, rows: int) -> None:
        """Move the cursor to another setting."""
        self.row = max(0, min(self.row + rows, len(self._groups) - 1))
        self._tell()

    def move_seed(self, seeds: int) -> None:
        """Move the cursor to another seed of the setting."""
        if self._groups:
            self.seed = max(0, min(self.seed + seeds, len(self._groups[self.row].runs) - 1))
            self._tell()

    def _tell(self) -> None:
        self.refresh()
        self.post_message(self.Moved())

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Move down."""
        event.stop()
        self.move(1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Move up."""
        event.stop()
        self.move(-1)

    def on_click(self, event: Click) -> None:
        """Move the cursor to the line that was clicked."""
        row = self._first + event.y - self.gutter.top - 1
        if 0 <= row < len(self._groups):
            self.row = row
            self._tell()

    def render(self) -> VisualType:
        """The table at its present size."""
        width, height = self.content_size
        if not self._groups or width < 10 or height < 2:
            return Text("")
        room = max(1, height - 2)
        self._first = max(0, min(self._first, self.row, len(self._groups) - room), self.row - room + 1)
        shown = self._groups[self._first : self._first + room]
        columns = self._columns(width)
        widths = [max(cell_len(title), *(cell_len(cells[index]) for cells in self._all_cells(columns)))
                  for index, title in enumerate(columns.values())]  # fmt: skip
        signs = min(_MOST_SIGNS, max(len(group.runs) for group in self._groups))
        left = sum(widths) + 2 * len(widths) + max(signs, 4) + 2
        scale = min(_MOST_SCALE, width - left) if width - left >= _LEAST_SCALE else 0
        low, high = self._extent()
        lines = [self._head(columns, widths, signs, scale)]
        for index, group in enumerate(shown, start=self._first):
            lines.append(self._line(group, columns, widths, signs, scale, (low, high), chosen=index == self.row))
        if scale and high > low:
            ends = f"{self._shown(low)}{self._shown(high):>{scale - len(self._shown(low))}}"
            lines.append(Text(" " * left + ends, style=self._ink("faint")))
        if len(shown) < len(self._groups):
            of = f"{self._first + 1} to {self._first + len(shown)} of {len(self._groups)}"
            last = lines.pop() if scale and high > low else Text("")
            lines.append(Text(of + last.plain[len(of) :], style=self._ink("faint")))
        return Text("\n", end="").join(lines)

    def _columns(self, width: int) -> dict[str, str]:
        """Key or figure, and its title, of each column there is room for."""
        columns = {key: printable(key.rpartition(".")[2]) for key in self._keys} | TITLES
        for name in _DROPPED_FIRST:
            cells = self._all_cells(columns)
            widths = [
                max(cell_len(title), *(cell_len(row[i]) for row in cells)) for i, title in enumerate(columns.values())
            ]
            if sum(widths) + 2 * len(widths) + 6 + _LEAST_SCALE <= width:
                break
            if name != self._figure:
                del columns[name]
        return columns

    def _all_cells(self, columns: dict[str, str]) -> list[list[str]]:
        return [[self._cell(group, name) for name in columns] for group in self._groups]

    def _cell(self, group: SeedsResult, name: str) -> str:
        if name in TITLES and name not in group.values:
            return show_mean(group.means.get(name), name)
        value = group.values.get(name)
        text = printable(show_value(value))
        return text if cell_len(text) <= _WIDEST_VALUE else set_cell_size(text, _WIDEST_VALUE - 1) + "…"

    def _head(self, columns: dict[str, str], widths: Sequence[int], signs: int, scale: int) -> Text:
        cells = [title.rjust(width) for title, width in zip(columns.values(), widths, strict=True)]
        keys = len(self._keys)
        head = Text("  ".join(cells[:keys]), no_wrap=True, end="", style=self._ink("faint"))
        head.append("  " + "runs".ljust(max(signs, 4)) + "  " + "  ".join(cells[keys:]))
        if scale:
            head.append("  " + TITLES[self._figure])
        return head

    def _line(
        self,
        group: SeedsResult,
        columns: dict[str, str],
        widths: Sequence[int],
        signs: int,
        scale: int,
        extent: tuple[float, float],
        *,
        chosen: bool,
    ) -> Text:
        line = Text(no_wrap=True, end="")
        cells = [self._cell(group, name).rjust(width) for name, width in zip(columns, widths, strict=True)]
        keys = len(self._keys)
        line.append("  ".join(cells[:keys]), style="bold")
        line.append("  ")
        for index, run in enumerate(group.runs[:signs]):
            sign, color = SIGNS[run.standing.state]
            here = chosen and index == min(self.seed, len(group.runs) - 1)
            line.append(sign, style=f"{self._ink(color)}{' reverse' if here else ''}")
        line.append(" " * (max(signs, 4) - min(len(group.runs), signs)) + "  ")
        line.append("  ".join(cells[keys:]))
        if scale:
            line.append("  ")
            line.append_text(self._draw(group.means.get(self._figure), scale, extent))
        if chosen:
            line.stylize("on rgb({},{},{})".format(*rgb(self.app.theme_variables, "panel")))
        return line

    def _draw(self, mean: Mean | None, width: int, extent: tuple[float, float]) -> Text:
        """The mean as a dot, and one standard error to either side."""
        low, high = extent
        drawn = Text(no_wrap=True, end="")
        if mean is None:
            return drawn.append("·" * width, style=self._ink("line"))

        def place(value: float) -> int:
            return round((value - low) / (high - low) * (width - 1)) if high > low else (width - 1) // 2

        error = mean.error or 0.0
        first, dot, last = place(mean.mean - error), place(mean.mean), place(mean.mean + error)
        cells = ["·"] * width
        for index in range(first, last + 1):
            cells[index] = "─"
        if last > first:
            cells[first], cells[last] = "├", "┤"
        cells[dot] = "●"
        drawn.append("".join(cells[:first]), style=self._ink("line"))
        drawn.append("".join(cells[first : last + 1]), style=self._ink("primary"))
        return drawn.append("".join(cells[last + 1 :]), style=self._ink("line"))

    def _extent(self) -> tuple[float, float]:
        means = [group.means[self._figure] for group in self._groups if self._figure in group.means]
        if not means:
            return 0.0, 0.0
        return min(m.mean - (m.error or 0.0) for m in means), max(m.mean + (m.error or 0.0) for m in means)

    def _shown(self, value: float) -> str:
        return f"{value:.1f}" if self._figure == "active" else format_nats(value)

    def _ink(self, name: str) -> str:
        return "rgb({},{},{})".format(*rgb(self.app.theme_variables, name))


def show_mean(mean: Mean | None, name: str) -> str:
    """A mean and its standard error, as a table has them."""
    if mean is None:
        return MISSING
    show = (lambda value: f"{value:.1f}") if name == "active" else format_nats
    return show(mean.mean) + (f" ± {show(mean.error)}" if mean.error is not None else "")
