"""Rate per latent dimension over the whole run, as a heatmap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from vae_tui.runs.history import History
from vae_tui.tui.colors import rgb
from vae_tui.tui.curves import stamp
from vae_tui.tui.look import Look, format_place, place_of_step, stretch_of
from vae_tui.wording import format_nats

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp

_SHADES = " .:-=+*#%@"
"""From no rate to the greatest, where there are no colors."""
_NAME, _FIGURE = 5, 7
"""Cells of the name of a dimension and of its rate now."""


class RateHeatmap(Widget):
    """A row a dimension, that with the greatest rate first, a column a stretch of time; the brighter, the more nats."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._history: History | None = None
        self._look = Look()
        self._shown: object = None
        self._drawn: object = None
        self._rows: list[tuple[str, list[float], str]] = []
        self._greatest = 0.0

    def show(self, history: History, look: Look) -> None:
        """Show all epochs of a history."""
        drawn = stamp(history, look)
        if drawn != self._shown:
            self._shown, self._history, self._look = drawn, history, look
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """A dimension, or below them the axis."""
        width, height = self.content_size
        ground = self.rich_style
        layout = (self._shown, self.content_size)
        if layout != self._drawn:
            self._drawn = layout
            self._rows = self._lay_out(width - _NAME - _FIGURE, height - 1)
            self._greatest = max((max(cells) for _, cells, _ in self._rows if cells), default=0.0)
        faint = self._ink("faint")
        if not self._rows:
            text = "after the second epoch" if y == height // 2 else ""
            return Strip([Segment(text.center(width), faint)], width)
        if y == height - 1:
            return Strip([Segment(self._axis(width), faint)], width)
        if y >= len(self._rows):
            return Strip.blank(width, ground)
        name, cells, figure = self._rows[y]
        segments = [Segment(name.ljust(_NAME), faint)]
        segments += [self._cell(value) for value in cells]
        segments.append(Segment(figure.rjust(_FIGURE), ground))
        return Strip(segments).adjust_cell_length(width, ground)

    def _lay_out(self, columns: int, rows: int) -> list[tuple[str, list[float], str]]:
        history = self._history
        if history is None or columns < 4 or rows < 1 or len(history.stops) < 2:
            return []
        moment = history.now if self._look.at is None else history.at(self._look.at)
        now = moment.rate_per_dimension
        stretch = stretch_of(self._look, [history])
        left, right = stretch.across
        steps_of: dict[int, int] = {}
        for step in history.stops:
            place = stretch.place(place_of_step(history, step, stretch.axis))
            if place <= right:
                column = max(0, min(columns - 1, int(columns * (place - left) / (right - left))))
                # The last before the stretch begins holds on into it.
                if place <= left or column not in steps_of:
                    steps_of[column] = step
        rates_of = {column: history.at(step).rate_per_dimension for column, step in steps_of.items()}
        order = sorted(range(len(now)), key=lambda index: -(now[index] if math.isfinite(now[index]) else 0.0))
        found = []
        for dimension in order[:rows]:
            cells, value = [], 0.0
            for column in range(columns):
                rates = rates_of.get(column, ())
                if dimension < len(rates) and math.isfinite(rates[dimension]):
                    value = rates[dimension]
                cells.append(value)
            found.append((f"z{dimension}", cells, format_nats(now[dimension])))
        return found

    def _cell(self, value: float) -> Segment:
        share = min(1.0, max(0.0, value / self._greatest)) ** 0.5 if self._greatest > 0 else 0.0
        if self._plain:
            return Segment(_SHADES[round(share * (len(_SHADES) - 1))], self.rich_style)
        color = rgb(self.app.theme_variables, "rate", towards="background", share=1 - share)
        return Segment(" ", self.rich_style + Style(bgcolor=Color.from_rgb(*color)))

    def _axis(self, width: int) -> str:
        assert self._history is not None
        stretch = stretch_of(self._look, [self._history])
        first, last = format_place(stretch.low, stretch.axis), format_place(stretch.high, stretch.axis)
        inside = max(2, width - _NAME - _FIGURE)
        return (" " * _NAME + first + last.rjust(inside - len(first))).ljust(width)

    @property
    def _plain(self) -> bool:
        app = cast("PictureApp[Any]", self.app)
        return app.plain or app.color_depth == "none"

    def _ink(self, name: str) -> Style:
        return self.rich_style + Style(color=Color.from_rgb(*rgb(self.app.theme_variables, name)))
