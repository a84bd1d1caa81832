"""A question that is answered by a key, or by going to an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from vae_tui.text import printable
from vae_tui.tui.screens.closing import ClosesOnce


@dataclass(frozen=True)
class Choice:
    """An answer: its keys, of which the first is shown, its name, and what it means."""

    keys: str
    name: str
    meaning: str


class ChoiceScreen(ClosesOnce[str | None], ModalScreen[str | None]):
    """Answers, the first of which is highlighted; its result is the name of one, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("c,escape,q,ctrl+c", "cancel", "Cancel")]

    def __init__(self, question: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._question = question
        self._choices = (*choices, Choice("c", "cancel", "stay here"))

    def compose(self) -> ComposeResult:
        """One panel."""
        width = max(10, *(len(choice.name) for choice in self._choices))
        with Vertical(classes="panel") as panel:
            panel.border_title = Content(printable(self._question))
            panel.border_subtitle = "↑ ↓ enter"
            yield OptionList(*(Option(_describe(choice, width), id=choice.name) for choice in self._choices))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the answer that was chosen."""
        self._answer(event.option_id)

    def on_key(self, event: Key) -> None:
        """Take the answer whose key it is."""
        for choice in self._choices:
            if event.character and event.character in choice.keys:
                event.stop()
                self._answer(choice.name)

    def action_cancel(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)

    def _answer(self, name: str | None) -> None:
        self.dismiss(None if name == "cancel" else name)


def _describe(choice: Choice, width: int) -> Content:
    return Content.assemble(
        (f" {choice.keys[0]} ", "bold $primary"),
        (f" {choice.name:<{width}} ", "bold"),
        (printable(choice.meaning), "$faint"),
    )
