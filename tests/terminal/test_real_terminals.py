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
from vae_tui.tui.graphics.app import PictureChoice

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
_PYTHON = "/usr/bin/python3"
"""The system's, which has its libraries."""


def _draws_placeholders() -> bool:
    """Whether there is a kitty that shows pictures where cells stand for them."""
    if not shutil.which("kitty"):
        return False
    said = subprocess.run(["kitty", "--version"], capture_output=True, text=True, check=False).stdout
    return Attached(said, frozenset()).knows_placeholders


def _has_vte() -> bool:
    """Whether the system's Python opens GNOME's terminal."""
    asked = "import gi; gi.require_version('Vte', '2.91')"
    return Path(_PYTHON).exists() and not subprocess.run([_PYTHON, "-c", asked], capture_output=True).returncode


class Desk:
    """A virtual screen with one terminal on it."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log.txt"
        self.terminal: subprocess.Popen[bytes] | None = None
        of_ours = ("NO_COLOR", "TMUX", "STY", "COLORTERM", "COLUMNS", "LINES", "DISPLAY", "WAYLAND_DISPLAY", "SWAYSOCK")
        self._environment = {key: value for key, value in os.environ.items() if key not in of_ours} | {
            **{"LIBGL_ALWAYS_SOFTWARE": "1", "LC_ALL": "C.UTF-8", "SHELL": "/bin/sh", "HOME": str(folder)},
            # Nothing is to be found of the desktop that the tests may run on.
            **{"GDK_BACKEND": "x11", "QT_QPA_PLATFORM": "xcb", "DBUS_SESSION_BUS_ADDRESS": "disabled:"},
        }
        self._server = self._open(folder)

    def _open(self, folder: Path) -> subprocess.Popen[bytes]:
        reading, writing = os.pipe()
        screen = f"{WIDTH}x{HEIGHT}x24"
        # Of our own number, so that tests at the same time do not contend; it says when it can be used.
        self._environment["DISPLAY"] = display = f":{1000 + os.getpid() % 50000}"
        server = subprocess.Popen(
            ["Xvfb", display, "-displayfd", str(writing), "-screen", "0", screen, "-nolisten", "tcp", "-noreset"],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading, "rb") as ready:
            assert ready.readline(), "Xvfb did not start"
        return server

    def run(self, *command: str, program: Path, images: str = "auto") -> None:
        shown = [sys.executable, str(program), str(self.log), images]
        self.terminal = subprocess.Popen(
            [*command, *shown],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
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
        png = self._take()
        # Kept for whoever wants to look: pytest --basetemp=DIR.
        self.log.with_name("photograph.png").write_bytes(png)
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))

    def _take(self) -> bytes:
        command = ["xwd", "-root", "-silent"]
        dump = subprocess.run(command, env=self._environment, capture_output=True, check=True)
        return subprocess.run(["convert", "xwd:-", "png:-"], input=dump.stdout, capture_output=True, check=True).stdout

    def close(self) -> None:
        for process in (self.terminal, self._server):
            if process is not None:
                process.kill()
                process.wait()


class WaylandDesk(Desk):
    """The same for terminals of Wayland."""

    def _open(self, folder: Path) -> subprocess.Popen[bytes]:
        (folder / "sway.conf").write_text(
            f"output HEADLESS-1 mode {WIDTH}x{HEIGHT}\ndefault_border none\n"
            'for_window [app_id=".*"] floating enable, move position 0 0\n'
        )
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700)
        headless = {"WLR_BACKENDS": "headless", "WLR_RENDERER": "pixman", "WLR_LIBINPUT_NO_DEVICES": "1"}
        self._environment |= headless | {"XDG_RUNTIME_DIR": str(runtime)}
        server = subprocess.Popen(
            ["sway", "-c", str(folder / "sway.conf")],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.wait_until(lambda: list(runtime.glob("wayland-*")))
        self._environment["WAYLAND_DISPLAY"] = min(runtime.glob("wayland-*")).name
        return server

    def _take(self) -> bytes:
        return subprocess.run(["grim", "-"], env=self._environment, capture_output=True, check=True).stdout


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def wayland_desk(tmp_path: Path) -> Iterator[Desk]:
    desk = WaylandDesk(tmp_path)
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


def wait_for_tiles(desk: Desk, tiles: Pixels, *, tolerance: int) -> list[tuple[int, int, int, int]]:
    """Where all tiles are in the first photograph in which they are; the next may be of another way to draw them."""
    found: list[tuple[int, int, int, int]] = []

    def all_are_seen() -> bool:
        found[:] = find_tiles(desk.photograph(), tiles, tolerance=tolerance)
        return len(found) == len(tiles)

    desk.wait_until(all_are_seen)
    return found


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
    places = wait_for_tiles(desk, tiles, tolerance=4)
    check_places(places)
    assert (places[0][2] - places[0][0]) % 28 == 0, "whole times larger"


@pytest.mark.skipif(not shutil.which("xterm"), reason="needs xterm: apt-get install xterm")
def test_xterm_without_sixel_draws_half_blocks(desk: Desk, pictures_program: Path, tiles: Pixels) -> None:
    desk.run(*("xterm", "-fa", FONT, "-fs", "10", "-geometry", "100x36+0+0", "-e"), program=pictures_program)
    desk.wait_until(lambda: "shown 0" in desk.said)
    check_places(wait_for_tiles(desk, tiles, tolerance=8))
    assert not {"mode sixel", "mode kitty"} & set(desk.said)


@pytest.mark.skipif(not shutil.which("kitty"), reason="needs kitty: apt-get install kitty libgl1-mesa-dri")
def test_kitty_scales_what_it_was_sent(desk: Desk, pictures_program: Path, tiles: Pixels) -> None:
    options = {"initial_window_width": "100c", "initial_window_height": "36c", "remember_window_size": "no"}
    given = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    desk.run("kitty", "--config", "NONE", *given, program=pictures_program)
    desk.wait_until(lambda: "mode kitty" in desk.said)
    check_places(wait_for_tiles(desk, tiles, tolerance=4))


@pytest.mark.skipif(
    not all(map(shutil.which, ("foot", "sway", "grim"))), reason="needs foot, sway and grim: apt-get install them"
)
@pytest.mark.parametrize("images", ["auto", "octant"])
def test_foot_draws_sixels_and_octants(
    wayland_desk: Desk, pictures_program: Path, tiles: Pixels, images: PictureChoice
) -> None:
    options = ("--config=/dev/null", f"--font={FONT}:size=9", "--window-size-chars=100x36")
    wayland_desk.run("foot", *options, program=pictures_program, images=images)
    wayland_desk.wait_until(lambda: images == "octant" or "mode sixel" in wayland_desk.said)
    check_places(wait_for_tiles(wayland_desk, tiles, tolerance=4))


@pytest.mark.skipif(not _has_vte(), reason="needs VTE: apt-get install gir1.2-vte-2.91 gir1.2-gtk-3.0 python3-gi")
def test_vte_draws_octants(desk: Desk, pictures_program: Path, tiles: Pixels) -> None:
    window = Path(__file__).with_name("vte_window.py")
    desk.run(_PYTHON, str(window), f"{FONT} 10", "100", "36", program=pictures_program)
    desk.wait_until(lambda: "mode octant" in desk.said)
    check_places(wait_for_tiles(desk, tiles, tolerance=4))


@pytest.mark.skipif(not shutil.which("konsole"), reason="needs Konsole: apt-get install konsole")
@pytest.mark.parametrize("images", ["auto", "sextant"])
def test_konsole_draws_kittys_graphics_and_sextants(
    desk: Desk, pictures_program: Path, tiles: Pixels, images: PictureChoice
) -> None:
    size = ("-p", "TerminalColumns=100", "-p", "TerminalRows=36", "-p", f"Font={FONT},10,-1,5,50,0,0,0,0,0")
    hidden = ("--separate", "--nofork", "--hide-menubar", "--hide-tabbar")
    desk.run("konsole", *hidden, *size, "-e", program=pictures_program, images=images)
    desk.wait_until(lambda: images == "sextant" or "mode kitty" in desk.said)
    check_places(wait_for_tiles(desk, tiles, tolerance=4))


@pytest.mark.skipif(not shutil.which("xterm") or not shutil.which("tmux"), reason="needs xterm and tmux")
def test_tmux_shows_sixels_where_it_knows_them_and_else_half_blocks(
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
        # tmux 3.3 says nothing of colours, so there are 256 of them, and nothing of sixel; 3.4 may be built with it.
        check_places(wait_for_tiles(desk, tiles, tolerance=30))
        assert "mode kitty" not in desk.said
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
        check_places(wait_for_tiles(desk, tiles, tolerance=4))
    finally:
        subprocess.run(["tmux", "-S", socket, "kill-server"], capture_output=True, check=False)
