"""The end of a text file that grows, in memory that is bounded however long the file is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from vae_tui.runs.files import open_file

BLOCK = 1 << 19
"""Bytes read at once."""
MOST_BYTES = 1 << 23
"""Bytes of the file that are held at the most, and one block more before any are let go."""

T = TypeVar("T")


class Tail(Generic[T]):
    """The last lines of a file as `read` makes them of bytes; `look` follows it, `read_older` goes back.

    A line has a number, `first` that of the first one held, which stays the same as lines come before and after it.
    """

    def __init__(self, path: Callable[[], Path], read: Callable[[bytes], T]) -> None:
        """`path` says where the file is now: a folder may be renamed meanwhile."""
        self._path, self._read = path, read
        self.lines: deque[T] = deque()
        self.first = 0
        self.unfinished: T | None = None
        """The last line, while no newline ends it."""
        self.problem = ""
        """Why the file cannot be read, in a sentence; empty where it can."""
        self.version = 0
        """Grows when the lines are others altogether: the file was replaced, cut off, or grew too quickly to be followed."""
        self.begins_at = self.size = 0
        """The byte of the file at which the first line begins, and how many bytes the file has."""
        self._ends_at = 0
        self._begun = b""
        """The bytes of the unfinished line."""
        self._sizes: deque[int] = deque()
        """The bytes of each line."""

    @property
    def has_older(self) -> bool:
        """Whether the file begins earlier than the lines that are held."""
        return self.begins_at > 0

    @property
    def is_full(self) -> bool:
        """Whether as much is held as may be: no older lines are read."""
        return self._ends_at - self.begins_at >= MOST_BYTES

    def look(self) -> bool:
        """Read what came since, the first time the end of the file; whether anything is different now."""
        before = self.version, self._ends_at, self._begun, self.problem
        path, self.problem = self._path(), ""
        try:
            with open_file(path) as file:
                self.size = file.seek(0, 2)
                came = self.size - self._ends_at - len(self._begun)
                if came < 0 or came > BLOCK:
                    self._begin(max(0, self.size - BLOCK))
                file.seek(self._ends_at + len(self._begun))
                self._append(file.read(self.size - file.tell()))
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            self.problem = f"there is no {path}" if missing else f"{path} cannot be read: {error.strerror}"
            if self._ends_at or self._begun:
                self._begin(0)
        return before != (self.version, self._ends_at, self._begun, self.problem)

    def read_older(self) -> bool:
        """Read a block from before the lines that are held; whether there was one, and room for it."""
        if not self.has_older or self.is_full:
            return False
        try:
            with open_file(self._path()) as file:
                began = file.seek(max(0, self.begins_at - BLOCK))
                content = file.read(self.begins_at - began)
        except OSError:
            return False
        cut = _without_torn_line(content) if began else content
        self.begins_at -= len(cut)
        for line in reversed(_split(cut)):
            self.lines.appendleft(self._read(line.removesuffix(b"\n")))
            self._sizes.appendleft(len(line))
            self.first -= 1
        return True

    def _begin(self, position: int) -> None:
        """Hold nothing, and go on from a byte of the file."""
        self.lines.clear()
        self._sizes.clear()
        self.first, self.unfinished, self._begun = 0, None, b""
        self.begins_at = self._ends_at = position
        self.version += 1

    def _append(self, content: bytes) -> None:
        if not content:
            return
        if self._ends_at and self._ends_at == self.begins_at and not self._begun:
            whole = _without_torn_line(content)
            self._ends_at = self.begins_at = self._ends_at + len(content) - len(whole)
            content = whole
        *whole_lines, self._begun = _split(self._begun + content)
        if self._begun.endswith(b"\n") or len(self._begun) > BLOCK:  # no line of text is as long
            whole_lines, self._begun = [*whole_lines, self._begun], b""
        for line in whole_lines:
            self.lines.append(self._read(line.removesuffix(b"\n")))
            self._sizes.append(len(line))
            self._ends_at += len(line)
        self.unfinished = self._read(self._begun) if self._begun else None
        if self._ends_at - self.begins_at > MOST_BYTES + BLOCK:
            self._let_go()

    def _let_go(self) -> None:
        while self._ends_at - self.begins_at > MOST_BYTES:
            self.lines.popleft()
            self.first += 1
            self.begins_at += self._sizes.popleft()


def _without_torn_line(content: bytes) -> bytes:
    """What follows the first newline; all of it where that would be nothing."""
    return content[content.find(b"\n") + 1 :] or content


def _split(content: bytes) -> list[bytes]:
    """Lines with their newlines; the last may have none."""
    *ended, last = content.split(b"\n")
    return [line + b"\n" for line in ended] + ([last] if last else [])
