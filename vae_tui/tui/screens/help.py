"""The help screen: keys, and how to read the charts."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from vae_tui.text import printable
from vae_tui.tui.keys import help_rows
from vae_tui.tui.training_keys import TRAINING_KEYS

_READING = (
    ("−ELBO", "falls and levels off, validation a little above it: healthy"),
    ("", "validation turns up again: it overfits, ◆ marks the best"),
    ("rate", "near 0, no dimension active: posterior collapse"),
    ("distortion", "what reconstructions cost; it falls as rate is spent"),
    ("nats", "summed over pixels and dimensions, averaged over images"),
)


class HelpScreen(ModalScreen[None]):
    """Closes by almost any key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter,space,ctrl+c", "dismiss", "Close")
    ]

    def __init__(self, notes: tuple[str, ...]) -> None:
        super().__init__()
        self._notes = notes

    def compose(self) -> ComposeResult:
        """One panel."""
        with VerticalScroll(classes="panel") as panel:
            panel.border_title = "help"
            panel.border_subtitle = "esc closes"
            for group in TRAINING_KEYS:
                yield from table(group.title, help_rows(group))
            yield from table("Reading the charts", _READING)
            if self._notes:
                yield from table("Notes on this run", tuple(("", note) for note in self._notes))


def table(title: str, rows: tuple[tuple[str, str], ...]) -> ComposeResult:
    """Rows of a key and its meaning, under a title."""
    yield Static(title, classes="title")
    for key, meaning in rows:
        yield Horizontal(Static(key, classes="key", markup=False), Static(printable(meaning), markup=False))
