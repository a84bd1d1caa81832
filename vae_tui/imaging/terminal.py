"""What the terminal can show, told from the environment; what it says itself comes later and counts for more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Colors = Literal["truecolor", "256", "16", "none"]
Mode = Literal["kitty", "sixel", "half", "ascii"]
"""How pictures are drawn: as the terminal's own graphics, as half blocks in colours, or as characters."""
MODES: tuple[Mode, ...] = ("kitty", "sixel", "half", "ascii")
"""Best first."""

_TRUECOLOR_TERMINALS = ("alacritty", "contour", "foot", "ghostty", "iterm2", "kitty", "wezterm", "direct")
_COLORFUL_TERMINALS = ("linux", "xterm", "rxvt", "screen", "tmux", "konsole", "color", "ansi", "cygwin", "vte", "st-")


def detect_colors(environment: Mapping[str, str]) -> Colors:
    """How many colours there are, by COLORTERM, TERM and NO_COLOR (https://no-color.org)."""
    term = environment.get("TERM", "").lower()
    if environment.get("NO_COLOR") or term in ("", "dumb", "unknown"):
        return "none"
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "truecolor"
    if any(name in term for name in _TRUECOLOR_TERMINALS):
        return "truecolor"
    if "256" in term:
        return "256"
    return "16" if any(name in term for name in _COLORFUL_TERMINALS) else "none"
