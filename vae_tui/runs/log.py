"""A run's event log: appended to by its trainer, read and followed by everybody else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from vae_tui import events as ev

_BLOCK = 1 << 20
"""Bytes read at once, so that a long log takes no more memory than a short one."""


class LoggedEvent(NamedTuple):
    """A line of the log, without its newline, and the event it is."""

    line: str
    event: ev.Event


class EventWriter:
    """Appends events to a run's log; a torn last line, left by a trainer that was killed, is cut off first."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        size = os.fstat(self._descriptor).st_size
        position, end = size, 0
        while position > 0:
            start = max(0, position - 65536)
            newline = os.pread(self._descriptor, position - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            position = start
        if end != size:
            os.ftruncate(self._descriptor, end)

    def write(self, event: ev.Event) -> None:
        """Append one event as one line, in one write."""
        line = (ev.to_json(event) + "\n").encode()
        while line:
            line = line[os.write(self._descriptor, line) :]

    def close(self) -> None:
        """Close the log."""
        os.close(self._descriptor)


class EventReader:
    """Reads a log from where it last stopped; a line without its newline is not an event yet."""

    def __init__(self, path: Path, *, position: int = 0) -> None:
        self._path = path
        self.position = position
        """Where the next line begins, in bytes."""

    def read(self, *, until: int | None = None) -> Iterator[LoggedEvent]:
        """The events that came since the last one read, a block of the file at a time; lines unknown here are left out.

        With `until`, no further than that many bytes into the log.
        """
        try:
            log = self._path.open("rb")
        except FileNotFoundError:
            return
        with log:
            log.seek(self.position)
            rest = b""
            while block := log.read(_BLOCK if until is None else min(_BLOCK, until - self.position - len(rest))):
                whole, newline, rest = (rest + block).rpartition(b"\n")
                for line in whole.split(b"\n") if newline else ():
                    self.position += len(line) + 1
                    text = line.decode("utf-8", "replace")
                    if (event := ev.from_json(text)) is not None:
                        yield LoggedEvent(text, event)


def read_events(path: Path) -> list[ev.Event]:
    """Every event in a log."""
    return [event for _, event in EventReader(path).read()]


def read_last_event(path: Path) -> ev.Event | None:
    """The event on the last whole line of a log, from a bounded read; None where that is none."""
    lines = read_tail(path).splitlines()
    return ev.from_json(lines[-1]) if lines else None


def read_tail(path: Path, size: int = 65536) -> str:
    """The last `size` bytes of a log that are whole lines, as text; nothing where there is no log."""
    try:
        with path.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(0, end - size))
            return log.read().rpartition(b"\n")[0].decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def follow(
    reader: EventReader, *, alive: Callable[[], bool], interval_seconds: float = 0.1
) -> Iterator[LoggedEvent | None]:
    """Yield events as they come, and None between looks, until their writer is no more.

    `alive` says whether the writer may still write; once it does not, what it left is yielded and the end comes.
    """
    while True:
        living = alive()
        yield from reader.read()
        if not living:
            return
        yield None
        time.sleep(interval_seconds)
