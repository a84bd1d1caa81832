"""A trainer and its screen stay as small as they were, and a screen of which nothing changes does next to nothing."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import psutil
import pytest
from chaos.conftest import LONG_SECONDS, Tally

from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder

pytestmark = [pytest.mark.slow, pytest.mark.terminal]
_SIZE = (40, 120)


class Screen:
    """A screen in a terminal of 120 x 40 whose output is read, and counted."""

    def __init__(self, arguments: list[str], folder: Path) -> None:
        environment = {**os.environ, "TERM": "xterm-256color", "OMP_NUM_THREADS": "1"}
        self.child = pexpect.spawn(
            sys.executable, ["-m", "vae_tui", *arguments], cwd=folder, env=environment, dimensions=_SIZE, timeout=60
        )
        self.process = psutil.Process(self.child.pid)
        self.bytes_read = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                self.bytes_read += len(self.child.read_nonblocking(65536, timeout=None))
            except (pexpect.EOF, OSError):
                return

    def cpu_seconds(self) -> float:
        """Processor time it has taken."""
        times = self.process.cpu_times()
        return times.user + times.system

    def close(self) -> None:
        """End it."""
        self.child.kill(signal.SIGKILL)
        self._reader.join(5)
        self.child.close()


@pytest.fixture
def screens() -> Iterator[list[Screen]]:
    """Screens to be closed at the end."""
    opened: list[Screen] = []
    yield opened
    for screen in opened:
        screen.close()


def _train(folder: Path, images_path: Path, *more: str) -> list[str]:
    settings = ("data.name=npz", f"data.root={images_path}", "model.hidden=[16]", "train.threads=1", *more)
    return ["train", "digits", "--run", "soak", *(part for setting in settings for part in ("--set", setting))]


def _wait(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.1)


@pytest.mark.skipif(not LONG_SECONDS, reason="takes the hour of make chaos")
def test_the_memory_of_screen_and_trainer_is_flat(
    tmp_path: Path, images_path: Path, screens: list[Screen], tally: Callable[[str], Tally]
) -> None:
    screen = Screen(_train(tmp_path, images_path, "train.epochs=100000000", "train.checkpoint_epochs=1000"), tmp_path)
    screens.append(screen)
    run = Run(tmp_path / "checkpoints" / "soak")
    _wait(lambda: len(run.checkpoints()) > 0)
    holder = lock_holder(run.path)
    assert holder is not None
    trainer = psutil.Process(holder)
    # A fifth of the time to grow to what it needs.
    time.sleep(LONG_SECONDS * 0.9 / 5)
    before = screen.process.memory_info().rss, trainer.memory_info().rss
    began, cpu = time.monotonic(), screen.cpu_seconds()
    while time.monotonic() - began < LONG_SECONDS * 0.9 * 4 / 5:
        time.sleep(1)
    seconds = time.monotonic() - began
    after = screen.process.memory_info().rss, trainer.memory_info().rss
    share = (screen.cpu_seconds() - cpu) / seconds
    trainer.terminate()
    counts = tally(
        f"soak of {seconds:.0f} s: screen {before[0] >> 20} to {after[0] >> 20} MiB, trainer {before[1] >> 20} to "
        f"{after[1] >> 20} MiB, screen {100 * share:.1f} % of a core"
    )
    assert after[0] <= before[0] * 1.05
    assert after[1] <= before[1] * 1.05
    counts.add("flat")


def test_a_screen_of_which_nothing_changes_writes_nothing(
    tmp_path: Path, images_path: Path, screens: list[Screen], tally: Callable[[str], Tally]
) -> None:
    screens.append(Screen([*_train(tmp_path, images_path, "train.epochs=2"), "--ui", "none"], tmp_path))
    screens[-1].child.wait()
    screen = Screen(["watch", "soak"], tmp_path)
    screens.append(screen)
    _wait(lambda: screen.bytes_read > 3000)
    # What it reads and draws at its start is over once it writes nothing more.
    before = -1
    while screen.bytes_read != before:
        before = screen.bytes_read
        time.sleep(5 if not LONG_SECONDS else 30)
    written, cpu, began = screen.bytes_read, screen.cpu_seconds(), time.monotonic()
    time.sleep(max(5.0, min(60.0, LONG_SECONDS / 10)))
    share = (screen.cpu_seconds() - cpu) / (time.monotonic() - began)
    counts = tally(f"idle screen: {100 * share:.2f} % of a core")
    assert screen.bytes_read == written
    if LONG_SECONDS >= 600:
        assert share < 0.005
    counts.add("0 bytes")
