"""What commands write: sentences for people on stderr, data on stdout. All of it goes through here."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import sys
from pathlib import Path
from typing import Any

from vae_tui.text import SPELLED, printable, printable_json


class _Forgiving(io.FileIO):
    """A file whose disk may be full: what it cannot take is lost, and who writes goes on."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            return len(data)


def prepare_streams() -> None:
    """Make stdin, stdout and stderr such that they take whatever is written, be they closed, full or of any encoding."""
    for name in ("stdin", "stdout", "stderr"):
        # Closed by whoever started us; files that are opened must not take its place.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+"))  # noqa: SIM115, PTH123
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=SPELLED)
    with contextlib.suppress(OSError, ValueError):
        raw = io.BufferedWriter(_Forgiving(sys.stderr.fileno(), "wb", closefd=False))
        sys.stderr = io.TextIOWrapper(
            raw, encoding=sys.stderr.encoding, errors=SPELLED, line_buffering=True, write_through=True
        )


def say(sentence: object) -> None:
    """Tell people something, on stderr."""
    sys.stderr.write(f"{printable(str(sentence), lines=True)}\n")


def give(line: str) -> None:
    """Write a line of data to stdout."""
    sys.stdout.write(f"{printable(line)}\n")


def give_path(path: Path) -> None:
    """Write a path to stdout: to a terminal as it can be read, to a program with those bytes that are no UTF-8."""
    binary = getattr(sys.stdout, "buffer", None)
    if sys.stdout.isatty() or binary is None:
        give(str(path))
        return
    parts = re.split("([\udc80-\udcff]+)", str(path))
    sys.stdout.flush()
    binary.write(
        os.fsencode("".join(part if place % 2 else printable(part) for place, part in enumerate(parts))) + b"\n"
    )
    binary.flush()


def give_json(text: str) -> None:
    """Write a JSON document to stdout."""
    sys.stdout.write(f"{printable_json(text)}\n")
