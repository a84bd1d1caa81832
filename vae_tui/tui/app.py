"""The app: one of the screens first, and what is opened from it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from textual.app import SystemCommand
from textual.reactive import reactive
from textual.screen import ModalScreen, Screen

from vae_tui.errors import VaeTuiError
from vae_tui.settings import THEME, change_setting, describe_problems, read_settings, settings_path
from vae_tui.text import printable
from vae_tui.tui.chosen_keys import check_keys, to_keymap
from vae_tui.tui.colors import THEMES, own_variables, readable_inks
from vae_tui.tui.graphics.app import PictureApp, PictureChoice
from vae_tui.tui.keys import ChosenKeys
from vae_tui.tui.outcome import Outcome
from vae_tui.tui.palette import list_commands
from vae_tui.tui.screens.training import TrainingScreen
from vae_tui.wording import did_you_mean

__all__ = ["Outcome", "VaeTuiApp"]

_SECONDS_TO_READ = 15


class VaeTuiApp(PictureApp[Outcome]):
    """Shows `first`: the home screen, the training screen of a run, or a walk. Its result is how the user left.

    `data_root` is where a walk that is opened from another screen looks for images. Theme and keys are those of the
    user's settings.
    """

    CSS_PATH = "vae_tui.tcss"
    TITLE = "vae-tui"

    chosen_keys: reactive[ChosenKeys] = reactive(dict, repaint=False)

    def __init__(self, first: Screen[Any], *, images: PictureChoice = "auto", data_root: Path | None = None) -> None:
        super().__init__(images=images)
        self._first, self._data_root = first, data_root
        for theme in THEMES:
            self.register_theme(theme)
        self.settings, problems = read_settings(settings_path())
        self._problems = (*problems, *self._take_settings())

    def _take_settings(self) -> list[str]:
        """Have what was chosen; returns a line for what cannot be had."""
        keys, problems = check_keys(self.settings.keys)
        self.set_reactive(VaeTuiApp.chosen_keys, keys)
        self.set_keymap(to_keymap(keys))
        chosen = self.settings.theme
        if chosen in self.available_themes:
            self.theme = chosen
        else:
            self.theme = THEME
            problems.append(f"theme: there is no {chosen!r}{did_you_mean(chosen, self.available_themes)}")
        return problems

    def change_setting(self, key: str, value: str | ChosenKeys | None) -> None:
        """Take what was chosen, and write it into the file; where that cannot be, say so and have it until the end."""
        self.settings = self.settings.with_value(key, value)
        try:
            kept = change_setting(settings_path(), key, value)
        except VaeTuiError as error:
            self.notify(str(error), severity="warning", markup=False)
        else:
            if kept is not None:
                self.notify(printable(f"the file of settings was none; it is kept as {kept}"), markup=False)

    def choose_keys(self, keys: ChosenKeys) -> None:
        """Give actions these keys, now and from now on."""
        self.change_setting("keys", keys)
        self.chosen_keys = keys
        self.set_keymap(to_keymap(keys))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for every theme."""
        return own_variables(self.current_theme)

    def get_css_variables(self) -> dict[str, str]:
        """Those of the theme, with inks that can be read."""
        variables = super().get_css_variables()
        if not self.current_theme.ansi:
            variables |= readable_inks(variables)
            self.theme_variables = variables
        return variables

    def leave(self) -> None:
        """Leave as `d` does: a trainer goes on."""
        trains = isinstance(self._first, TrainingScreen) and self._first.status.live
        self.exit("detached" if trains else "finished")

    def on_mount(self) -> None:
        """Open the first screen, and say what is wrong with the settings."""
        self.push_screen(self._first)
        if self._problems:
            self.call_later(self._say_problems)

    def _say_problems(self) -> None:
        message = describe_problems(settings_path(), tuple(map(printable, self._problems)))
        # What is indented is torn apart where lines are folded.
        self.notify(
            re.sub(r"^ +", "", message, flags=re.MULTILINE), severity="warning", timeout=_SECONDS_TO_READ, markup=False
        )

    def on_training_screen_left(self, event: TrainingScreen.Left) -> None:
        """Go back to where the run was opened, or leave."""
        if isinstance(self._first, TrainingScreen):
            self.exit(event.outcome)
            return
        while self.screen is not self._first:
            self.pop_screen()

    def on_home_screen_opened(self, event: Any) -> None:
        """Show a run."""
        self.push_screen(TrainingScreen(event.feed, self._data_root))

    async def action_quit(self) -> None:
        """Ask as `q` does, or close what lies over a screen."""
        if isinstance(self.screen, ModalScreen):
            self.screen.dismiss()
        else:
            await self.screen.run_action("leave")

    def action_settings(self) -> None:
        """Show the settings."""
        from vae_tui.tui.screens.settings import SettingsScreen  # noqa: PLC0415 most sessions change none

        self.push_screen(SettingsScreen())

    def action_change_theme(self) -> None:
        """Choose another theme, which stays."""
        from vae_tui.tui.screens.settings import choose_theme  # noqa: PLC0415

        choose_theme(self)

    def action_change_keys(self) -> None:
        """Choose other keys."""
        from vae_tui.tui.screens.key_list import KeyListScreen  # noqa: PLC0415

        self.push_screen(KeyListScreen())

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers."""
        return list_commands(self, screen)
