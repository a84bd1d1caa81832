"""What commands that open a screen share."""

from __future__ import annotations

import gc
import os
import sys

_FRAMES_A_SECOND = "120"
"""At most. A key waits for two frames, its own and the picture's: at Textual's 60 that is a third of the way from key to
pixels in the walk (benchmarks/LOG.md)."""


def import_screen() -> None:
    """Import what paints; without garbage collection, which costs a tenth of it and finds nothing."""
    os.environ.setdefault("TEXTUAL_FPS", _FRAMES_A_SECOND)
    gc.disable()
    import vae_tui.tui.app  # noqa: F401

    gc.enable()


def on_a_terminal() -> bool:
    """Whether a screen can be shown here."""
    from vae_tui.imaging.terminal import is_dumb

    if "TEXTUAL_DRIVER" in os.environ:  # the terminal is in a browser, at the other end of two pipes
        return True
    # Textual draws on stderr, so that stdout is free for what a command prints at its end.
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)) and not is_dumb(os.environ)
