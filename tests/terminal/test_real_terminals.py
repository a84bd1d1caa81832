"""Real terminals on a virtual screen, photographed: what is seen in them is what was shown."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.tmux import Attached

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("Xvfb") and shutil.which("xwd") and shutil.which("convert")),
        reason="needs Xvfb, xwd and convert: apt-get install xvfb x11-apps imagemagick",
    ),
]
WIDTH, HEIGHT = 1000, 760
FONT = "DejaVu Sans Mono"


def _draws_placeholders() -> bool:
    """Whether there is a kitty that shows pictures where cells stand for them."""
    if not shutil.which("kitty"):
        return False
    said = subprocess.run(["kitty", "--version"], capture_output=True, text=True, check=False).stdout
    return Attached(said, frozenset()).knows_placeholders


class Desk:
    """A virtual screen with one terminal on it."""

    def __init__(self, folder: Path) -> None:
        reading, writing = os.pipe()
        screen = f"{WIDTH}x{HEIGHT}x24"
        # Of our own number, so that tests at the same time do not contend; it says when it can be used.
        self.display = f":{1000 + os.getpid() % 50000}"
        self._server = subprocess.Popen(
            ["Xvfb", self.display, "-displayfd", str(writing), "-screen", "0", screen, "-nolisten", "tcp", "-noreset"],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading, "rb") as ready:
            assert ready.readline(), "Xvfb did not start"
        self.log = folder / "log.txt"
        self.terminal: subprocess.Popen[bytes] | None = None
        self._environment = {
            key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TMUX", "STY", "COLORTERM")
        } | {"DISPLAY": self.display, "LIBGL_ALWAYS_SOFTWARE": "1", "LC_ALL": "C.UTF-8", "SHELL": "/bin/sh"}
        for size in ("COLUMNS", "LINES"):
            self._environment.pop(size, None)

    def run(self, *command: str, program: Path, images: str = "auto") -> None:
        shown = [sys.executable, str(program), str(self.log), images]
        self.terminal = subprocess.Popen(
            [*command, *shown], env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    @property
    def said(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def wait_until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 40
        while not condition():
            assert time.monotonic() < deadline, self.said
            time.sleep(0.1)

    def photograph(self) -> Pixels:
        """What is on the screen, (H, W, 3)."""
        dump = subprocess.run(["xwd", "-root", "-silent", "-display", self.display], capture_output=True, check=True)
        png = subprocess.run(["convert", "xwd:-", "png:-"], input=dump.stdout, capture_output=True, check=True)
        # Kept for whoever wants to look: pytest --basetemp=DIR.
        self.log.with_name("photograph.png").write_bytes(png.stdout)
        return np.asarray(Image.open(io.BytesIO(png.stdout)).convert("RGB"))

    def close(self) -> None:
        for process in (self.terminal, self._server):
            if process is not None:
                process.kill()
                process.wait()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def tiles(pictures_program: Path) -> Pixels:
    """What the program shows first, (6, 28, 28, 3)."""
    source: dict[str, Any] = {"__name__": "program", "__file__": str(pictures_program)}
    exec(compile(pictures_program.read_text(), pictures_program, "exec", dont_inherit=True), source)
    pixels: Pixels = source["draw_tiles"](0)[:, 0]
    return pixels


def find_tiles(photograph: Pixels, tiles: Pixels, *, tolerance: int) -> list[tuple[int, int, int, int]]:
    """Where the tiles are seen (top, left, bottom, right): their 16 squares each in its place and colour."""
    bright = photograph.max(axis=2) > 35
    rows = _long_runs(bright.mean(axis=1) > 0.3)
    if len(rows) != 2:
        return []
    found = []
    for index, tile in enumerate(tiles):
        top, bottom = rows[index // 3]
        columns = _long_runs(bright[top:bottom].mean(axis=0) > 0.5)
        if len(columns) != 3:
            return []
        left, right = columns[index % 3]
        across, down = (right - left) / 4, (bottom - top) / 4
        middles = (np.arange(4) + 0.5)[:, None]
        seen = photograph[(top + middles * down).astype(int), (left + middles.T * across).astype(int)].astype(int)
        if np.abs(seen - tile[3::7, 3::7]).max() <= tolerance:
            found.append((top, left, bottom, right))
    return found


def _long_runs(wanted: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], wanted.astype(int), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2) if end - start > 60]


def check_places(places: list[tuple[int, int, int, int]]) -> None:
    """Six tiles in two rows of three, none over another, each as high as wide."""
    assert len(places) == 6
    lefts = [left for _, left, _, _ in places]
    assert lefts[:3] == sorted(lefts[:3])
    assert all(places[index][2] <= places[index + 3][0] + 4 for index in range(3))
    for top, left, bottom, right in places:
        assert 0.85 < (bottom - top) / (right - left) < 1.18


@pytest.mark.skipif(not shutil.which("xterm"), reason="needs xterm: apt-get install xterm")
def test_xterm_draws_sixel(desk: Desk, pictures_program: Path, tiles: Pixels) -> None:
    desk.run(
        *("xterm", "-ti", "vt340", "-fa", FONT, "-fs", "10", "-geometry", "100x36+0+0", "-e"), program=pictures_program
    )
    desk.wait_until(lambda: "mode sixel" in desk.said)
    desk.wait_until(lambda: len(find_tiles(desk.photograph(), tiles, tolerance=4)) == 6)
    places = find_tiles(desk.photograph(), tiles, tolerance=4)
    check_places(places)
    assert (places[0][2] - places[0][0]) % 28 == 0, "whole times larger"


@pytest.mark.skipif(not shutil.which("xterm"), reason="needs xterm: apt-get install xterm")
def test_xterm_without_sixel_draws_half_blocks(desk: Desk, pictures_program: Path, tiles: Pixels) -> None:
    desk.run(*("xterm", "-fa", FONT, "-fs", "10", "-geometry", "100x36+0+0", "-e"), program=pictures_program)
    desk.wait_until(lambda: "shown 0" in desk.said)
    desk.wait_until(lambda: len(find_tiles(desk.photograph(), tiles, tolerance=8)) == 6)
    check_places(find_tiles(desk.photograph(), tiles, tolerance=8))
    assert not {"mode sixel", "mode kitty"} & set(desk.said)


@pytest.mark.skipif(not shutil.which("kitty"), reason="needs kitty: apt-get install kitty libgl1-mesa-dri")
def test_kitty_scales_what_it_was_sent(desk: Desk, pictures_program: Path, tiles: Pixels) -> None:
    options = {"initial_window_width": "100c", "initial_window_height": "36c", "remember_window_size": "no"}
    given = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    desk.run("kitty", "--config", "NONE", *given, program=pictures_program)
    desk.wait_until(lambda: "mode kitty" in desk.said)
    desk.wait_until(lambda: len(find_tiles(desk.photograph(), tiles, tolerance=4)) == 6)
    check_places(find_tiles(desk.photograph(), tiles, tolerance=4))


@pytest.mark.skipif(not shutil.which("xterm") or not shutil.which("tmux"), reason="needs xterm and tmux")
def test_tmux_shows_half_blocks_in_whatever_terminal_it_is(
    desk: Desk, pictures_program: Path, tiles: Pixels, tmp_path: Path
) -> None:
    socket = str(tmp_path / "tmux")
    desk.run(
        *("xterm", "-ti", "vt340", "-fa", FONT, "-fs", "10", "-geometry", "100x37+0+0", "-e"),
        *("tmux", "-S", socket, "-f", "/dev/null", "-2", "new-session"),
        program=pictures_program,
    )
    try:
        desk.wait_until(lambda: "shown 0" in desk.said)
        # tmux 3.3 says nothing of colours, so there are 256 of them, and nothing of sixel.
        desk.wait_until(lambda: len(find_tiles(desk.photograph(), tiles, tolerance=30)) == 6)
        check_places(find_tiles(desk.photograph(), tiles, tolerance=30))
        assert not {"mode sixel", "mode kitty"} & set(desk.said)
        assert not [line for line in desk.said if line.startswith("key")]
    finally:
        subprocess.run(["tmux", "-S", socket, "kill-server"], capture_output=True, check=False)


@pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")
@pytest.mark.skipif(not _draws_placeholders(), reason="needs kitty 0.28 or later")
def test_kitty_draws_pictures_inside_tmux(desk: Desk, pictures_program: Path, tiles: Pixels, tmp_path: Path) -> None:
    socket, conf = str(tmp_path / "tmux"), tmp_path / "tmux.conf"
    conf.write_text("set -g allow-passthrough on\n")
    options = {"initial_window_width": "100c", "initial_window_height": "37c", "remember_window_size": "no"}
    given = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    desk.run(
        *("kitty", "--config", "NONE", *given),
        *("tmux", "-S", socket, "-f", str(conf), "new-session"),
        program=pictures_program,
    )
    try:
        desk.wait_until(lambda: "mode kitty" in desk.said)
        desk.wait_until(lambda: len(find_tiles(desk.photograph(), tiles, tolerance=4)) == 6)
        check_places(find_tiles(desk.photograph(), tiles, tolerance=4))
    finally:
        subprocess.run(["tmux", "-S", socket, "kill-server"], capture_output=True, check=False)
