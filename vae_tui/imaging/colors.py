"""The colours that terminals number, as xterm has them; nothing is imported, since the first paint needs them."""

from __future__ import annotations

Color = tuple[int, int, int]

# fmt: off
SIXTEEN: tuple[Color, ...] = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255),
)
# fmt: on
"""Colours 0 to 15; users may have chosen others."""
LEVELS = (0, 95, 135, 175, 215, 255)
"""The levels of each channel in the 6 x 6 x 6 cube that is colours 16 to 231."""
RAMP = tuple(range(8, 239, 10))
"""The greys that are colours 232 to 255."""
NUMBERED: tuple[Color, ...] = (
    *SIXTEEN,
    *((red, green, blue) for red in LEVELS for green in LEVELS for blue in LEVELS),
    *((gray, gray, gray) for gray in RAMP),
)
"""Colours 0 to 255."""
NUMBERS: dict[Color, int] = {color: number for number, color in reversed([*enumerate(NUMBERED)][16:])}
"""The number of each colour from 16 on, which no user has changed."""
