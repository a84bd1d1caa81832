"""A question that is answered with a line of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from vae_tui.text import printable
from vae_tui.tui.screens.closing import ClosesOnce
from vae_tui.tui.widgets.line import Line

Suggest = Callable[[str], Sequence[tuple[str, str]]]
"""From what was typed so far to answers that fit, each with what it means."""
Check = Callable[[str], str | None]
"""From an answer to what is wrong with it, or None."""
_KEYS = {
    "down": "screen.move(1)",
    "up": "screen.move(-1)",
    "tab": "screen.complete",
    "ctrl+c": "screen.cancel",
}


class PromptScreen(ClosesOnce[str | None], ModalScreen[str | None]):
    """An input with a hint, and below it the answers that fit; its result is the text, None if it was left.

    What is typed takes the place of the `value` that stands there, unless it is not to be selected (`selects`).

    An answer that `check` finds something wrong with is not taken: what is wrong stands in place of the hint, with
    `checks_as_one_types` before it is given.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "cancel", "Cancel"),
    ]

    def __init__(
        self,
        title: str,
        hint: str,
        *,
        value: str = "",
        suggest: Suggest | None = None,
        check: Check | None = None,
        checks_as_one_types: bool = False,
        selects: bool = True,
    ) -> None:
        super().__init__()
        self._selects = selects
        self._checks_as_one_types = checks_as_one_types
        self._title, self._hint, self._value, self._suggest, self._check = title, hint, value, suggest, check
        self._moved = False
        self._offered: str | None = None
        """The text that the answers below fit."""

    def compose(self) -> ComposeResult:
        """One panel."""
        with Vertical(classes="panel") as panel:
            panel.border_title = Content(printable(self._title))
            panel.border_subtitle = "enter takes · esc leaves" + (" · ↑ ↓ choose" if self._suggest else "")
            yield Line(self._value, keys=_KEYS, compact=True, select_on_focus=self._selects)
            yield Static(printable(self._hint), classes="hint", markup=False)
            if self._suggest:
                yield OptionList(compact=True)

    def on_mount(self) -> None:
        """Type at once."""
        line = self.query_one(Line)
        # A cursor that blinks is written for ever, and slow lines have better to do.
        line.cursor_blink = False
        line.focus()
        for choices in self.query(OptionList):
            choices.can_focus = False
            self._offer("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer what fits."""
        self._offer(event.value)
        problem = self._find_problem(event.value.strip()) if self._checks_as_one_types else None
        self._show_hint(problem or self._hint, problem=problem is not None)

    def _offer(self, text: str) -> None:
        if self._suggest is None or text == self._offered:
            return
        self._moved, self._offered = False, text
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options(
            [
                Option(Content(printable(f"{answer:<16} {meaning}")), id=answer)
                for answer, meaning in self._suggest(text.strip())
            ]
        )
        choices.display = choices.option_count > 0

    def action_move(self, rows: int) -> None:
        """Go through the answers that fit."""
        self._offer(self.query_one(Line).value)
        for choices in self.query(OptionList):
            if choices.option_count:
                at = -1 if choices.highlighted is None else choices.highlighted
                if not self._moved:
                    at = -1 if rows > 0 else choices.option_count
                choices.highlighted = (at + rows) % choices.option_count
                self._moved = True

    def action_complete(self) -> None:
        """Put the answer that is chosen, or the first, into the input."""
        self._offer(self.query_one(Line).value)
        if answer := self._chosen(first=True):
            line = self.query_one(Line)
            line.value = answer
            line.cursor_position = len(answer)

    def _chosen(self, *, first: bool = False) -> str | None:
        for choices in self.query(OptionList):
            at = choices.highlighted if self._moved else 0 if first else None
            if at is not None and choices.option_count:
                return choices.get_option_at_index(at).id
        return None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take what was clicked."""
        self.dismiss(event.option_id)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take what was typed, or chosen."""
        answer = self._chosen() or event.value.strip()
        problem = self._find_problem(answer)
        if problem:
            self._show_hint(problem, problem=True)
        else:
            self.dismiss(answer)

    def _find_problem(self, answer: str) -> str | None:
        return self._check(answer) if self._check is not None and answer else None

    def _show_hint(self, text: str, *, problem: bool) -> None:
        line = self.query_one(".hint", Static)
        line.update(printable(text))
        line.set_class(problem, "problem")

    def action_cancel(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)
