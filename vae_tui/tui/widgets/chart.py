"""A chart, drawn by plotext in the colours of the theme."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import message
from textual.events import Click, MouseEvent, MouseScrollDown, MouseScrollUp
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from vae_tui.tui.chart_rows import Rows
from vae_tui.tui.chart_spec import ChartSpec, Specify
from vae_tui.tui.colors import rgb
from vae_tui.tui.plotting import BELOW, draw_curves, frame_chart, put_readings
from vae_tui.wording import MISSING

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp


class Chart(Widget):
    """Draws what it is given, again only when that, the size, the theme or the picture mode changed."""

    class Clicked(message.Message):
        """A place along the horizontal axis was clicked."""

        def __init__(self, x: float) -> None:
            super().__init__()
            self.x = x

    class Scrolled(message.Message):
        """The wheel was turned over a place along the horizontal axis: `by` 1 to look closer, -1 from further away."""

        def __init__(self, x: float, by: int) -> None:
            super().__init__()
            self.x, self.by = x, by

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._specify: Specify | None = None
        self._shown: object = None
        self._drawn: object = None
        self._curves_of: object = None
        self._curves: Rows | None = None
        self._strips: list[Strip] = []

    def on_mount(self) -> None:
        """Draw in other characters where pictures are."""
        self.watch(self.app, "picture_mode", self._draw_anew, init=False)

    def _draw_anew(self) -> None:
        self.refresh()

    def show(self, specify: Specify, stamp: object) -> None:
        """Draw what `specify` makes for so many columns; not again while the `stamp` of what it is made of is the same."""
        if stamp != self._shown:
            self._shown, self._specify = stamp, specify
            self.refresh()

    def specify(self, columns: int) -> ChartSpec | None:
        """What it shows, as for so many columns; None while there is nothing to show."""
        return self._specify(columns) if self._specify else None

    def render_line(self, y: int) -> Strip:
        """A row of cells."""
        app = cast("PictureApp[Any]", self.app)
        stamp = (self._shown, self.size, self.rich_style, app.theme, app.plain, app.color_depth)
        if stamp != self._drawn:
            self._drawn, self._strips = stamp, self._draw_strips(self.size, self.rich_style)
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def on_click(self, event: Click) -> None:
        """Find out what was clicked."""
        x = self._place_under(event)
        if x is not None:
            self.post_message(self.Clicked(x))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Look closer at what is under the pointer."""
        self._scroll(event, 1)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Look from further away."""
        self._scroll(event, -1)

    def _scroll(self, event: MouseEvent, by: int) -> None:
        x = self._place_under(event)
        if x is not None:
            event.stop()
            self.post_message(self.Scrolled(x, by))

    def _place_under(self, event: MouseEvent) -> float | None:
        offset, (width, height) = event.get_content_offset(self), self.size
        spec = self._specify(width) if self._specify else None
        frame = frame_chart(spec, width, height) if spec is not None and height >= 3 + BELOW else None
        return frame.value_at(offset.x) if frame is not None and offset is not None else None

    def _draw_strips(self, size: Size, base: Style) -> list[Strip]:
        width, height = size
        if width < 16 or height < 3 + BELOW:
            return []
        spec = self.specify(width)
        app = cast("PictureApp[Any]", self.app)
        plain = app.plain or app.color_depth == "none"
        drawn = None if spec is None else self._draw(spec, size, plain=plain)
        if drawn is not None:
            return _strips(drawn, base, width)
        text = MISSING if spec is None else "too narrow"
        return [Strip([Segment(text.center(width), base + Style(dim=True))], width)]

    def _draw(self, spec: ChartSpec, size: Size, *, plain: bool) -> Rows | None:
        """Draw a chart; where only the cursor has moved, all but that and what is read there is kept."""
        bare = [replace(curve, ending="") if curve.ending else curve for curve in spec.curves]
        curves = replace(spec, cursor=None, curves=bare)
        drawn_of = (curves, size, plain, self.app.theme)
        if self._curves is None or self._curves_of != drawn_of:
            self._curves_of, self._curves = drawn_of, draw_curves(curves, *size, self._ink, plain=plain)
        if self._curves is None:
            return None
        drawn = self._curves.copy()
        put_readings(drawn, spec, *size, self._ink, plain=plain)
        return drawn

    def _ink(self, color: str, faint: bool) -> tuple[int, int, int]:
        return rgb(self.app.theme_variables, color, towards="background", share=0.68 if faint else 0.0)


def _strips(drawn: Rows, base: Style, width: int) -> list[Strip]:
    """Rows as they are shown, on the ground of `base`."""
    styles: dict[tuple[int, int, int] | None, Style] = {None: base}
    strips = []
    for row in range(len(drawn)):
        segments = []
        for text, color in drawn.runs(row):
            if color not in styles and color is not None:
                styles[color] = base + Style(color=Color.from_rgb(*color))
            segments.append(Segment(text, styles[color]))
        strips.append(Strip(segments, width))
    return strips
