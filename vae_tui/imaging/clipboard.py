"""What a terminal is sent so that its clipboard holds a text."""

from __future__ import annotations

import base64

from vae_tui.imaging.tmux import pass_through

TMUX_ADVICE = "tmux passes it on with: set -g set-clipboard on"


def encode_copy(text: str) -> str:
    """OSC 52: the clipboard of the terminal, be it at the other end of ssh, holds the text."""
    return f"\x1b]52;c;{base64.b64encode(text.encode('utf-8', 'replace')).decode()}\a"


def encode_copy_past_tmux(text: str) -> str:
    """The same for the terminal around tmux, which hands it on with `allow-passthrough on` and else drops it."""
    return pass_through(encode_copy(text))
