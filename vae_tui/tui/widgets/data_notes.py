"""What of the images was left aside, and how they were read: in view for as long as a run is shown."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.text import printable

_ROWS_BY_HEIGHT = ((30, 3), (20, 2), (0, 1))
"""At most so many rows on a screen that has so many at least."""


class DataNotes(Widget):
    """A line for each note, and none where there is nothing to say; what there is no room for is in the help."""

    def __init__(self) -> None:
        super().__init__()
        self._notes: tuple[str, ...] = ()
        self._rows = 0
        self.display = False

    def show(self, notes: Sequence[str]) -> None:
        """Show these notes."""
        room = next(rows for height, rows in _ROWS_BY_HEIGHT if self.app.size.height >= height)
        rows = min(len(notes), room)
        if (tuple(notes), rows) != (self._notes, self._rows):
            self._notes, self._rows = tuple(notes), rows
            self.display = bool(notes)
            self.styles.height = rows
            self.refresh()

    def render(self) -> VisualType:
        """The first notes, as much of them as there is room for, and where the rest is found."""
        width = max(1, self.content_size.width)
        shown = [Content.styled(f"note: {printable(note)}", "$warning") for note in self._notes[: self._rows]]
        is_cut = any(note.cell_length > width for note in shown) or len(self._notes) > self._rows
        more = Content.styled(
            f"  ? all {len(self._notes)} notes" if len(self._notes) > 1 else "  ? all of it", "$faint"
        )
        if not is_cut or width < 2 * more.cell_length:
            more = Content("")
        room = width - more.cell_length
        lines = [note.truncate(width, ellipsis=True) for note in shown[:-1]]
        if shown:
            lines.append(Content.assemble(shown[-1].truncate(room, ellipsis=True), more))
        return Content("\n").join(lines)
