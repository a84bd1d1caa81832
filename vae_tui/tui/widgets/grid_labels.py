"""Names and numbers beside the rows and columns of a canvas's tiles."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from vae_tui.tui.widgets.canvas import Canvas

LABEL_COLUMNS, LABEL_ROWS = 12, 1
"""Cells that labels take on the left and below."""


class RowLabels(Widget):
    """Before each row of tiles its label, at its middle; of one that is too long its first word, or nothing."""

    DEFAULT_CSS = f"RowLabels {{ width: {LABEL_COLUMNS}; height: 1fr; }}"

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self._canvas = canvas
        self._at: dict[int, str] = {}

    def show(self, labels: Sequence[str]) -> None:
        """Show these, one for each row of the canvas's tiles as they stand now."""
        columns = max(1, len(self._canvas.tile_cells) // max(1, len(labels)))
        firsts = self._canvas.tile_cells[::columns]
        at = {(top + bottom - 1) // 2: text for (top, _, bottom, _), text in zip(firsts, labels, strict=False)}
        if at != self._at:
            self._at = at
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The label of the row of tiles whose middle this is."""
        width = self.content_size.width
        whole = self._at.get(y, "")
        text = next((text for text in (whole, whole.partition(" ")[0]) if len(text) < width), "")
        return Strip([Segment(text.rjust(width - 1) + " ", self.rich_style + Style(dim=True))], width)


class ColumnLabels(Widget):
    """Under each column of tiles its label, as many as there is room for."""

    DEFAULT_CSS = f"ColumnLabels {{ width: 1fr; height: {LABEL_ROWS}; }}"

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self._canvas = canvas
        self._text = ""

    def show(self, labels: Sequence[str]) -> None:
        """Show these, one for each column of the canvas's tiles as they stand now."""
        text = [" "] * self._canvas.content_size.width
        free_from = 0
        for (_, left, _, right), label in zip(self._canvas.tile_cells, labels, strict=False):
            start = max(0, (left + right - len(label)) // 2)
            if free_from <= start <= len(text) - len(label):
                text[start : start + len(label)] = label
                free_from = start + len(label) + 1
        if (joined := "".join(text)) != self._text:
            self._text = joined
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The labels."""
        width = self.content_size.width
        return Strip([Segment(self._text[:width].ljust(width), self.rich_style + Style(dim=True))], width)
