"""The screens live whatever a terminal sends them, and are left whatever ends them. VAE_TUI_CHAOS_SECONDS goes on for longer."""

from __future__ import annotations

import fcntl
import os
import pty
import random
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from vae_tui import events as ev
from vae_tui.recipe import Recipe
from vae_tui.runs.layout import Run
from vae_tui.runs.log import EventWriter

pytestmark = [pytest.mark.terminal, pytest.mark.slow]

SECONDS = 0.45 * float(os.environ.get("VAE_TUI_CHAOS_SECONDS", "0"))
GARBAGE = [
    b"\x1b]11;rgb:dddd/dddd/dddd\x07",
    b"\x1b]0;quit\x1b\\",
    b"\x1bP1;2q#0;2;0;0;0~~\x1b\\",
    b"\x1b[48;0;0;0;0t",
    b"\x1b[48;99999999;99999999;1;1t",
    b"\x1b[?2048;2$y",
    b"\x1b[1114112u",
    b"\x1b[<0;99999999;99999999M",
    b"\x1b[12;34d",
    b"\x1b[?997;1n",
    b"\xff\xfe\x80",
]


class Screen:
    """A screen of the program in a pty of 80 x 24, once it shows a text."""

    def __init__(self, folder: Path, arguments: list[str], shown: bytes) -> None:
        self._master, slave = pty.openpty()
        os.set_blocking(self._master, False)
        self.resize(24, 80)
        given = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TMUX", "COLORTERM")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vae_tui", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env=given | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
        )
        self.before = termios.tcgetattr(slave)
        os.close(slave)
        self.received, self._ended = b"", False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.wait_until(lambda: shown in self.received)
        time.sleep(0.5)

    def _read(self) -> None:
        while not self._ended:
            try:
                if select.select([self._master], [], [], 0.05)[0]:
                    self.received += os.read(self._master, 65536)
            except OSError:
                return

    @property
    def settings(self) -> list[object]:
        return termios.tcgetattr(self._master)

    @property
    def mebibytes(self) -> float:
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, data: bytes) -> None:
        while data:
            assert self.process.poll() is None, self.received[-2000:]
            try:
                data = data[os.write(self._master, data[:4096]) :]
            except BlockingIOError:
                time.sleep(0.001)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.received[-2000:]
            time.sleep(0.02)

    def repaints(self) -> None:
        """ctrl+l is answered."""
        come = len(self.received)
        self.send(b"\x0c")
        self.wait_until(lambda: len(self.received) > come + 100)
        assert b"Traceback" not in self.received

    def close(self) -> None:
        self._ended = True
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._thread.join()
        os.close(self._master)


def write_run(folder: Path) -> None:
    """A run whose figures are as wide as they can be, and whose names steer terminals."""
    run = Run.create(folder / "checkpoints", "wild", Recipe().to_toml(), exact=True)
    writer = EventWriter(run.events_path)
    hostile = "\x1b[31m\u202e\udce9[red]" + "x" * 500
    writer.write(ev.RunStarted(time=1.0, step=0, pid=1, version="1", recipe=Recipe().resolved()))
    writer.write(
        ev.TrainingStarted(
            time=2.0,
            step=0,
            device=hostile,
            threads=1,
            versions={},
            parameter_count=10**15,
            data_sizes={"train": 10, "validation": 10, "test": 10},
            image_shape=(1, 8, 8),
            network=hostile,
            steps_per_epoch=3,
            notes=(hostile,),
        )
    )
    for index, value in enumerate((1e12, -1e300, 1e-300, None, 5.0)):
        figures = {"loss": value, "elbo": value, "distortion": value, "rate": value}
        step = index * 10**15 + 1
        writer.write(
            ev.StepCompleted(
                time=3.0 + index,
                step=step,
                epoch=1,
                steps=1,
                train=figures,
                beta=1e300,
                lr=1e-300,
                images_per_second=1e12,
            )
        )
    writer.write(
        ev.RunFinished(
            time=9.0, step=4 * 10**15 + 1, status="completed", reason=hostile, epoch=10**12, checkpoint=hostile
        )
    )
    writer.close()


@pytest.fixture
def open_screen(tmp_path: Path) -> Iterator[Callable[[str], Screen]]:
    """Opens "watch", a finished run of odd figures, "home", with it, or "walk", in the embedded digits."""
    opened: list[Screen] = []

    def open_one(command: str) -> Screen:
        if command == "watch":
            write_run(tmp_path)
            opened.append(Screen(tmp_path, ["watch", "wild"], b"completed"))
        elif command == "home":
            write_run(tmp_path)
            opened.append(Screen(tmp_path, [], b"wild"))
        else:
            opened.append(Screen(tmp_path, ["walk"], b"latents by KL"))
        return opened[-1]

    yield open_one
    for screen in opened:
        screen.close()


@pytest.fixture
def screen(open_screen: Callable[[str], Screen]) -> Screen:
    return open_screen("watch")


@pytest.mark.parametrize("command", ["watch", "home", "walk"])
def test_it_lives_through_floods_garbage_and_sizes(open_screen: Callable[[str], Screen], command: str) -> None:
    screen = open_screen(command)
    memory = screen.mebibytes
    floods = [b"x" * 1_000_000, b"\x1b[200~" + b"dq s" * 250_000 + b"\x1b[201~", b"\0" * 100_000, b"\x1b[A" * 30_000]
    for flood in floods:
        screen.send(flood)
        time.sleep(0.1)
        screen.repaints()
    assert screen.mebibytes - memory < 30
    for noise in GARBAGE:
        screen.send(noise)
        time.sleep(0.02)
    screen.repaints()
    generator = random.Random(0)
    for rows, columns in [(1, 1), (300, 1000), (2, 5), (5, 16), (24, 80)]:
        screen.resize(rows, columns)
        time.sleep(0.2)
    for _ in range(60):
        screen.resize(generator.randint(1, 60), generator.randint(1, 200))
        time.sleep(0.005)
    screen.resize(24, 80)
    began, taken = time.monotonic(), [screen.mebibytes]
    while time.monotonic() < began + SECONDS:
        if time.monotonic() > began + len(taken):
            taken.append(screen.mebibytes)
        kind = generator.choice(("noise", "size", "bytes"))
        if kind == "noise":
            screen.send(generator.choice(GARBAGE))
        elif kind == "size":
            screen.resize(generator.randint(1, 300), generator.randint(1, 1000))
        else:
            # Not ctrl+z, which stops it, nor keys that leave it, as the palette's entries do, nor the comma of the settings,
            # in which q may become another key.
            screen.send(bytes(b for b in generator.randbytes(300) if b not in b"\x1aqdQ\x03\x11\x1b\x10,"))
        time.sleep(0.01)
    screen.resize(24, 80)
    time.sleep(0.5)
    screen.repaints()
    # Pictures on 300,000 cells need room whenever they first come; what is lost, though, is lost again and again.
    third = len(taken) // 3
    assert max(taken[-third:]) - max(taken[: -third or None]) < 30 if third else screen.mebibytes - memory < 60
    for key in b"\x1bq" * 6:  # through what was opened
        if screen.process.poll() is None:
            screen.send(bytes([key]))
            time.sleep(1)
    screen.wait_until(lambda: screen.process.poll() is not None, 10)
    assert screen.process.returncode == 0


def test_names_in_a_log_steer_no_terminal(screen: Screen) -> None:
    assert rb"\x1b[31m\u202e\xe9[red]xxx" in screen.received
    assert b"\x1b[31m" not in screen.received
    assert "\u202e".encode() not in screen.received


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP", "SIGTERM", "SIGABRT", "SIGQUIT", "SIGUSR1"])
def test_whatever_ends_it_gives_the_terminal_back(screen: Screen, name: str) -> None:
    screen.process.send_signal(getattr(signal, name))
    screen.wait_until(lambda: screen.process.poll() is not None, 20)
    assert screen.process.returncode == 0
    screen.wait_until(lambda: b"\x1b[?1049l" in screen.received, 5)
    assert screen.settings[3] == screen.before[3]
