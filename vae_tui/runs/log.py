"""A run's event log: appended to by its trainer, read and followed by everybody else."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, NamedTuple

from vae_tui import events as ev
from vae_tui.errors import RunError
from vae_tui.runs.files import open_file

_BLOCK = 1 << 20
"""Bytes read at once, so that a long log takes no more memory than a short one."""
_LONGEST_LINE = 1 << 26
_FREQUENT = tuple(f'{{"event": "{kind.event}"'.encode() for kind in (ev.StepCompleted, ev.EpochStarted))
_TURNS = tuple(f'{{"event": "{kind.event}"'.encode() for kind in (ev.CommandDone, ev.RunStarted, ev.RunFinished))
"""After which things are not as they were before."""
_NO_LOSS = b'"loss": null'
_PROBLEMS_NAMED = 2
_SECONDS_MISSED = 1.0
"""Whoever deletes the whole run, and begins with its log, has done so by then."""
_WAY_OUT = "move it away, and a new log is begun"
_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK


class LoggedEvent(NamedTuple):
    """A line of the log, without its newline, and the event it is."""

    line: str
    event: ev.Event


class EventWriter:
    """Appends events to a run's log; a torn last line, left by a trainer that was killed, is cut off first.

    A log that is deleted meanwhile is written anew with all that was in it, for nobody finds it any more.
    """

    def __init__(self, path: Path) -> None:
        """Raises RunError where the log cannot be written, or is no file."""
        _check_target(path)
        self._path = path
        self._missed_since: float | None = None
        try:
            self._descriptor = os.open(path, _APPEND, 0o644)
        except OSError as error:
            raise RunError(f"{path} cannot be written: {error.strerror}; {_WAY_OUT}") from error
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            os.close(self._descriptor)
            raise RunError(f"{path} cannot be written: it is no file; {_WAY_OUT}")
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
        if not os.fstat(self._descriptor).st_nlink:
            self._missed_since = self._missed_since or time.monotonic()
            if self._path.exists() or time.monotonic() - self._missed_since > _SECONDS_MISSED:
                self._restore()
        line = (ev.to_json(event) + "\n").encode()
        while line:
            line = line[os.write(self._descriptor, line) :]

    def _restore(self) -> None:
        """Go on in a log of the same name, which gets what the deleted one held unless another is there already."""
        self._missed_since = None
        with contextlib.suppress(OSError):
            aside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            position = 0
            with aside.open("wb") as file:
                while block := os.pread(self._descriptor, _BLOCK, position):
                    position += file.write(block)
            try:
                os.link(aside, self._path)
            except FileExistsError:
                pass
            finally:
                aside.unlink()
            restored = os.open(self._path, _APPEND & ~os.O_CREAT)
            if stat.S_ISREG(os.fstat(restored).st_mode):
                os.dup2(restored, self._descriptor, inheritable=False)
            os.close(restored)

    def close(self) -> None:
        """Close the log."""
        if self._missed_since is not None:
            self._restore()
        os.close(self._descriptor)


class EventReader:
    """Reads a log from where it last stopped; a line without its newline is not an event yet."""

    def __init__(self, path: Path, *, position: int = 0) -> None:
        self._path = path
        self.position = position
        """Where the next line begins, in bytes."""
        self.unknown = 0
        """Lines left out so far that only a later version knows."""
        self.damaged: list[str] = []
        """What is wrong with the first lines left out as damaged."""
        self.damaged_count = 0
        self._identity: tuple[int, int] | None = None
        """The device and inode of the log that was read last."""

    def reads(self, path: Path) -> bool:
        """Whether the log at `path` is the file that was read last, wherever it lies now.

        A new file may get the inode of one that was deleted: it counts only where it is not shorter than what was read.
        """
        with contextlib.suppress(OSError):
            found = path.stat()
            return (found.st_dev, found.st_ino) == self._identity and found.st_size >= self.position > 0
        return False

    def move_to(self, path: Path) -> None:
        """Read on, from the same position, where the log is now."""
        self._path = path

    def read(self, *, until: int | None = None, thin_from: int | None = None) -> Iterator[LoggedEvent]:
        """The events that came since the last one read, a block of the file at a time; other lines are counted.

        With `until`, no further than that many bytes into the log. Where there are more bytes than `thin_from`, one report
        of steps in every few is read, and with it those whose loss is not finite and the last before a command or an end.
        Raises RunError where the log cannot be read.
        """
        log = _open(self._path)
        if log is None:
            return
        with log:
            found = os.fstat(log.fileno())
            self._identity = (found.st_dev, found.st_ino)
            if found.st_size < self.position:
                self.position = 0  # another log took its place: it is read from its first line
            log.seek(self.position)
            end = found.st_size if until is None else until
            every = 1 if thin_from is None else -(-(end - self.position) // thin_from)
            rest: list[bytes] = []
            while block := log.read(_BLOCK if until is None else min(_BLOCK, until - self.position - _total(rest))):
                whole, newline, begun = block.rpartition(b"\n")
                if not newline:
                    rest.append(block)
                    if _total(rest) > _LONGEST_LINE:
                        self._count(f"at byte {self.position:,}: it is longer than {_LONGEST_LINE:,} bytes")
                        self.position += _total(rest)
                        rest = []
                    continue
                whole, rest = b"".join((*rest, whole)), [begun]
                lines = whole.split(b"\n")
                ends = list(accumulate((len(line) + 1 for line in lines), initial=self.position))
                for number in range(len(lines)) if every <= 1 else _choose(lines, every):
                    self.position = ends[number + 1]
                    yield from self._parse(lines[number], ends[number])
                self.position = ends[-1]

    def _parse(self, line: bytes, began: int) -> Iterator[LoggedEvent]:
        text = line.decode("utf-8", "replace")
        event = ev.read_line(text)
        if not isinstance(event, ev.SkippedLine):
            yield LoggedEvent(text, event)
        elif event.damaged:
            self._count(f"at byte {began:,}: {event.problem}")
        else:
            self.unknown += 1

    @property
    def skipped(self) -> str:
        """A sentence about the lines left out so far; empty where there are none."""
        parts = []
        if self.damaged_count:
            more = ", ..." if self.damaged_count > len(self.damaged) else ""
            parts.append(f"{_lines(self.damaged_count)} damaged ({'; '.join(self.damaged)}{more})")
        if self.unknown:
            parts.append(f"{_lines(self.unknown)} of a later version of vae-tui")
        return f"left out of {self._path.name}: {' and '.join(parts)}" if parts else ""

    def _count(self, problem: str) -> None:
        self.damaged_count += 1
        if len(self.damaged) < _PROBLEMS_NAMED:
            self.damaged.append(problem)


def _choose(lines: Sequence[bytes], every: int) -> Sequence[int]:
    """The numbers of the lines to read: one of so many, those without a loss, all else, and the last before a turn."""
    others = [number for number, line in enumerate(lines) if not line.startswith(_FREQUENT) or _NO_LOSS in line]
    turns = (number for number in (*others, len(lines)) if number == len(lines) or lines[number].startswith(_TURNS))
    return sorted({*range(0, len(lines), every), *others, *(number - 1 for number in turns if number)})


def _open(path: Path) -> BinaryIO | None:
    """A log to read; None where there is none yet. Raises RunError where it cannot be read."""
    try:
        return open_file(path)
    except FileNotFoundError:
        _check_target(path)
        return None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error


def _check_target(path: Path) -> None:
    """Raise RunError for a log that is a link to nothing: it was somewhere, and a new one is not begun in its place."""
    if path.is_symlink() and not path.exists():
        target = path.readlink()
        raise RunError(f"{path} is a link to {target}, which is not there: put that back, or remove the link")


def _lines(count: int) -> str:
    return f"{count:,} line{'s' if count != 1 else ''}"


def read_events(path: Path) -> list[ev.Event]:
    """Every event in a log."""
    return [event for _, event in EventReader(path).read()]


def read_events_of(path: Path, *kinds: type[ev.Event]) -> Iterator[ev.Event]:
    """The events of some kinds in a log, of which no other line is parsed; none where no log can be read."""
    begins = tuple(f'{{"event": "{kind.event}"'.encode() for kind in kinds)
    try:
        log = _open(path)
    except RunError:
        return
    if log is None:
        return
    with log:
        for line in _whole_lines(log):
            if line.startswith(begins):
                event = ev.from_json(line.decode("utf-8", "replace").rstrip("\n"))
                if event is not None:
                    yield event


def _whole_lines(log: BinaryIO) -> Iterator[bytes]:
    """The lines with their newlines, but what is longer than an event's can be."""
    begins = True
    while part := log.readline(_LONGEST_LINE):
        ends = part.endswith(b"\n")
        if begins and ends:
            yield part
        begins = ends


def _total(parts: Iterable[bytes]) -> int:
    return sum(map(len, parts))


def read_last_event(path: Path) -> ev.Event | None:
    """The last event of a log, from a bounded read; None where there is none."""
    for line in reversed(read_tail(path).splitlines()):
        if (event := ev.from_json(line)) is not None:
            return event
    return None


def read_tail(path: Path, size: int = 65536) -> str:
    """The last `size` bytes of a log that are whole lines, as text; nothing where no log can be read."""
    try:
        log = _open(path)
    except RunError:
        return ""
    if log is None:
        return ""
    with log:
        end = log.seek(0, os.SEEK_END)
        log.seek(max(0, end - size))
        return log.read(size).rpartition(b"\n")[0].decode("utf-8", "replace")


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
