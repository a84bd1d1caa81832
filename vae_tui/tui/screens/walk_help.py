"""The help of the walk: every key."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from vae_tui.tui.keys import help_rows
from vae_tui.tui.screens.help import table
from vae_tui.tui.walk_keys import WALK_KEYS


class WalkHelpScreen(ModalScreen[None]):
    """Closes by almost any key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter,space,ctrl+c", "dismiss", "Close")
    ]

    def compose(self) -> ComposeResult:
        """One panel."""
        with VerticalScroll(classes="panel") as panel:
            panel.border_title = "walking"
            panel.border_subtitle = "↑ ↓ scroll · esc closes"
            for group in WALK_KEYS:
                yield from table(group.title, help_rows(group))
