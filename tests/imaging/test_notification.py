"""A terminal rings, and is sent what it may know as a desktop notification, and nothing that steers it."""

from __future__ import annotations

import pytest

from vae_tui.imaging.notification import encode_notification

OSC_9 = "\x1b]9;vae-tui: mine: completed\a"
OSC_777 = "\x1b]777;notify;vae-tui;mine: completed\a"


@pytest.mark.parametrize(
    ("environment", "sent"),
    [
        ({"TERM": "xterm-256color"}, "\a" + OSC_9 + OSC_777),
        ({"TERM": "xterm-kitty"}, "\a" + OSC_9),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "\a" + OSC_9),
        ({"TERM": "foot"}, "\a" + OSC_777),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, "\a" + OSC_777),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/tmux"}, f"\a\x1bPtmux;\x1b{OSC_9}\x1b\\"),
        ({"TERM": "screen-256color", "STY": "1.pts"}, "\a"),
        ({"TERM": "linux"}, "\a"),
        ({"TERM": "dumb"}, "\a"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, "\a"),
    ],
)
def test_every_terminal_gets_what_it_knows(environment: dict[str, str], sent: str) -> None:
    assert encode_notification("vae-tui", "mine: completed", environment) == sent


def test_what_is_shown_cannot_end_the_sequence() -> None:
    sent = encode_notification("a;b", "\x1b[31m\a\x1b\\ red\nline" + "x" * 1000, {"TERM": "foot"})
    assert sent.startswith("\a\x1b]777;notify;a,b;\\x1b[31m\\x07\\x1b\\ red\\nline")
    assert sent.count("\x1b") == 1
    assert sent.count("\a") == 2
    assert len(sent) < 400
