"""An app that shows pictures in the best way its terminal can."""

from __future__ import annotations

import os
from typing import Any, ClassVar, Literal, TypeVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from vae_tui.imaging.terminal import MODES, Colors, Mode, detect_colors

Images = Literal["auto", "kitty", "sixel", "half", "ascii"]
"""What the user asked for."""
_Outcome = TypeVar("_Outcome")


class PictureApp(App[_Outcome]):
    """Knows how pictures are drawn now, and lets the user choose; `images` is what was asked for at the start."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("i", "next_picture_mode", "Pictures")]

    picture_mode: reactive[Mode] = reactive("half", repaint=False)
    color_depth: reactive[Colors] = reactive("truecolor", repaint=False)
    cell_size: reactive[tuple[int, int]] = reactive((20, 10), repaint=False)
    """Height and width of a cell in pixels."""

    def __init__(self, *, images: Images = "auto", **given: Any) -> None:
        super().__init__(**given)
        self._images = images
        self.set_reactive(PictureApp.color_depth, detect_colors(os.environ))
        mode: Mode = "ascii" if self.color_depth == "none" else "half"
        self.set_reactive(PictureApp.picture_mode, mode if images == "auto" else images)

    @property
    def picture_modes(self) -> tuple[Mode, ...]:
        """The ways to draw that this terminal knows, best first, and the one that was asked for."""
        return tuple(mode for mode in MODES if mode in ("half", "ascii", self._images))

    def action_next_picture_mode(self) -> None:
        """Draw pictures in the next way that this terminal knows."""
        modes = self.picture_modes
        self.picture_mode = modes[(modes.index(self.picture_mode) + 1) % len(modes)]
