"""What the terminal can show, told from the environment alone: asking the terminal would cost a wait at the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Depth = Literal["truecolor", "256", "ascii"]
"""How pictures are drawn: half blocks in 16 million colours, in 256, or characters without any colour."""

_TRUECOLOR_TERMINALS = ("alacritty", "contour", "foot", "ghostty", "iterm2", "kitty", "wezterm", "direct")


def detect_depth(environment: Mapping[str, str]) -> Depth:
    """How to draw pictures, by COLORTERM, TERM and NO_COLOR (https://no-color.org)."""
    term = environment.get("TERM", "").lower()
    if environment.get("NO_COLOR") or term in ("", "dumb", "unknown"):
        return "ascii"
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "truecolor"
    if any(name in term for name in _TRUECOLOR_TERMINALS):
        return "truecolor"
    return "256" if "256" in term else "ascii"
