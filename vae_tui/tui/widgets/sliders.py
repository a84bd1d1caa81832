"""The latent dimensions as sliders, the most telling first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.text import Text
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.events import ACTIVE_NATS
from vae_tui.tui.colors import rgb
from vae_tui.tui.position import Point

SPAN = 3.0
"""Sliders reach this far from 0 to both sides; beyond it a mark stands at the end."""


class Sliders(Widget):
    """One row a dimension: number, rate, place, value. The chosen one stays in sight; dead ones are dimmed."""

    class Pulled(Message):
        """A slider was clicked: `dimension` is to be chosen and, where `value` is not None, moved there."""

        def __init__(self, dimension: int, value: float | None) -> None:
            super().__init__()
            self.dimension, self.value = dimension, value

    class Scrolled(Message):
        """The wheel was turned: choose the dimension `rows` further down."""

        def __init__(self, rows: int) -> None:
            super().__init__()
            self.rows = rows

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._z: Point = np.zeros(0, np.float32)
        self._order: Sequence[int] = ()
        self._rates: Sequence[float] = ()
        self._chosen = 0
        self._first = 0

    def show(self, z: Point, order: Sequence[int], rates: Sequence[float], chosen: int) -> None:
        """Show z (Z,) with its dimensions in an order; `rates` by dimension, empty where they are not known."""
        self._z, self._order, self._rates, self._chosen = z, order, rates, chosen
        active = sum(rate > ACTIVE_NATS for rate in rates)
        self.border_subtitle = f"{active} of {len(z)} active" if rates else ""
        self.refresh()

    def render(self) -> VisualType:
        """The rows that fit around the chosen one."""
        width, height = self.content_size
        if not len(self._z) or width < 12 or height < 1:
            return Text("")
        row = list(self._order).index(self._chosen)
        lowest = max(0, len(self._order) - height)
        self._first = min(max(self._first, row - height + 1), row, lowest)
        shown = self._order[self._first : self._first + height]
        return Text("\n", end="").join([self._line(dimension, width) for dimension in shown])

    def _line(self, dimension: int, width: int) -> Text:
        variables = self.app.theme_variables
        strong, faint, track = (rgb(variables, name) for name in ("primary", "faint", "line"))
        chosen = dimension == self._chosen
        rate = self._rates[dimension] if self._rates else None
        dead = rate is not None and rate <= ACTIVE_NATS
        value = float(self._z[dimension])
        digits = len(str(len(self._z) - 1))
        left = f"{'▸' if chosen else ' '}z{dimension:<{digits}} " + ("" if rate is None else f"{rate:4.2f} ")
        right = f" {value:+.2f}"
        start, end = self._track(width)
        mark = start + round((min(max(value, -SPAN), SPAN) + SPAN) / (2 * SPAN) * (end - start - 1))
        color = faint if dead else strong
        line = Text(left.ljust(start), style=_style(color if chosen else faint, bold=chosen), end="", no_wrap=True)
        middle = start + (end - start - 1) // 2
        for cell in range(start, end):
            if cell == mark:
                line.append("◆" if chosen else "●", style=_style(color, bold=chosen))
            else:
                line.append("┼" if cell == middle else "─", style=_style(track))
        line.append(right, style="bold" if chosen else "dim" if dead else "")
        return line

    def _track(self, width: int) -> tuple[int, int]:
        """The cells from and to which a slider's track runs."""
        left = 3 + len(str(len(self._z) - 1)) + (5 if self._rates else 0)
        return left, max(left + 1, width - 7)

    def on_click(self, event: Click) -> None:
        """Take the slider to where it was clicked."""
        offset = event.get_content_offset(self)
        if offset is None or not 0 <= self._first + offset.y < len(self._order):
            return
        start, end = self._track(self.content_size.width)
        inside = start <= offset.x < end and end - start > 1
        value = (offset.x - start) / (end - start - 1) * 2 * SPAN - SPAN if inside else None
        self.post_message(self.Pulled(self._order[self._first + offset.y], value))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Choose the next dimension."""
        self.post_message(self.Scrolled(1))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Choose the dimension before."""
        self.post_message(self.Scrolled(-1))


def _style(color: tuple[int, int, int], *, bold: bool = False) -> str:
    return ("bold " if bold else "") + "rgb({},{},{})".format(*color)
