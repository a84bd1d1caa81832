"""The app: one of the screens first, and what is opened from it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from textual.app import SystemCommand
from textual.screen import ModalScreen, Screen

from vae_tui.tui.colors import THEME, own_variables
from vae_tui.tui.graphics.app import PictureApp, PictureChoice
from vae_tui.tui.outcome import Outcome
from vae_tui.tui.screens.training import TrainingScreen

__all__ = ["Outcome", "VaeTuiApp"]


class VaeTuiApp(PictureApp[Outcome]):
    """Shows `first`: the home screen, the training screen of a run, or a walk. Its result is how the user left.

    `data_root` is where a walk that is opened from another screen looks for images.
    """

    CSS_PATH = "vae_tui.tcss"
    TITLE = "vae-tui"

    def __init__(self, first: Screen[Any], *, images: PictureChoice = "auto", data_root: Path | None = None) -> None:
        super().__init__(images=images)
        self._first, self._data_root = first, data_root
        self.register_theme(THEME)
        self.theme = THEME.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for every theme."""
        return own_variables(dark=self.current_theme.dark)

    def leave(self) -> None:
        """Leave as `d` does: a trainer goes on."""
        trains = isinstance(self._first, TrainingScreen) and self._first.status.live
        self.exit("detached" if trains else "finished")

    def on_mount(self) -> None:
        """Open the first screen."""
        self.push_screen(self._first)

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

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers: everything a key of the screen does, pictures and the theme."""
        offered: set[str] = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            if active.node is screen and binding.description and binding.description not in offered:
                offered.add(binding.description)
                run = partial(screen.run_action, binding.action)
                yield SystemCommand(
                    binding.description, f"key: {self.get_key_display(binding)}", partial(screen.call_next, run)
                )
        yield SystemCommand("Pictures", "Draw them in another way; key: i", self.action_next_picture_mode)
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
