"""Rate per latent dimension, as bars."""

from __future__ import annotations

from rich.text import Text
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.events import ACTIVE_NATS
from vae_tui.runs.history import Moment
from vae_tui.tui.colors import rgb

_LEAST_WIDTH = 24
_MOST_APART = 3
"""Rows from one bar to the next, where there are few bars for the room."""
_GREATEST = 1e30
"""Nats, of which more would be no number."""


class RateBars(Widget):
    """The rate of each latent dimension, greatest first, in as many columns as are readable."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rates: list[tuple[int, float]] = []
        self._missing = ""

    def show(self, moment: Moment, *, may_come: bool = True) -> None:
        """Show the rates at the end of the moment's last whole epoch; `may_come`: there will be some."""
        rated = enumerate(moment.rate_per_dimension)
        numbered = [(index, min(rate, _GREATEST) if rate > -_GREATEST else 0.0) for index, rate in rated]
        rates = sorted(numbered, key=lambda pair: (-pair[1], pair[0]))
        missing = "after the first epoch" if may_come else "not reported by its trainer"
        if (rates, missing) != (self._rates, self._missing):
            self._rates, self._missing = rates, missing
            self.refresh()

    def render(self) -> VisualType:
        """The bars at the present size."""
        width, height = self.size
        if not self._rates or width < 12 or height < 1:
            return Text(self._missing, style="dim", justify="center")
        columns = min(-(-len(self._rates) // height), max(1, (width + 2) // (_LEAST_WIDTH + 2)))
        room = columns * height
        shown = self._rates if len(self._rates) <= room else self._rates[: room - 1]
        cell = (width + 2) // columns - 2
        lines = []
        for row in range(min(height, len(self._rates))):
            line = Text(no_wrap=True, end="")
            for column in range(columns):
                index = column * height + row
                if column:
                    line.append("  ")
                if index < len(shown):
                    line.append_text(self._bar(*shown[index], cell))
                elif index == len(shown) < len(self._rates):
                    line.append(self._describe_rest(len(shown), cell), style="dim")
            lines.append(line)
        apart = max(1, min(_MOST_APART, (height - 1) // max(1, len(lines) - 1)))
        return Text("\n" * apart, end="").join(lines)

    def _bar(self, dimension: int, rate: float, width: int) -> Text:
        variables = self.app.theme_variables
        active = rate > ACTIVE_NATS
        strong, faint, line = (rgb(variables, name) for name in ("rate", "faint", "panel"))
        digits = len(str(len(self._rates) - 1))
        label, figure = f"z{dimension:<{digits}} ", f" {rate:5.2f}"
        room = max(1, width - len(label) - len(figure))
        halves = round(rate / max(self._rates[0][1], ACTIVE_NATS) * room * 2)
        bar = "━" * (halves // 2) + "╸" * (halves % 2)
        text = Text(label, style="rgb({},{},{})".format(*faint), end="")
        text.append(bar, style="rgb({},{},{})".format(*strong))
        text.append("─" * (room - len(bar)), style="rgb({},{},{})".format(*line))
        text.append(figure, style="" if active else "dim")
        return text

    def _describe_rest(self, shown: int, width: int) -> str:
        rest = self._rates[shown:]
        active = sum(rate > ACTIVE_NATS for _, rate in rest)
        long = f"{len(rest)} more, {active} active"
        return long if len(long) <= width else f"+{len(rest)}"
