"""The runs that are drawn over each other: letter and color, name, figures, and what differs in their recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.runs.differences import differing_keys, flatten
from vae_tui.runs.history import Moment
from vae_tui.text import printable
from vae_tui.tui.overlay import OverlaidRun
from vae_tui.wording import MISSING, format_count, format_nats

_FIGURES = (("-ELBO", "negative_elbo"), ("distortion", "distortion"), ("rate", "rate"))
_WIDEST = 32


class OverlayTable(Widget):
    """A line a run at a moment of each; columns that do not fit go, the last first."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[list[tuple[str, str]]] = []
        self._titles: list[str] = []

    def show(self, runs: Sequence[OverlaidRun], moments: Sequence[Moment], *, differences: bool) -> None:
        """Show the runs as they were at their moments."""
        recipes = [run.history.recipe for run in runs]
        keys = differing_keys(recipes) if differences else []
        self._titles = ["", "run", "epoch", *(title for title, _ in _FIGURES), "active", *(_short(key) for key in keys)]
        self._rows = [
            [
                (run.letter, f"bold {run.color}"),
                (printable(run.name), run.color),
                *((text, "") for text in _figures(moment)),
                *((_written(flatten(run.history.recipe).get(key)), "") for key in keys),
            ]
            for run, moment in zip(runs, moments, strict=True)
        ]
        self.styles.height = len(self._rows) + 1
        self.refresh()

    def render(self) -> VisualType:
        """The table at its present width."""
        width, height = self.content_size
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
        hidden = max(0, len(self._rows) + 1 - height)
        shown = self._rows if not hidden else self._rows[: max(0, height - 2)]
        for row in shown:
            line = Text(no_wrap=True, end="")
            for index, (text, style) in enumerate(row[:count]):
                line.append(("  " if index else "") + _pad(text, widths[index], index), style=style)
            lines.append(line)
        if hidden:
            lines.append(Text(f"and {len(self._rows) - len(shown)} more", style="dim"))
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
