"""Shows pictures as the screens do; run by tests in terminals. Keys: n the next one, f the next 300 one after another,
o another first tile, w half the width and back, i another way to draw.

    python pictures_program.py LOG [auto|kitty|sixel|half|ascii]

Every key and what is shown go into LOG, a line each.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.css.scalar import Scalar
from textual.events import Key, Paste
from textual.screen import ModalScreen
from textual.widgets import Static

from vae_tui.imaging.grid import Pixels
from vae_tui.tui.graphics.app import PictureApp, PictureChoice
from vae_tui.tui.widgets.canvas import Canvas

COLUMNS = 3


def draw_tiles(number: int) -> Pixels:
    """Six noisy tiles, (6, 1, 28, 28, 3): grey at first, the last two in colour; they differ with `number`."""
    random = np.random.default_rng(number)
    means = random.integers(90, 216, (6, 1, 1, 1, 3))
    means[:4] = means[:4, ..., :1]
    # The same noise in every channel, in squares of 7, so that a mean over a region says which tile it is.
    noise = random.integers(-40, 40, (6, 1, 4, 4, 1)).repeat(7, axis=2).repeat(7, axis=3)
    return (means + noise).astype(np.uint8)


class Cover(ModalScreen[None]):
    """Lies over the pictures."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]
    DEFAULT_CSS = "Cover { align: center middle; } Cover Static { width: 20; height: 3; background: blue; }"

    def compose(self) -> ComposeResult:
        yield Static("over it")


class Program(PictureApp[None]):
    """A line of text, a canvas, a line of text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("n", "next", "Next"),
        Binding("f", "flood", "Flood"),
        Binding("o", "one", "One"),
        Binding("c", "cover", "Cover"),
        Binding("k", "mark", "Mark"),
        Binding("w", "width", "Width"),
        Binding("i", "next_picture_mode", "Way to draw"),
    ]

    def __init__(self, log: Path, images: PictureChoice) -> None:
        super().__init__(images=images)
        self._log_path, self._number, self._canvas, self._status = log, 0, Canvas(), Static()
        self._left = 0

    def compose(self) -> ComposeResult:
        yield Static("pictures")
        yield self._canvas
        yield self._status

    def on_mount(self) -> None:
        self._show()
        self.watch(self, "picture_mode", lambda mode: self._say(f"mode {mode}"))

    def on_canvas_area_changed(self) -> None:
        self._say(f"area {self._canvas.area}")

    def on_key(self, event: Key) -> None:
        self._say(f"key {event.key}")

    def on_paste(self, event: Paste) -> None:
        self._say(f"paste {event.text}")

    def _show(self) -> None:
        self._canvas.show(draw_tiles(self._number), columns=COLUMNS)
        self._status.update(f"number {self._number} ●")
        self._say(f"shown {self._number}")

    def _say(self, what: str) -> None:
        with self._log_path.open("a") as log:
            log.write(f"{what}\n")

    def action_next(self) -> None:
        self._number += 1
        self._show()

    def action_one(self) -> None:
        tiles = draw_tiles(self._number)
        tiles[0] = draw_tiles(self._number + 1)[0]
        self._canvas.show(tiles, columns=COLUMNS)

    def action_flood(self) -> None:
        self._left = 300
        self._flood = self.set_interval(0.005, self._go_on)

    def _go_on(self) -> None:
        if not self._left:
            return  # Textual calls a late timer once more after it was stopped
        self._left -= 1
        self.action_next()
        if not self._left:
            self._flood.stop()
            self._say("flooded")

    def action_cover(self) -> None:
        self.push_screen(Cover())

    def action_width(self) -> None:
        narrow = self._canvas.styles.width == Scalar.parse("1fr")
        self._canvas.styles.width = "50%" if narrow else "1fr"

    def action_mark(self) -> None:
        self._canvas.mark = 4


if __name__ == "__main__":
    Program(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "auto").run()  # type: ignore[arg-type]
