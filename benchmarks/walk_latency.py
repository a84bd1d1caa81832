"""From key press to changed pixels in `vae-tui walk`, and whether hurried keys end in the right picture, in a pty.

    python benchmarks/walk_latency.py RUN|CHECKPOINT... [--busy] [--images octant] [--out latency.json]

With --busy a training run has the machine to itself as far as it can. A key counts from the moment it is written to the
moment at which the bytes were read that change the picture; what the terminal then takes to draw is not in it. Whether hurried
keys end in the right picture is looked at with half blocks.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import random
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import numpy as np
import pyte

from vae_tui.imaging.tiles import compose, fit_tiles
from vae_tui.latent.grids import decode_points
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.runs.find import find_checkpoint
from vae_tui.tui.colors import THEME
from vae_tui.walk.bookmarks import Bookmarks

ROWS, COLUMNS = 24, 80
PANE = (slice(2, ROWS - 4), slice(1, 45))
"""Rows and columns of the image at this size."""


class Walk:
    """The walk in a pty; what it writes is kept with the time it was read at."""

    def __init__(self, checkpoint: Path, images: str) -> None:
        pid, self._terminal = pty.fork()
        if pid == 0:
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execv(sys.executable, [sys.executable, "-m", "vae_tui", "walk", str(checkpoint), "--images", images])
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._pid = pid
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._waiting: list[tuple[float, bytes]] = []
        self.changed_at = 0.0
        """When the picture changed last."""

    def read(self, seconds: float) -> None:
        """Take down what is written in this time."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self._terminal], [], [], left)[0]:
                try:
                    block = os.read(self._terminal, 1 << 16)
                except OSError:
                    return  # the program has gone
                self._waiting.append((time.perf_counter(), block))

    def press(self, key: str) -> float:
        """Press a key; returns when."""
        os.write(self._terminal, key.encode())
        return time.perf_counter()

    def changes(self) -> list[float]:
        """When the picture changed, since this was asked last."""
        found = []
        before = self.picture()
        for when, block in self._waiting:
            # pyte does not know the sequences with < > or = that a terminal's abilities are asked with.
            self._stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]", b"", block))
            now = self.picture()
            if not np.array_equal(now, before):
                found.append(when)
                self.changed_at = when
            before = now
        self._waiting.clear()
        return found

    def picture(self) -> np.ndarray:
        """The pixels of the image's pane, two a cell, (2 rows, columns, 3)."""
        rows, columns = (range(*part.indices(size)) for part, size in zip(PANE, (ROWS, COLUMNS), strict=True))
        pixels = np.zeros((2 * len(rows), len(columns), 3), np.uint8)
        for down, y in enumerate(rows):
            for across, x in enumerate(columns):
                cell = self._screen.buffer[y][x]
                upper, lower = {"▀": (cell.fg, cell.bg), "▄": (cell.bg, cell.fg), " ": (cell.bg, cell.bg)}.get(
                    cell.data, (cell.fg, cell.bg)
                )
                pixels[2 * down, across], pixels[2 * down + 1, across] = _rgb(upper), _rgb(lower)
        return pixels

    def close(self) -> None:
        """Leave."""
        self.press("q")
        self.read(1)
        os.close(self._terminal)
        os.waitpid(self._pid, 0)


def _rgb(color: str) -> tuple[int, int, int]:
    return (0, 0, 0) if len(color) != 6 else (int(color[:2], 16), int(color[2:4], 16), int(color[4:], 16))


def measure_latency(walk: Walk, presses: int) -> list[float]:
    """Milliseconds from each of some key presses to the picture it changes, one after the other."""
    found = []
    for number in range(presses):
        pressed = walk.press("L" if number % 2 else "H")
        walk.read(0.2 + random.random() * 0.05)
        if changed := walk.changes():
            found.append((changed[0] - pressed) * 1000)
    return found


def hurry(walk: Walk, checkpoint: Path, presses: int) -> float | None:
    """Press keys at random, 50 a second; how long after the last one the screen shows what its latent decodes to.

    In seconds; None where it does not within ten.
    """
    chooser = random.Random(0)
    for _ in range(presses):
        walk.press(chooser.choice("hjklHLourtT"))
        walk.read(0.02)
    ended = time.perf_counter()
    walk.read(10)
    walk.changes()
    shown = walk.picture()
    last = walk.changed_at
    walk.press("m")
    walk.read(0.3)
    walk.press("0")
    walk.read(0.5)
    z = Bookmarks(checkpoint).read()[0].z
    image = decode_points(load_checkpoint(checkpoint), z[None])[:, None]
    layout = fit_tiles(1, image.shape[2:4], shown.shape[:2])
    assert layout is not None
    ground = tuple(int(THEME.background[start : start + 2], 16) for start in (1, 3, 5))
    right = np.array_equal(shown, compose(image, layout, shown.shape[:2], ground=ground))
    return max(0.0, last - ended) if right else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", metavar="RUN|CHECKPOINT", nargs="+")
    parser.add_argument("--busy", action="store_true", help="while a training run uses the machine")
    parser.add_argument("--images", choices=("half", "octant"), default="half")
    parser.add_argument("--presses", type=int, default=200)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    table = []
    with tempfile.TemporaryDirectory() as folder:
        training = None
        if given.busy:
            command = [sys.executable, "-m", "vae_tui", "train", "digits", "--set", "train.epochs=100000"]
            training = subprocess.Popen([*command, "--runs-dir", folder, "--ui", "none"], stdout=subprocess.DEVNULL)
            time.sleep(10)
        try:
            for source in given.checkpoint:
                checkpoint = find_checkpoint(str(source), Path("checkpoints"))
                walk = Walk(checkpoint, given.images)
                walk.read(8 if not given.busy else 20)
                walk.changes()
                times = measure_latency(walk, given.presses)
                settled = hurry(walk, checkpoint, 1000) if given.images == "half" else None
                walk.close()
                p50, p95 = np.percentile(times, [50, 95])
                row = {"checkpoint": str(checkpoint), "busy": given.busy, "presses": given.presses}
                row |= {
                    "seen": len(times),
                    "p50_ms": p50,
                    "p95_ms": p95,
                    "max_ms": max(times),
                    "settled_seconds": settled,
                }
                table.append(row)
                ending = "WRONG picture" if settled is None else f"right picture, {settled:.2f} s after the last"
                print(
                    f"{checkpoint.parent.name:<32} {'busy' if given.busy else 'quiet':<6} p50 {p50:6.1f} ms   "
                    f"p95 {p95:6.1f} ms   max {max(times):6.1f} ms   {len(times)}/{given.presses} seen"
                    + (f"   1,000 hurried keys end in the {ending}" if given.images == "half" else "")
                )
        finally:
            if training is not None:
                training.terminate()
                training.wait()
    if given.out:
        given.out.write_text(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
