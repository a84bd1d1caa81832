"""A picture as a user changes it by hand: pixels are painted, and a part may be hidden."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vae_tui.walk.views.view import Pixels

Tool = Literal["paint", "hide", "uncover"]
TOOLS: tuple[Tool, ...] = ("paint", "hide", "uncover")
_GREYS: dict[str, tuple[int, ...]] = {
    "black": (0,),
    "dark grey": (64,),
    "grey": (128,),
    "light grey": (192,),
    "white": (255,),
}
_COLORS: dict[str, tuple[int, ...]] = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "red": (220, 40, 40),
    "yellow": (240, 210, 50),
    "green": (50, 170, 70),
    "cyan": (60, 200, 210),
    "blue": (50, 90, 220),
    "magenta": (200, 70, 190),
    "brown": (130, 85, 50),
}
_HIDDEN = (150, 80, 170), (110, 50, 130)
"""Red, green and blue of the fields of a chessboard that lies over what is hidden."""
_SEEN_THROUGH = 0.35
"""How much of what is hidden is seen through it."""
_CURSOR = (255, 190, 0)
_SIDE_OF_BRUSH = 14
"""A brush is at first a pixel wide for so many of the image's shorter side."""
_MOST_UNDONE = 200

Place = tuple[int, int]
_State = tuple[Pixels, NDArray[np.bool_]]


class PictureEdit:
    """An `image` (H, W, C), C being 1 or 3, of which `hidden` (H, W) is hidden, and the brush with which both are changed."""

    def __init__(self, image: Pixels) -> None:
        """Begin with a copy of an image, nothing of it hidden, a cursor in its middle, and the lightest grey or white to paint."""
        self._first = image.copy()
        self.image = image.copy()
        height, width, channels = image.shape
        self.hidden = np.zeros((height, width), bool)
        self.cursor: Place = height // 2, width // 2
        self.tool: Tool = "paint"
        self.brush = max(1, round(min(height, width) / _SIDE_OF_BRUSH))
        """The brush's diameter in pixels."""
        self.palette = _GREYS if channels == 1 else _COLORS
        self.color, self.color_name = self.palette["white"], "white"
        self.pen_is_down = False
        self._undone: list[_State] = []
        self._done: list[_State] = []

    @property
    def under_cursor(self) -> tuple[int, ...]:
        """The pixel at the cursor, 0 to 255 each channel."""
        return tuple(int(value) for value in self.image[self.cursor])

    def draw(self) -> Pixels:
        """The image (H, W, 3) with a chessboard over what is hidden, and the cursor."""
        drawn = np.repeat(self.image, 3, axis=2) if self.image.shape[2] == 1 else self.image.copy()
        rows, columns = np.indices(self.hidden.shape)
        fields = np.asarray(_HIDDEN)[(rows + columns) % 2]
        covered = _SEEN_THROUGH * drawn + (1 - _SEEN_THROUGH) * fields
        drawn = np.where(self.hidden[..., None], covered.round().astype(np.uint8), drawn)
        drawn[self.cursor] = _CURSOR
        return drawn

    def change_tool(self, by: int) -> None:
        """Take the next tool, or one before."""
        self.tool = TOOLS[(TOOLS.index(self.tool) + by) % len(TOOLS)]

    def choose_color(self, index: int) -> None:
        """Paint with a colour of the palette, where it has so many."""
        names = list(self.palette)
        if index < len(names):
            self.tool, self.color_name = "paint", names[index]
            self.color = self.palette[self.color_name]

    def pick_color(self) -> None:
        """Paint with the colour under the cursor."""
        self.tool, self.color = "paint", self.under_cursor
        self.color_name = "#{:02x}{:02x}{:02x}".format(*(self.color * 3)[:3])

    def resize_brush(self, by: int) -> None:
        """Make the brush wider or narrower, from a pixel to half the image."""
        self.brush = min(max(1, self.brush + by), max(1, min(self.hidden.shape) // 2))

    def toggle_pen(self) -> None:
        """Put the pen down, where it draws at once and along with the cursor; or lift it."""
        self.pen_is_down = not self.pen_is_down
        if self.pen_is_down:
            self.stroke(self.cursor, self.cursor)

    def move(self, down: int, right: int) -> None:
        """Move the cursor by pixels; the pen draws where it is down."""
        (height, width), (row, column) = self.hidden.shape, self.cursor
        before = self.cursor
        self.cursor = min(max(0, row + down), height - 1), min(max(0, column + right), width - 1)
        if self.pen_is_down and self.cursor != before:
            self.stroke(before, self.cursor)

    def stroke(self, start: Place, end: Place, *, goes_on: bool = False) -> None:
        """Draw a line with the brush; where it `goes_on`, it is undone with the one before."""
        if not goes_on:
            self._remember()
        self.cursor = end
        rows, columns = np.indices(self.hidden.shape)
        count = max(abs(end[0] - start[0]), abs(end[1] - start[1])) + 1
        touched = np.zeros_like(self.hidden)
        for row, column in np.rint(np.linspace(start, end, count)):
            touched |= (rows - row) ** 2 + (columns - column) ** 2 <= (self.brush / 2) ** 2
        if self.tool == "paint":
            self.image[touched] = self.color
        else:
            self.hidden[touched] = self.tool == "hide"

    def fill(self) -> None:
        """Paint, hide or uncover all of it."""
        self._remember()
        if self.tool == "paint":
            self.image[:] = self.color
        else:
            self.hidden[:] = self.tool == "hide"

    def invert_hidden(self) -> None:
        """Hide what is not hidden, and uncover what is."""
        self._remember()
        self.hidden = ~self.hidden

    def start_again(self) -> None:
        """Take the image that it began with, nothing of it hidden."""
        self._remember()
        self.image, self.hidden = self._first.copy(), np.zeros_like(self.hidden)

    def undo(self) -> bool:
        """Take back the last change; False where there is none."""
        return self._take(self._done, self._undone)

    def redo(self) -> bool:
        """Make the change again that was taken back last; False where there is none."""
        return self._take(self._undone, self._done)

    def _remember(self) -> None:
        self._done.append((self.image.copy(), self.hidden.copy()))
        del self._done[:-_MOST_UNDONE]
        self._undone.clear()

    def _take(self, taken: list[_State], kept: list[_State]) -> bool:
        self.pen_is_down = False
        if not taken:
            return False
        kept.append((self.image.copy(), self.hidden.copy()))
        self.image, self.hidden = taken.pop()
        return True
