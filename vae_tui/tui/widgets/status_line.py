"""The line that says what happened last."""

from __future__ import annotations

import textwrap

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.text import printable

_TO_BE_READ = ("$warning", "$error", "$success")
"""Styles of what is said once, and stands nowhere else."""
_MOST_ROWS = 4


class StatusLine(Widget):
    """One line, shortened where it is too long; what is to be read whole takes further ones.

    Unlike a Static it asks for the screen to be laid out anew only then.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text, self._style = "", ""
        self._rows = 1

    def show(self, text: str, style: str) -> None:
        """Show another text, in a style of Textual."""
        text = printable(text)
        if (text, style) != (self._text, self._style):
            self._text, self._style = text, style
            self._take_rows()
            self.refresh()

    def on_resize(self) -> None:
        """Take as many rows as the text needs at this width."""
        self._take_rows()

    def render(self) -> VisualType:
        """The rows, shortened where there is too much for them."""
        width = max(1, self.content_size.width)
        lines = self._wrapped[: self._rows - 1]
        lines.append(self._text[len("".join(lines)) :] if lines else self._text)
        return Content("\n").join(
            Content.styled(line.strip() if self._rows > 1 else line, self._style).truncate(width, ellipsis=True)
            for line in lines
        )

    @property
    def _wrapped(self) -> list[str]:
        width = max(1, self.content_size.width)
        return textwrap.wrap(self._text, width, drop_whitespace=False, replace_whitespace=False)

    def _take_rows(self) -> None:
        wanted = len(self._wrapped) if self._style in _TO_BE_READ and self.content_size.width else 1
        rows = max(1, min(_MOST_ROWS, wanted))
        if rows != self._rows:
            self._rows = rows
            self.styles.height = rows
