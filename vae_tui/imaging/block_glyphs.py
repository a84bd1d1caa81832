"""Which block mosaics a terminal draws itself, by what it calls itself: a font seldom has them, or lets seams show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, get_args

Mosaic = Literal["octant", "sextant", "quadrant"]
"""A cell parted into 2 x 4, 2 x 3 or 2 x 2 squares; the finest first."""
MOSAICS: tuple[Mosaic, ...] = get_args(Mosaic)

_SINCE: Mapping[str, Mapping[Mosaic, tuple[int, ...]]] = {
    "kitty": {"octant": (0, 40), "sextant": (0, 21), "quadrant": (0, 21)},
    "ghostty": {"octant": (1, 2), "sextant": (1, 0), "quadrant": (1, 0)},
    "foot": {"octant": (1, 20), "sextant": (1, 8), "quadrant": (1, 8)},
    "vte": {"octant": (0, 78), "sextant": (0, 62), "quadrant": (0, 62)},
    "wezterm": {"octant": (20250301,), "sextant": (20210814,), "quadrant": (20210814,)},
    "konsole": {"sextant": (25, 4), "quadrant": (25, 4)},
    "contour": {"sextant": (0, 3), "quadrant": (0, 3)},
    "iterm2": {"quadrant": (3, 5)},
}
"""From which version on, by the name in a terminal's answer to XTVERSION."""
_NAME = re.compile(rf"({'|'.join(_SINCE)})\W*(\d+(?:\.\d+)*)")


def mosaics_of(name: str) -> tuple[Mosaic, ...]:
    """The mosaics that a terminal draws which calls itself so, such as "kitty(0.41.1)", the finest first."""
    found = _NAME.match(name.lower())
    if found is None:
        return ()
    version = tuple(map(int, found[2].split(".")))
    if found[1] == "vte" and version[0] >= 1000:
        version = (0, version[0] // 100, version[0] % 100)  # VTE(7803) is 0.78.3
    since = _SINCE[found[1]]
    return tuple(kind for kind in MOSAICS if kind in since and version >= since[kind])
