"""What a terminal is sent so that its user, who looks elsewhere, notices."""

from __future__ import annotations

from collections.abc import Mapping

from vae_tui.imaging.terminal import find_multiplexer, is_dumb
from vae_tui.imaging.tmux import pass_through
from vae_tui.text import printable

_BELL = "\a"
_KNOW_OSC_9 = ("kitty", "ghostty", "wezterm", "iterm")
"""Those of them that know OSC 777 too would show everything twice."""
_KNOW_OSC_777 = ("rxvt", "foot", "vte")
_ONLY_RING = ("linux", "apple_terminal")
_LONGEST = 300


def encode_notification(title: str, text: str, environment: Mapping[str, str]) -> str:
    """The bell and, where the terminal may know one, a desktop notification: OSC 9, OSC 777 or, of one unknown, both.

    Inside tmux it is handed on to the terminal around it, which tmux does with `allow-passthrough on` and else drops.
    """
    title = printable(title).replace(";", ",")
    text = printable(text)[:_LONGEST]
    osc_9, osc_777 = f"\x1b]9;{title}: {text}\a", f"\x1b]777;notify;{title};{text}\a"
    names = " ".join(environment.get(name, "") for name in ("TERM", "TERM_PROGRAM", "LC_TERMINAL")).lower()
    multiplexer = find_multiplexer(environment)
    if multiplexer == "tmux":
        return _BELL + pass_through(osc_9)
    if is_dumb(environment) or multiplexer or any(name in names for name in _ONLY_RING):
        return _BELL
    if any(name in names for name in _KNOW_OSC_9):
        return _BELL + osc_9
    if environment.get("VTE_VERSION") or any(name in names for name in _KNOW_OSC_777):
        return _BELL + osc_777
    return _BELL + osc_9 + osc_777
