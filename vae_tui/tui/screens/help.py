"""The help: the keys of a screen, and what else is worth knowing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, cast

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from vae_tui.text import printable
from vae_tui.tui.keys import KeyedApp, Table, help_rows, rebound
from vae_tui.tui.screens.closing import ClosesOnce

Rows = Sequence[tuple[str, str]]
"""Keys or names, and what they mean."""


class HelpScreen(ClosesOnce[None], ModalScreen[None]):
    """Closes by almost any key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter,space,ctrl+c", "dismiss", "Close")
    ]

    def __init__(self, keys: Table, more: Mapping[str, Rows] | None = None, *, title: str = "help") -> None:
        super().__init__()
        self._keys, self._more, self._title = keys, more or {}, title

    def compose(self) -> ComposeResult:
        """One panel."""
        with VerticalScroll(classes="panel") as panel:
            panel.border_title = self._title
            panel.border_subtitle = "↑ ↓ scroll · esc closes"
            groups = rebound(self._keys, cast("KeyedApp", self.app).chosen_keys)
            tables = {group.title: help_rows(group) for group in groups} | dict(self._more)
            width = max(cell_len(key) for rows in tables.values() for key, _ in rows) + 2
            for title, rows in tables.items():
                yield from _table(title, rows, width)


def _table(title: str, rows: Rows, width: int) -> ComposeResult:
    """Rows of a key, in so many cells, and its meaning, under a title."""
    yield Static(title, classes="title")
    for key, meaning in rows:
        named = Static(key, classes="key", markup=False)
        named.styles.width = width
        yield Horizontal(named, Static(printable(meaning), markup=False))
