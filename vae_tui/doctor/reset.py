"""A terminal given back after a program that was killed as it drew on it."""

from __future__ import annotations

import contextlib
import os
import sys
import termios

_GIVE_BACK = (
    "\x1b[?2026l"  # what is held back is shown
    "\x1b[<u"  # keys are sent as they always were
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?1004l"  # no mouse, no focus
    "\x1b[?2004l\x1b[?2048l\x1b[?7h"  # no marks about pastes, no reports of sizes, long lines go on below
    "\x1b[?1049l\x1b[?25h\x1b[m"  # the other screen, a cursor, no colours
)


def reset_terminal() -> bool:
    """Give the terminal of this process back as a shell needs it; whether there is one."""
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        stream = next((stream for stream in (sys.__stdin__, sys.__stderr__) if stream and stream.isatty()), None)
        if stream is None:
            return False
        descriptor = os.dup(stream.fileno())
    try:
        os.write(descriptor, _GIVE_BACK.encode())
        with contextlib.suppress(termios.error):
            attributes = termios.tcgetattr(descriptor)
            attributes[0] |= termios.ICRNL | termios.IXON
            attributes[1] |= termios.OPOST | termios.ONLCR
            attributes[3] |= termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN
            # What the terminal sent meanwhile must not be typed into the shell.
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, attributes)
    finally:
        os.close(descriptor)
    return True
