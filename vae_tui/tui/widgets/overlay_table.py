"""The runs that are drawn over each other: letter and color, name, figures, and what differs in their recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.events import MouseScrollDown, MouseScrollUp
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.runs.differences import differing_keys, flatten
from vae_tui.runs.history import Moment
from vae_tui.text import printable
from vae_tui.tui.overlay import OverlaidGroup, OverlaidRun
from vae_tui.wording import MISSING, format_count, format_nats

_FIGURES = (("-ELBO", "negative_elbo"), ("distortion", "distortion"), ("rate", "rate"))
_WIDEST = 32


class OverlayTable(Widget):
    """A line a run at a moment of each; columns that do not fit go, the last first, and rows that do not are scrolled to."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[list[tuple[str, str]]] = []
        self._titles: list[str] = []
        self._first = 0

    def scroll_rows(self, rows: int) -> None:
        """Show rows further down, or up."""
        self._first = max(0, min(self._first + rows, len(self._rows) - self._room))
        self.refresh()

    @property
    def _room(self) -> int:
        """How many rows are shown; where that are not all, a line says which."""
        height = self.content_size.height
        return len(self._rows) if len(self._rows) < height else max(1, height - 2)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Scroll."""
        event.stop()
        self.scroll_rows(1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Scroll back."""
        event.stop()
        self.scroll_rows(-1)

    def show(
        self, groups: Sequence[OverlaidGroup], moments: Mapping[OverlaidRun, Moment], *, differences: bool
    ) -> None:
        """Show the runs as they were at their moments, each with the letter and color of its group's curve."""
        runs = [run for group in groups for run in group.runs]
        drawn_as = [group.first for group in groups for _ in group.runs]
        recipes = {run: run.history.recipe_at(moments[run].step) for run in runs}
        keys = differing_keys(list(recipes.values())) if differences else []
        self._titles = ["", "run", "epoch", *(title for title, _ in _FIGURES), "active", *(_short(key) for key in keys)]
        self._rows = [
            [
                (curve.letter, f"bold {curve.color}"),
                (printable(run.name), curve.color),
                *((text, "") for text in _figures(moments[run])),
                *((_written(flatten(recipes[run]).get(key)), "") for key in keys),
            ]
            for run, curve in zip(runs, drawn_as, strict=True)
        ]
        self.styles.height = len(self._rows) + 1
        self.refresh()

    def render(self) -> VisualType:
        """The table at its present width."""
        width = self.content_size.width
        count = len(self._titles)
        widths = [
            min(_WIDEST, max([cell_len(title), *(cell_len(row[index][0]) for row in self._rows)]))
            for index, title in enumerate(self._titles)
        ]
        while count > 2 and sum(widths[:count]) + 2 * count > width:
            count -= 1
        lines = [
            Text("  ".join(_pad(title, widths[i], i) for i, title in enumerate(self._titles[:count])), style="dim")
        ]
        first = max(0, min(self._first, len(self._rows) - self._room))
        shown = self._rows[first : first + self._room]
        for row in shown:
            line = Text(no_wrap=True, end="")
            for index, (text, style) in enumerate(row[:count]):
                line.append(("  " if index else "") + _pad(text, widths[index], index), style=style)
            lines.append(line)
        if len(shown) < len(self._rows):
            lines.append(Text(f"{first + 1} to {first + len(shown)} of {len(self._rows)}   ↑ ↓", style="dim"))
        return Text("\n", end="").join(lines)


def _figures(moment: Moment) -> list[str]:
    measured: Mapping[str, Any] = moment.validation or moment.train
    figures = [format_nats(measured.get(name)) for _, name in _FIGURES]
    dimensions = len(moment.rate_per_dimension)
    active = f"{moment.active_dimensions}/{dimensions}" if dimensions else MISSING
    return [format_count(moment.epoch), *figures, active]


def _pad(text: str, width: int, index: int) -> str:
    text = text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"
    return text.rjust(width) if 2 <= index <= 6 else set_cell_size(text, width)


def _short(key: str) -> str:
    return key.rpartition(".")[2]


def _written(value: object) -> str:
    if value is None:
        return MISSING
    return printable(" ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))
