"""All keys and what they do, each to be changed by pressing another."""

from __future__ import annotations

from typing import ClassVar, Protocol, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from vae_tui.settings import Settings
from vae_tui.tui.chosen_keys import Action, find_conflict, keys_now, list_actions
from vae_tui.tui.key_tables import TITLES
from vae_tui.tui.keys import ChosenKeys, KeyedApp
from vae_tui.tui.screens.closing import ClosesOnce


class SettingsApp(KeyedApp, Protocol):
    """An app whose user's settings can be changed."""

    settings: Settings

    def change_setting(self, key: str, value: str | ChosenKeys | None) -> None:
        """Take what was chosen, and keep it."""

    def choose_keys(self, keys: ChosenKeys) -> None:
        """Give actions these keys, and keep them."""


class KeyListScreen(ClosesOnce[None], ModalScreen[None]):
    """A line for each action with its keys, under the title of its first screen; those with chosen keys are marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("backspace,delete", "reset", "The usual key"),
        Binding("escape,q,ctrl+c", "dismiss", "Close"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._actions = {action.name: action for action in list_actions()}

    def compose(self) -> ComposeResult:
        """One panel."""
        with Vertical(classes="panel") as panel:
            panel.border_title = "keys"
            panel.border_subtitle = "enter: another key · backspace: the usual one · esc"
            yield OptionList(compact=True)
            yield Static(classes="hint", markup=False)

    def on_mount(self) -> None:
        """Show all."""
        self._show(1)

    @property
    def _chosen(self) -> ChosenKeys:
        return cast("SettingsApp", self.app).chosen_keys

    def _show(self, at: int | None) -> None:
        options, shown = self.query_one(OptionList), ""
        lines = []
        for action in self._actions.values():
            if action.screens[0] != shown:
                shown = action.screens[0]
                lines.append(Option(Content.styled(TITLES[shown], "bold $primary"), disabled=True))
            lines.append(Option(self._describe(action), id=action.name))
        options.set_options(lines)
        options.highlighted = at

    def _describe(self, action: Action) -> Content:
        changed = action.name in self._chosen
        keys = " ".join(keys_now(action, self._chosen))
        return Content.assemble(
            " * " if changed else "   ",
            (f"{keys:<12} ", "bold"),
            action.description,
        )

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say where it is a key, and what settings call it."""
        if event.option_id is not None:
            action = self._actions[event.option_id]
            where = ", ".join(TITLES[screen] for screen in action.screens)
            self.query_one(".hint", Static).update(f"on the screens of {where}; in the file: {action.name}")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Ask for another key."""
        action = self._actions[str(event.option_id)]

        def take(key: str | None) -> None:
            if key is not None:
                self._choose({**self._chosen, action.name: (key,)})

        self.app.push_screen(KeyPressScreen(action, self._chosen), take)

    def action_reset(self) -> None:
        """Give the action its usual keys again, unless these are another's by now."""
        options = self.query_one(OptionList)
        name = None if options.highlighted is None else options.get_option_at_index(options.highlighted).id
        if name is not None and name in self._chosen:
            self._choose({other: keys for other, keys in self._chosen.items() if other != name})

    def _choose(self, keys: ChosenKeys) -> None:
        cast("SettingsApp", self.app).choose_keys(keys)
        self._show(self.query_one(OptionList).highlighted)


class KeyPressScreen(ClosesOnce[str | None], ModalScreen[str | None]):
    """Waits for a key that is free; its result is that, None if it was left."""

    def __init__(self, action: Action, chosen: ChosenKeys) -> None:
        super().__init__()
        self._action, self._chosen = action, chosen

    def compose(self) -> ComposeResult:
        """One panel."""
        with Vertical(classes="panel") as panel:
            panel.border_title = f"another key: {self._action.description}"
            panel.border_subtitle = "esc leaves"
            now = " ".join(keys_now(self._action, self._chosen))
            yield Static(f"press the key that is to do it instead of {now}", classes="hint", markup=False)

    def on_key(self, event: Key) -> None:
        """Take it, or say why it cannot be."""
        event.stop()
        event.prevent_default()
        if event.key in ("escape", "ctrl+c"):
            self.dismiss(None)
        elif problem := find_conflict(self._action, event.key, self._chosen):
            hint = self.query_one(".hint", Static)
            hint.update(f"{problem}; press another, or give that another first")
            hint.add_class("problem")
        else:
            self.dismiss(event.key)
