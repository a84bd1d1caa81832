"""How many bytes pictures cost in a terminal, ours and textual-image's, on the same frames in the same cells.

    pip install -e '.[bench]'
    python benchmarks/picture_bytes.py [--frames FRAMES.npy] [--out bytes.json]

Each program runs in a pty of 80 x 24 cells of 10 x 20 pixels whose other end answers as a terminal of that kind does,
and is told frame by frame what to show. "one tile": one 28 x 28 picture is replaced by another, until nothing more comes
for 0.4 s. "made exact": what ours sends once the picture has stood still for a second (in cells only). textual-image has no
octants; ours are 42 x 21 cells for one picture, half blocks 28 x 14. "walk": 50
pictures, 10 a second; a small status line changes with each. "grid": one of 12 pictures is replaced by another.
Frames are (N, 28, 28) uint8; without them digits that blend into each other, with a little noise, as a decoder draws.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any

import numpy as np

COLUMNS, ROWS, CELL = 80, 24, (20, 10)
PROTOCOLS = ("half", "octant", "sixel", "kitty")
REPLIES = (
    (rb"\x1b_G[^\x1b]*a=q[^\x1b]*\x1b\\", b"\x1b_Gi=31;OK\x1b\\", ("kitty",)),
    (rb"\x1b\[16t", b"\x1b[6;20;10t", PROTOCOLS),
    (rb"\x1b\[14t", b"\x1b[4;480;800t", PROTOCOLS),
    (rb"\x1b\[5n", b"\x1b[0n", PROTOCOLS),
)
ATTRIBUTES = {"half": b"\x1b[?1;2c", "octant": b"\x1b[?1;2c", "sixel": b"\x1b[?62;4c", "kitty": b"\x1b[?62c"}
BOX = {"half": (28, 14), "sixel": (42, 21), "kitty": (44, 22)}
"""Columns and rows of a 28 x 28 picture as ours draws it in 80 x 22 cells; the other gets the same."""


def make_frames(count: int = 60) -> np.ndarray:
    from PIL import Image
    from sklearn.datasets import load_digits

    small = load_digits().images[:12] / 16 * 255
    large = [Image.fromarray(digit.astype(np.uint8)).resize((20, 20), Image.Resampling.BICUBIC) for digit in small]
    digits = np.stack([np.pad(np.asarray(digit, float), 4) for digit in large])
    noise = np.random.default_rng(0).exponential(1.5, (count, 28, 28))
    places = np.linspace(0, len(digits) - 1.001, count)
    whole, part = places.astype(int), (places % 1)[:, None, None]
    return np.clip(digits[whole] * (1 - part) + digits[whole + 1] * part + noise, 0, 255).astype(np.uint8)


def show_ours(frames: np.ndarray, grid: bool, protocol: str) -> None:
    from textual.app import ComposeResult
    from textual.widgets import Static

    from vae_tui.tui.graphics.app import PictureApp
    from vae_tui.tui.widgets.canvas import Canvas

    class Ours(PictureApp[None]):
        BINDINGS = [("n", "next", "Next"), ("q", "quit", "Quit")]  # noqa: RUF012

        def compose(self) -> ComposeResult:
            self.number, self.canvas, self.status = 0, Canvas(), Static()
            yield Static("walk")
            yield self.canvas
            yield self.status

        def on_mount(self) -> None:
            self.put()

        def put(self) -> None:
            self.status.update(f"step {self.number}")
            self.canvas.show(chosen(frames, self.number, grid)[:, None, ..., None], columns=4 if grid else None)

        def action_next(self) -> None:
            self.number += 1
            self.put()

    Ours(images=protocol).run()


def chosen(frames: np.ndarray, number: int, grid: bool) -> np.ndarray:
    """What is shown: one picture, or 12 of which the fifth changes."""
    if not grid:
        return frames[number % len(frames)][None]
    shown = frames[:12].copy()
    shown[5] = frames[(17 + number) % len(frames)]
    return shown


def show_theirs(frames: np.ndarray, grid: bool, protocol: str) -> None:
    from PIL import Image
    from textual.app import App, ComposeResult
    from textual.containers import Grid, Vertical
    from textual.widgets import Static
    from textual_image.widget import HalfcellImage, SixelImage, TGPImage

    kind = {"half": HalfcellImage, "sixel": SixelImage, "kitty": TGPImage}[protocol]

    class Theirs(App[None]):
        BINDINGS = [("n", "next", "Next"), ("q", "quit", "Quit")]  # noqa: RUF012
        CSS = "Vertical { align: center middle; } Grid { grid-size: 4 3; align: center middle; }"

        def compose(self) -> ComposeResult:
            self.number, self.status = 0, Static()
            self.pictures = [kind(self.image(index)) for index in range(12 if grid else 1)]
            columns, rows = (14, 7) if grid else BOX[protocol]
            for picture in self.pictures:
                picture.styles.width, picture.styles.height = columns, rows
            yield Static("walk")
            with Grid() if grid else Vertical():
                yield from self.pictures
            yield self.status

        def image(self, index: int) -> Any:
            return Image.fromarray(chosen(frames, self.number, grid)[index])

        def action_next(self) -> None:
            self.number += 1
            self.status.update(f"step {self.number}")
            index = 5 if grid else 0
            self.pictures[index].image = self.image(index)

    Theirs().run()


class Line:
    """A program in a pty, and the bytes that come from it."""

    def __init__(self, whose: str, protocol: str, frames: Path, grid: bool) -> None:
        self.protocol = protocol
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, COLUMNS * CELL[1], ROWS * CELL[0]))
        environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        command = [sys.executable, __file__, "--child", whose, protocol, str(frames), str(int(grid))]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        self.unheard = b""

    def read(self, seconds: float, *, until_quiet: bool = False) -> int:
        """Bytes received in so many seconds, or until nothing came for so long."""
        count, end = 0, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.master], [], [], left)[0]:
                break
            data = os.read(self.master, 1 << 16)
            # Asking whether it came so far is ours, so it counts.
            count += len(data)
            self.answer(data)
            if until_quiet:
                end = time.monotonic() + seconds
        return count

    def answer(self, data: bytes) -> None:
        self.unheard += data
        pattern = b"|".join(question for question, _, _ in REPLIES) + rb"|\x1b\[c"
        last = 0
        for asked in re.finditer(pattern, self.unheard):
            last = asked.end()
            if asked[0] == b"\x1b[c":
                os.write(self.master, ATTRIBUTES[self.protocol])
            for question, reply, known in REPLIES:
                if re.fullmatch(question, asked[0]) and self.protocol in known:
                    os.write(self.master, reply)
        self.unheard = self.unheard[last:][-200:]

    def press(self) -> None:
        os.write(self.master, b"n")

    def close(self) -> None:
        os.write(self.master, b"q")
        with contextlib.suppress(OSError):
            self.read(1.0, until_quiet=True)
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def measure(whose: str, protocol: str, frames: Path) -> dict[str, float]:
    found: dict[str, list[int]] = {"one tile": [], "made exact": [], "grid": []}
    line = Line(whose, protocol, frames, grid=False)
    line.read(3.0)
    for _ in range(8):
        line.press()
        found["one tile"].append(line.read(0.4, until_quiet=True))
        found["made exact"].append(line.read(1.2))
    began, count = time.monotonic(), 0
    for step in range(50):
        line.press()
        count += line.read(max(0.0, began + (step + 1) / 10 - time.monotonic()))
    walk = count / (time.monotonic() - began)
    line.close()
    line = Line(whose, protocol, frames, grid=True)
    line.read(3.0)
    for _ in range(5):
        line.press()
        found["grid"].append(line.read(0.4, until_quiet=True))
        line.read(1.2)
    line.close()
    return {
        "one tile, median": float(np.median(found["one tile"])),
        "one tile, most": float(max(found["one tile"])),
        "made exact, median": float(np.median(found["made exact"])),
        "grid, median": float(np.median(found["grid"])),
        "walk, bytes/s": walk,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        whose, protocol, path, grid = given.child
        show = show_ours if whose == "vae-tui" else show_theirs
        show(np.load(path), bool(int(grid)), protocol)
        return
    with tempfile.TemporaryDirectory() as folder:
        frames = given.frames or Path(folder) / "frames.npy"
        if given.frames is None:
            np.save(frames, make_frames())
        results = {
            protocol: {
                whose: measure(whose, protocol, frames)
                for whose in ("vae-tui", "textual-image")
                if whose == "vae-tui" or protocol in BOX
            }
            for protocol in PROTOCOLS
        }
    for protocol, both in results.items():
        print(f"{protocol:12}{'vae-tui':>14}{'textual-image':>16}")
        for name, ours in both["vae-tui"].items():
            theirs = f"{both['textual-image'][name]:>14,.0f}" if "textual-image" in both else f"{'-':>14}"
            print(f"  {name:20}{ours:>10,.0f}{theirs}")
    if given.out:
        given.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
