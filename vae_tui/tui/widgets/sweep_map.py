"""A figure of a sweep over two of its keys: a cell a pair of values, darker to lighter from the least to the greatest."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.sweep.results import SeedsResult, show_value
from vae_tui.text import printable
from vae_tui.tui.colors import rgb
from vae_tui.tui.widgets.sweep_table import TITLES
from vae_tui.wording import MISSING, format_nats

_WIDEST_CELL = 12
_BRIGHT = 105
"""Of 255: a ground that is brighter is written on in black."""


class SweepMap(Widget):
    """Shows what `show` is given: the first key across, the second down; of further keys the mean over their values."""

    def __init__(self) -> None:
        super().__init__()
        self._groups: Sequence[SeedsResult] = ()
        self._keys: Sequence[str] = ()
        self._figure = "nelbo"

    def show(self, groups: Sequence[SeedsResult], keys: Sequence[str], figure: str) -> None:
        """Show a figure of the settings over the first two of the keys."""
        self._groups, self._keys, self._figure = groups, keys, figure
        self.refresh()

    def render(self) -> VisualType:
        """The map at its present size."""
        if len(self._keys) < 2 or not self._groups:
            return Text("")
        across, down = (list(dict.fromkeys(_value(group, key) for group in self._groups)) for key in self._keys[:2])
        values: dict[tuple[str, str], list[float]] = {}
        for group in self._groups:
            if self._figure in group.means:
                place = _value(group, self._keys[0]), _value(group, self._keys[1])
                values.setdefault(place, []).append(group.means[self._figure].mean)
        means = {place: sum(found) / len(found) for place, found in values.items()}
        label = max(cell_len(text) for text in (*down, self._keys[1]))
        width, height = self.content_size
        cell = max(1, min(_WIDEST_CELL, (width - label - 2) // len(across)))
        rows = max(1, min(3, (height - 3) // len(down)))
        lines = [Text(f"{TITLES[self._figure]}, nats per image", style=self._ink("faint"))]
        lines.append(Text(" " * (label + 2) + "".join(text[:cell].center(cell) for text in across), style="bold"))
        for text in down:
            for row in range(rows):
                line = Text(no_wrap=True, end="")
                line.append((text if row == rows // 2 else "").rjust(label) + "  ", style="bold")
                for other in across:
                    line.append_text(self._cell(means.get((other, text)), means, cell, written=row == rows // 2))
                lines.append(line)
        lines.append(
            Text(f"{'':{label}}  {printable(self._keys[0])} →   {printable(self._keys[1])} ↓", style=self._ink("faint"))
        )
        return Text("\n", end="").join(lines[:height])

    def _cell(self, value: float | None, means: dict[tuple[str, str], float], width: int, *, written: bool) -> Text:
        if value is None:
            return Text((MISSING if written else "").center(width), style=self._ink("faint"))
        low, high = min(means.values()), max(means.values())
        share = (value - low) / (high - low) if high > low else 0.0
        dark, light = (rgb(self.app.theme_variables, name) for name in ("panel", "primary"))
        ground = tuple(round(a + (b - a) * share) for a, b in zip(dark, light, strict=True))
        ink = "black" if 0.3 * ground[0] + 0.59 * ground[1] + 0.11 * ground[2] > _BRIGHT else "white"
        shown = f"{value:.1f}" if self._figure == "active" or width < 8 else format_nats(value)
        return Text(
            (shown[:width] if written else "").center(width), style=f"{ink} on rgb({ground[0]},{ground[1]},{ground[2]})"
        )

    def _ink(self, name: str) -> str:
        return "rgb({},{},{})".format(*rgb(self.app.theme_variables, name))


def _value(group: SeedsResult, key: str) -> str:
    value = group.values.get(key)
    return printable(show_value(value))
