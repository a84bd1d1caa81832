"""The line that says what happened last."""

from __future__ import annotations

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.text import printable


class StatusLine(Widget):
    """One line; unlike a Static it never asks for the screen to be laid out anew."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text, self._style = "", ""

    def show(self, text: str, style: str) -> None:
        """Show another text, in a style of Textual."""
        text = printable(text)
        if (text, style) != (self._text, self._style):
            self._text, self._style = text, style
            self.refresh()

    def render(self) -> VisualType:
        """The line, shortened where it is too long."""
        return Content.styled(self._text, self._style).truncate(max(1, self.content_size.width), ellipsis=True)
