"""A chart, drawn by plotext in the colours of the theme."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import message
from textual.events import Click
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from vae_tui.tui.colors import rgb
from vae_tui.tui.curves import ChartSpec, Specify
from vae_tui.tui.plotting import BELOW, draw_chart, frame_chart
from vae_tui.wording import MISSING

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp

_COLOR_CODE = re.compile(r"\x1b\[([\d;]*)m")
_INK = "38;2;"
_RESET = "0"


class Chart(Widget):
    """Draws what it is given, again only when that, the size, the theme or the picture mode changed."""

    class Clicked(message.Message):
        """A place along the horizontal axis was clicked."""

        def __init__(self, x: float) -> None:
            super().__init__()
            self.x = x

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._specify: Specify | None = None
        self._shown: object = None
        self._drawn: object = None
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
        stamp = (self._shown, self.size, self.rich_style, self.app.theme, self._plain)
        if stamp != self._drawn:
            self._drawn, self._strips = stamp, self._draw_strips(self.size, self.rich_style)
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def on_click(self, event: Click) -> None:
        """Find out what was clicked."""
        offset, (width, height) = event.get_content_offset(self), self.size
        spec = self.specify(width)
        frame = frame_chart(spec, width, height) if spec is not None and height >= 3 + BELOW else None
        x = frame.value_at(offset.x) if frame is not None and offset is not None else None
        if x is not None:
            self.post_message(self.Clicked(x))

    @property
    def _plain(self) -> bool:
        return cast("PictureApp[Any]", self.app).plain

    def _draw_strips(self, size: Size, base: Style) -> list[Strip]:
        width, height = size
        if width < 16 or height < 3 + BELOW:
            return []
        spec = self.specify(width)
        drawn = "" if spec is None else draw_chart(spec, width, height, self._ink, plain=self._plain)
        if drawn:
            return read_strips(drawn, base, width)
        text = MISSING if spec is None else "too narrow"
        return [Strip([Segment(text.center(width), base + Style(dim=True))], width)]

    def _ink(self, color: str, faint: bool) -> tuple[int, int, int]:
        return rgb(self.app.theme_variables, color, towards="background", share=0.68 if faint else 0.0)


def read_strips(text: str, base: Style, width: int) -> list[Strip]:
    """Lines with SGR codes as rows of cells; only inks are read, the ground is that of `base`."""
    styles = {_RESET: base}
    strips = []
    for line in text.splitlines():
        style, segments = base, []
        for index, part in enumerate(_COLOR_CODE.split(line)):
            if index % 2 == 0:
                if part:
                    segments.append(Segment(part, style))
            elif part == _RESET or part.startswith(_INK):
                if part not in styles:
                    red, green, blue = map(int, part.removeprefix(_INK).split(";"))
                    styles[part] = base + Style(color=Color.from_rgb(red, green, blue))
                style = styles[part]
        strips.append(Strip(segments, width))
    return strips
