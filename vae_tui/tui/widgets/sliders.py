"""The latent dimensions as sliders, the most telling first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from vae_tui.events import ACTIVE_NATS
from vae_tui.tui.colors import rgb
from vae_tui.walk.paths import Point

_COLORS = ("primary", "faint", "line")


class Sliders(Widget):
    """One row a dimension: number, rate, place, value. The chosen one stays in sight; dead ones are dimmed and hollow."""

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
        self._order: list[int] = []
        self._rates: list[float] = []
        self._spans: Point = np.zeros(0, np.float32)
        self._chosen = 0
        self._first = 0

    def show(self, z: Point, order: Sequence[int], rates: Sequence[float], spans: Point, chosen: int) -> None:
        """Show z (Z,) with its dimensions in an order; `rates` by dimension, empty where they are not known.

        Sliders reach as far from 0 to both sides as `spans` (Z,) say; beyond that a mark stands at the end.
        """
        before = self._z, self._order, self._rates, self._chosen, self._first
        self._z, self._order, self._rates, self._chosen = z, list(order), list(rates), chosen
        spans_changed, self._spans = not np.array_equal(spans, self._spans), spans
        self._scroll()
        active = sum(rate > ACTIVE_NATS for rate in rates)
        subtitle = f"{active} of {len(z)} active" if rates else ""
        if subtitle != self.border_subtitle:
            self.border_subtitle = subtitle
        if spans_changed or (self._order, self._rates, self._first) != (before[1], before[2], before[4]):
            self.refresh()
            return
        # A line takes a while to paint, and mostly one or two of many change.
        for y, dimension in enumerate(self._order[self._first : self._first + self.content_size.height]):
            if z[dimension] != before[0][dimension] or (dimension == chosen) != (dimension == before[3]):
                self.refresh(Region(0, y, self.content_size.width, 1))

    def on_resize(self) -> None:
        """Keep the chosen one in sight."""
        self._scroll()
        self.refresh()

    def _scroll(self) -> None:
        height = max(1, self.content_size.height)
        if self._chosen in self._order:
            row = self._order.index(self._chosen)
            lowest = max(0, len(self._order) - height)
            self._first = min(max(self._first, row - height + 1), row, lowest)

    def render_line(self, y: int) -> Strip:
        """The slider in a row."""
        width, ground = self.content_size.width, self.rich_style
        if width < 12 or not 0 <= self._first + y < len(self._order):
            return Strip.blank(width, ground)
        dimension = self._order[self._first + y]
        variables = self.app.theme_variables
        strong, faint, track = (ground + Style(color=Color.from_rgb(*rgb(variables, name))) for name in _COLORS)
        chosen = dimension == self._chosen
        rate = self._rates[dimension] if self._rates else None
        dead = rate is not None and rate <= ACTIVE_NATS
        value = float(self._z[dimension])
        digits = len(str(len(self._z) - 1))
        left = f"{'▸' if chosen else ' '}z{dimension:<{digits}} " + ("" if rate is None else f"{rate:4.2f} ")
        start, end = self._track(width)
        span = float(self._spans[dimension])
        mark = start + round((min(max(value, -span), span) + span) / (2 * span) * (end - start - 1))
        middle = start + (end - start - 1) // 2
        rail = "".join("┼" if cell == middle else "─" for cell in range(start, end))
        color = faint if dead else strong
        bold = Style(bold=chosen)
        segments = [
            Segment(left.ljust(start)[:start], (color if chosen else faint) + bold),
            Segment(rail[: mark - start], track),
            Segment("◆" if chosen else "○" if dead else "●", color + bold),
            Segment(rail[mark - start + 1 :], track),
            Segment(f" {value:+.2f}".ljust(width - end)[: width - end], faint if dead else ground + bold),
        ]
        return Strip(segments, width)

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
        dimension = self._order[self._first + offset.y]
        inside = start <= offset.x < end and end - start > 1
        share = (offset.x - start) / (end - start - 1) if inside else 0.0
        self.post_message(self.Pulled(dimension, float((2 * share - 1) * self._spans[dimension]) if inside else None))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Choose the next dimension."""
        self.post_message(self.Scrolled(1))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Choose the dimension before."""
        self.post_message(self.Scrolled(-1))
