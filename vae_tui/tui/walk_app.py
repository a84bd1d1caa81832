"""The app of `vae-tui walk`: the walk alone."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from textual.app import SystemCommand
from textual.screen import Screen

from vae_tui.tui.colors import OWN_VARIABLES, THEME
from vae_tui.tui.graphics.app import PictureApp, PictureChoice
from vae_tui.tui.screens.walk import WalkScreen


class WalkApp(PictureApp[None]):
    """Walks through the latent space of a checkpoint file; `note` is shown first."""

    CSS_PATH = "vae_tui.tcss"
    TITLE = "vae-tui walk"

    def __init__(
        self, checkpoint: Path, *, data_root: Path | None = None, images: PictureChoice = "auto", note: str = ""
    ) -> None:
        super().__init__(images=images)
        self._walk = WalkScreen(checkpoint, data_root=data_root, note=note)
        self.register_theme(THEME)
        self.theme = THEME.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for every theme."""
        return OWN_VARIABLES

    def on_mount(self) -> None:
        """Begin the walk."""
        self.push_screen(self._walk)

    async def action_quit(self) -> None:
        """Close what is on top."""
        if isinstance(self.screen, WalkScreen):
            self.screen.action_leave()
        else:
            self.screen.dismiss()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers: everything a key of the screen does, pictures and the theme."""
        for binding in screen.active_bindings.values():
            if binding.node is screen and isinstance(screen, WalkScreen) and binding.binding.description:
                run = partial(screen.run_action, binding.binding.action)
                yield SystemCommand(
                    binding.binding.description, f"key: {binding.binding.key}", partial(screen.call_next, run)
                )
        yield SystemCommand("Pictures", "Draw them in another way; key: i", self.action_next_picture_mode)
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
