"""What points of a class are drawn with: its colour, brighter where there are more of them, or its sign."""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cache

from rich.style import Style
from textual.color import Color

from vae_tui.imaging.terminal import Colors
from vae_tui.tui.widgets.scatter_cells import LEVELS

CLASS_COLORS = {
    "dark": ("#0afad0", "#e931f8", "#fdde20", "#ef5761", "#c6f1fe", "#08ab83", "#d5a5fd", "#ea9908", "#9390a5", "#b3cf8d"),
    "light": ("#3863f4", "#b8821d", "#0f444a", "#c83f56", "#02a0ce", "#4b291c", "#829b8d", "#3e2c7e", "#615617", "#7a768a"),
}  # fmt: skip
"""For the first ten classes, on either ground; they come again after that. To eyes with and without red, green or blue cones
(the simulation of Machado, Oliveira and Fernandes, 2009) any two are 12 apart by CIEDE2000, or more."""
SHARES = (0.6, 0.73, 0.86, 1.0, 1.25)
"""Of its colour that a class has at each level of density: what lacks is the ground, what is more the opposite of it. Any two
classes are 5 apart at every level, or more."""
SIGNS = string.digits + string.ascii_lowercase + string.ascii_uppercase
"""For classes without colours."""
OTHER_SIGN = "·"
"""For what has no class, and for all others where one is lit up and colours are few."""


@dataclass(frozen=True)
class Inks:
    """Styles on a ground; `grey` is the colour of points beside those that are lit up, `foreground` that of all without colours.

    Where there are few colours or none, denser cells are bold, and without any the densest are reversed.
    """

    ground: Color
    foreground: str
    grey: str
    colors: Colors

    @property
    def are_many(self) -> bool:
        """Whether there are shades between the colour of a class and the ground."""
        return self.colors in ("truecolor", "256") and self._can_mix

    @property
    def _can_mix(self) -> bool:
        # What stands behind a number is the user's own. With NO_COLOR there are greys still.
        return self.colors != "16" and self.ground.ansi is None

    def of_class(self, label: int) -> Style:
        """The style of a class by itself."""
        return Style() if label < 0 or self.colors == "none" else Style(color=self._color(label))

    def of_cell(self, label: int, level: int, *, lit: bool) -> Style:
        """The style of a cell whose points are of a class, at a level of density from 0 on."""
        if not lit:
            return Style(color=self.grey)
        style = Style(color=self.shade(label, level)) if self._can_mix else self.of_class(label)
        if self.are_many:
            return style
        return style + Style(bold=level >= LEVELS // 2, reverse=level == LEVELS - 1 and self.colors == "none")

    def shade(self, label: int, level: int) -> str:
        """The colour of a class at a level of density."""
        return _mix(self._color(label), self.ground, SHARES[level])

    def _color(self, label: int) -> str:
        if label < 0 or self.colors == "none":
            return self.foreground
        colors = CLASS_COLORS["dark" if self.ground.brightness < 0.5 else "light"]
        return colors[label % len(colors)]


@cache
def _mix(color: str, ground: Color, share: float) -> str:
    pure = Color.parse(color)
    if share <= 1:
        return ground.blend(pure, share, alpha=1.0).hex
    return pure.blend(Color.parse("white" if ground.brightness < 0.5 else "black"), share - 1, alpha=1.0).hex


def sign_of(label: int) -> str:
    """The character that stands for a class."""
    return OTHER_SIGN if label < 0 else SIGNS[label % len(SIGNS)]
