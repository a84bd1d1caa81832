"""The help screen: keys, and how to read the charts."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

_KEYS = (
    ("space", "pause, resume"),
    ("s", "save a checkpoint now"),
    ("g", "draw samples and reconstructions now"),
    ("w", "walk the latent space of the newest checkpoint"),
    ("tab", "next view: each pane alone, or beside the chart"),
    ("x", "horizontal axis: step, epoch, time"),
    ("y", "vertical axis of −ELBO: linear, logarithmic"),
    ("m", "smoothing of the training curves"),
    ("i", "pictures: the ways this terminal can draw them"),
    ("d", "detach: the trainer goes on, vae-tui watch shows it again"),
    ("q", "quit: stop, or leave running"),
    ("ctrl+p", "command palette"),
)
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
            yield from table("Keys", _KEYS)
            yield from table("Reading the charts", _READING)
            if self._notes:
                yield from table("Notes on this run", tuple(("", note) for note in self._notes))


def table(title: str, rows: tuple[tuple[str, str], ...]) -> ComposeResult:
    """Rows of a key and its meaning, under a title."""
    yield Static(title, classes="title")
    for key, meaning in rows:
        yield Horizontal(Static(key, classes="key", markup=False), Static(meaning, markup=False))
