"""The question whether a trainer goes on when its screen is closed."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from vae_tui.runs.find import name_to_type
from vae_tui.runs.layout import Run

Choice = Literal["stop", "leave"]


class LeaveScreen(ModalScreen[Choice | None]):
    """Stop, leave running, or cancel."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "choose('stop')", "Stop"),
        Binding("l,d", "choose('leave')", "Leave running"),
        Binding("c,escape,q,ctrl+c", "choose('cancel')", "Cancel"),
    ]

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def compose(self) -> ComposeResult:
        """One panel."""
        with Vertical(classes="panel") as panel:
            panel.border_title = "quit?"
            panel.border_subtitle = "↑ ↓ enter"
            yield OptionList(
                Option(_option_text("s", "stop", "save a checkpoint, then end the training"), id="stop"),
                Option(_option_text("l", "leave running", f"vae-tui watch {name_to_type(self._run)}"), id="leave"),
                Option(_option_text("c", "cancel", "stay here"), id="cancel"),
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the option that was chosen."""
        self.action_choose(event.option_id or "cancel")

    def action_choose(self, choice: str) -> None:
        """Answer the question."""
        self.dismiss("stop" if choice == "stop" else "leave" if choice == "leave" else None)


def _option_text(key: str, choice: str, meaning: str) -> Content:
    return Content.assemble((f" {key} ", "bold $primary"), (f" {choice:<15}", "bold"), (meaning, "$faint"))
