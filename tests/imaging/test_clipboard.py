"""What a terminal is sent so that its clipboard holds a text."""

from __future__ import annotations

import base64

import pytest

from vae_tui.imaging.clipboard import encode_copy, encode_copy_past_tmux


@pytest.mark.parametrize("text", ["", "checkpoints/mine", "−ELBO\t142\nrate\x1b[31m", "caf\udce9"])
def test_nothing_of_a_text_reaches_the_terminal_as_it_is(text: str) -> None:
    sent = encode_copy(text)
    assert sent.startswith("\x1b]52;c;")
    assert base64.b64decode(sent[7:-1], validate=True).decode() == text.replace("\udce9", "?")


def test_tmux_is_asked_to_hand_it_on() -> None:
    assert encode_copy_past_tmux("mine") == "\x1bPtmux;\x1b\x1b]52;c;bWluZQ==\a\x1b\\"
