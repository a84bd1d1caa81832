"""A terminal made of a pty, that answers as real ones do, from as far away as is wished."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyte
import pytest
from block_mosaics import coverage

from vae_tui.imaging.colors import NUMBERED
from vae_tui.imaging.grid import Pixels

_QUESTION = re.compile(rb"\x1b\[(c|5n)")
SYNC_END = b"\x1b[?2026l"
_STRINGS = re.compile(rb"\x1b[_P].*?\x1b\\", re.DOTALL)
_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>=?][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p")
_NAMED = dict(
    zip(("black", "red", "green", "brown", "blue", "magenta", "cyan", "white"), NUMBERED, strict=False),
    default=(0, 0, 0),
)


class AnsweringTerminal:
    """Runs a program in a pty. `answers` are said `delay` seconds after the program asked; None: never.

    What the `environment` says is None is not set. With `bytes_per_second` what the program writes comes no quicker than that, however much it is, and keys take
    `delay` seconds as well.
    """

    def __init__(
        self,
        program: list[str],
        *,
        answers: bytes | None,
        delay: float = 0.0,
        size: tuple[int, int] = (24, 80),
        environment: Mapping[str, str | None] | None = None,
        bytes_per_second: float | None = None,
        folder: Path | None = None,
    ) -> None:
        self.size, self._answers, self._delay = size, answers, delay
        self._bytes_per_second = bytes_per_second
        self._under_way = bytearray()
        self.most_under_way = 0
        """Bytes that were written, but had not come yet, at their most."""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, size[1] * 10, size[0] * 20))
        not_passed_on = ("NO_COLOR", "TMUX", "STY", "COLORTERM", "COLUMNS", "LINES")
        given = {key: value for key, value in os.environ.items() if key not in not_passed_on}
        wanted = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | dict(environment or {})
        given = {key: value for key, value in (given | wanted).items() if value is not None}
        self.process = subprocess.Popen(program, stdin=slave, stdout=slave, stderr=slave, env=given, cwd=folder)
        os.close(slave)
        self.received = b""
        self._screen = pyte.Screen(size[1], size[0])
        self._stream, self._fed = pyte.ByteStream(self._screen), 0
        self.answered = self.painted_before_answer = False
        self._reading = threading.Event()
        self._reading.set()
        self._due: list[tuple[float, bytes]] = []
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        heard, delivered_at = 0, time.monotonic()
        while not self._ended:
            now = time.monotonic()
            delivered_at = self._deliver(now, delivered_at)
            while self._due and self._due[0][0] <= now:
                if not self.answered:
                    self.painted_before_answer = b"pictures" in self.received
                os.write(self._master, self._due.pop(0)[1])
                self.answered = True
            if self._reading.is_set() and select.select([self._master], [], [], 0.01)[0]:
                try:
                    self._under_way += os.read(self._master, 65536)
                except OSError:
                    return
            else:
                time.sleep(0.005)
            if self._answers is None:
                continue
            while question := _QUESTION.search(self.received, heard):
                answer = self._answers if question[1] == b"c" else b"\x1b[0n"
                self._due.append((time.monotonic() + self._delay, answer))
                heard = question.end()

    def _deliver(self, now: float, before: float) -> float:
        """Let come what has had the time to; returns when that was."""
        self.most_under_way = max(self.most_under_way, len(self._under_way))
        if self._bytes_per_second is None or not self._under_way:
            count = len(self._under_way)
        elif not (count := int((now - before) * self._bytes_per_second)):
            return before
        self.received += bytes(self._under_way[:count])
        del self._under_way[:count]
        return now

    def press(self, keys: bytes) -> None:
        if self._bytes_per_second is None:
            os.write(self._master, keys)
        else:
            self._due.append((time.monotonic() + self._delay, keys))

    def type(self, keys: bytes) -> None:
        """Press one key after the other, as quickly as anyone can."""
        for key in keys:
            self.press(bytes([key]))
            time.sleep(0.02)

    @property
    def settings(self) -> list[Any]:
        """As tcgetattr tells them."""
        return termios.tcgetattr(self._master)

    def set_cell_size(self, height: int, width: int) -> None:
        """Have cells of so many pixels, and as many of them as before."""
        pixels = self.size[1] * width, self.size[0] * height
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", *self.size, *pixels))
        # It is not the controlling terminal of the program, which the kernel would tell.
        self.process.send_signal(signal.SIGWINCH)

    def stall(self) -> None:
        """Read nothing more, as a line that is stuck."""
        self._reading.clear()

    def go_on(self) -> None:
        self._reading.set()

    def wait_until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 90
        while not condition():
            assert time.monotonic() < deadline, self.text
            time.sleep(0.02)

    @property
    def screen(self) -> pyte.Screen:
        """What is on the screen, graphics left out."""
        if SYNC_END in self.received[self._fed :]:
            # Whole frames only, since what pyte does not know must be taken out whole.
            end = self.received.rindex(SYNC_END) + len(SYNC_END)
            content = _STRINGS.sub(b"", self.received[self._fed : end])
            self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", content))
            self._fed = end
        return self._screen

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    @property
    def pixels(self) -> Pixels:
        """What the half blocks show, (2 * rows, columns, 3)."""
        screen = self.screen
        shown = np.zeros((2 * self.size[0], self.size[1], 3), np.uint8)
        for y in range(self.size[0]):
            for x in range(self.size[1]):
                cell = screen.buffer[y][x]
                ink, ground = _rgb(cell.fg), _rgb(cell.bg)
                shown[2 * y, x] = ink if cell.data == "▀" else ground
                shown[2 * y + 1, x] = ink if cell.data == "▄" else ground
        return shown

    @property
    def mosaics(self) -> Pixels:
        """What block mosaics show, (12 * rows, 2 * columns, 3)."""
        cells = [
            [
                np.where(
                    coverage(cell.data)[..., None], *(np.array(_rgb(color), np.uint8) for color in (cell.fg, cell.bg))
                )
                for cell in (self.screen.buffer[y][x] for x in range(self.size[1]))
            ]
            for y in range(1, self.size[0] - 1)
        ]
        return np.concatenate([np.concatenate(row, axis=1) for row in cells])

    def close(self) -> None:
        self._ended = True
        self._thread.join()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self._master)


def _rgb(color: str) -> tuple[int, ...]:
    if color in _NAMED:
        return _NAMED[color]
    return tuple(int(color[start : start + 2], 16) for start in (0, 2, 4))


@pytest.fixture
def pictures_program() -> Path:
    return Path(__file__).with_name("pictures_program.py")


@pytest.fixture
def open_terminal() -> Iterator[Callable[..., AnsweringTerminal]]:
    """Runs programs, each in a terminal of its own."""
    opened: list[AnsweringTerminal] = []

    def open_one(program: list[str], **given: Any) -> AnsweringTerminal:
        opened.append(AnsweringTerminal(program, **given))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.close()


@pytest.fixture
def open_answering(
    open_terminal: Callable[..., AnsweringTerminal], pictures_program: Path, tmp_path: Path
) -> Callable[..., AnsweringTerminal]:
    """Runs the program that shows pictures; what it says is in log.txt."""

    def open_one(answers: bytes | None, *, images: str = "auto", **given: object) -> AnsweringTerminal:
        program = [sys.executable, str(pictures_program), str(tmp_path / "log.txt"), images]
        return open_terminal(program, answers=answers, **given)

    return open_one


@pytest.fixture
def log(tmp_path: Path) -> Callable[[], list[str]]:
    """The lines that the program wrote down."""

    def read() -> list[str]:
        path = tmp_path / "log.txt"
        return path.read_text().splitlines() if path.exists() else []

    return read


@pytest.fixture
def draw_tiles(pictures_program: Path) -> Callable[[int], Pixels]:
    """What the program shows."""
    source: dict[str, Any] = {"__name__": "program", "__file__": str(pictures_program)}
    exec(compile(pictures_program.read_text(), pictures_program, "exec", dont_inherit=True), source)
    function: Callable[[int], Pixels] = source["draw_tiles"]
    return function
