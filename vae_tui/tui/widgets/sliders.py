"""Directions and latent dimensions as sliders, the most telling first."""

from __future__ import annotations

from collections.abc import Sequence

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
from vae_tui.walk.axes import Axes
from vae_tui.walk.paths import Point

_COLORS = ("primary", "faint", "line")
_VALUE, _DEVIATION = 7, 6
"""Cells of a value and of a deviation."""
_SHORTEST = 5
"""Cells of a track that is still one."""


class Sliders(Widget):
    """One row an axis: name, a dimension's rate, place, value, at an image's code the deviation of its posterior. The chosen one stays in sight; dead ones are dimmed and hollow."""

    class Pulled(Message):
        """A slider was clicked: its axis is to be chosen and, where `value` is not None, moved there."""

        def __init__(self, axis: int, value: float | None) -> None:
            super().__init__()
            self.axis, self.value = axis, value

    class Scrolled(Message):
        """The wheel was turned: choose the axis `rows` further down."""

        def __init__(self, rows: int) -> None:
            super().__init__()
            self.rows = rows

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._axes: Axes | None = None
        self._values: list[float] = []
        """Where one is along each of the rows."""
        self._rows: list[int] = []
        self._rates: list[float] = []
        self._deviations: list[float] = []
        """Of the posterior along each of the rows; empty where there is none."""
        self._chosen = 0
        self._first = 0

    def show(
        self,
        z: Point,
        axes: Axes,
        rows: Sequence[int],
        rates: Sequence[float],
        chosen: int,
        deviations: Point | None = None,
    ) -> None:
        """Show where z (Z,) is along axes, in rows; `rates` by dimension, empty where they are not known.

        `deviations` (Z,) are the standard deviations of the posterior whose mean z is, where it is one's. Sliders reach as far from 0 to both sides as the axes' spans say; beyond that a mark stands at the end.
        """
        before = self._axes, self._rows, self._rates, self._first, self._deviations
        values, was_chosen = self._values, self._chosen
        self._axes, self._rows, self._rates, self._chosen = axes, list(rows), list(rates), chosen
        self._values = [axes.value(z, axis) for axis in rows]
        self._deviations = [] if deviations is None else [axes.deviation(deviations, axis) for axis in rows]
        self._scroll()
        active = sum(rate > ACTIVE_NATS for rate in rates)
        subtitle = f"{active} of {len(z)} active" if rates else ""
        if subtitle != self.border_subtitle:
            self.border_subtitle = subtitle
        if (self._axes, self._rows, self._rates, self._first, self._deviations) != before:
            self.refresh()
            return
        # A line takes a while to paint, and mostly one or two of many change.
        last = self._first + self.content_size.height
        for y, (row, axis) in enumerate(enumerate(self._rows[self._first : last], self._first)):
            if self._values[row] != values[row] or (axis == chosen) != (axis == was_chosen):
                self.refresh(Region(0, y, self.content_size.width, 1))

    def on_resize(self) -> None:
        """Keep the chosen one in sight."""
        self._scroll()
        self.refresh()

    def _scroll(self) -> None:
        height = max(1, self.content_size.height)
        if self._chosen in self._rows:
            row = self._rows.index(self._chosen)
            lowest = max(0, len(self._rows) - height)
            self._first = min(max(self._first, row - height + 1), row, lowest)

    def render_line(self, y: int) -> Strip:
        """The slider in a row."""
        width, ground = self.content_size.width, self.rich_style
        row, axes = self._first + y, self._axes
        if axes is None or width < 12 or not 0 <= row < len(self._rows):
            return Strip.blank(width, ground)
        axis = self._rows[row]
        variables = self.app.theme_variables
        strong, faint, track = (ground + Style(color=Color.from_rgb(*rgb(variables, name))) for name in _COLORS)
        chosen, direction = axis == self._chosen, axes.is_direction(axis)
        rate = self._rates[axis] if self._rates and not direction else None
        dead = rate is not None and rate <= ACTIVE_NATS
        value, span = self._values[row], float(axes.spans[axis])
        start, end = self._track(width)
        beside = self._beside(width)
        room = width - end - beside
        name = axes.name(axis, start - 2).ljust(self._digits + 1)
        left = f"{'▸' if chosen else ' '}{name} " + ("" if rate is None else f"{rate:4.2f} ")
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
            Segment(f" {_to_width(value, room - 1)}".ljust(room), faint if dead else ground + bold),
        ]
        if beside:
            segments.append(Segment(f"±{self._deviations[row]:.2f}".ljust(beside)[:beside], faint))
        return Strip(segments, width)

    def _track(self, width: int) -> tuple[int, int]:
        """The cells from and to which a slider's track runs."""
        return self._left, max(self._left + 1, width - _VALUE - self._beside(width))

    def _beside(self, width: int) -> int:
        """The cells that deviations take beside the values, which is none where tracks would be too short."""
        has_room = width - self._left - _VALUE - _DEVIATION >= _SHORTEST
        return _DEVIATION if self._deviations and has_room else 0

    @property
    def _left(self) -> int:
        return 3 + self._digits + (5 if self._rates else 0)

    @property
    def _digits(self) -> int:
        return 1 if self._axes is None else len(str(self._axes.latent_dim - 1))

    def on_click(self, event: Click) -> None:
        """Take the slider to where it was clicked."""
        offset = event.get_content_offset(self)
        axes = self._axes
        if offset is None or axes is None or not 0 <= self._first + offset.y < len(self._rows):
            return
        start, end = self._track(self.content_size.width)
        axis = self._rows[self._first + offset.y]
        inside = start <= offset.x < end and end - start > 1
        share = (offset.x - start) / (end - start - 1) if inside else 0.0
        self.post_message(self.Pulled(axis, float((2 * share - 1) * axes.spans[axis]) if inside else None))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Choose the next axis."""
        self.post_message(self.Scrolled(1))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Choose the axis before."""
        self.post_message(self.Scrolled(-1))


def _to_width(value: float, width: int) -> str:
    """A value with its sign and as many of two decimals as there is room for."""
    texts = [f"{value:+.{decimals}f}" for decimals in (2, 1, 0)]
    return next((text for text in texts if len(text) <= width), texts[-1])
