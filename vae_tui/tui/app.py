"""The app: a run on the training screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from textual.app import SystemCommand
from textual.screen import Screen

from vae_tui.runs.feed import RunFeed
from vae_tui.runs.notify import WatcherNotices
from vae_tui.tui.colors import OWN_VARIABLES, THEME
from vae_tui.tui.graphics.app import PictureApp, PictureChoice
from vae_tui.tui.outcome import Outcome
from vae_tui.tui.screens.training import TrainingScreen

__all__ = ["Outcome", "VaeTuiApp"]


class VaeTuiApp(PictureApp[Outcome]):
    """Shows the run of `feed`; `data_root` is where a walk looks for images, `notices` what its user is
    called for. Its result is how the user left."""

    CSS_PATH = "vae_tui.tcss"
    TITLE = "vae-tui"

    def __init__(
        self,
        feed: RunFeed,
        *,
        images: PictureChoice = "auto",
        data_root: Path | None = None,
        notices: WatcherNotices | None = None,
    ) -> None:
        super().__init__(images=images)
        self._feed, self._data_root, self._notices = feed, data_root, notices
        self.register_theme(THEME)
        self.theme = THEME.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for every theme."""
        return OWN_VARIABLES

    def leave(self) -> None:
        """Leave as `d` does: a trainer goes on."""
        self.exit("detached" if self._feed.status.live else "finished")

    def on_mount(self) -> None:
        """Open the training screen."""
        self.push_screen(TrainingScreen(self._feed, self._data_root, self._notices))

    async def action_quit(self) -> None:
        """Ask as `q` does, or close what lies over the training screen."""
        if isinstance(self.screen, TrainingScreen):
            self.screen.action_leave()
        else:
            self.screen.dismiss()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers: everything a key of the screen does, and the theme."""
        for binding in screen.active_bindings.values():
            if binding.node is screen and isinstance(screen, TrainingScreen):
                action = binding.binding.action
                yield SystemCommand(
                    binding.binding.description, f"key: {binding.binding.key}", self._runner(screen, action)
                )
        yield SystemCommand("Pictures", "Draw them in another way; key: i", self.action_next_picture_mode)
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)

    def _runner(self, screen: Screen[Any], action: str) -> Callable[[], None]:
        async def run() -> None:
            await screen.run_action(action)

        return lambda: screen.call_next(run)
