"""Pictures inside a real tmux, whose terminal is a pty that takes what kitty 0.41 does."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyte
import pytest

from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.placeholders import MARKS

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux"),
]

NAME = b"\x1bP>|kitty(0.41.1)\x1b\\"
PLACEHOLDER = "\U0010eeee"
STRINGS = re.compile(rb"\x1b[_P].*?\x1b\\", re.DOTALL)
UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>=?][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p")
COMMANDS = re.compile(rb"(?:\x1b_G[^\x1b]*\x1b\\)+")


@pytest.fixture
def open_tmux(
    open_terminal: Any, pictures_program: Path, tmp_path: Path
) -> Iterator[Callable[..., tuple[Any, Callable[..., None]]]]:
    """Runs the program that shows pictures in a tmux of its own, and gives its terminal and a way to command it."""
    socket = str(tmp_path / "tmux")

    def command(*words: str) -> None:
        subprocess.run(["tmux", "-S", socket, *words], check=True)

    def open_one(*, allowed: bool) -> tuple[Any, Callable[..., None]]:
        conf = tmp_path / "tmux.conf"
        conf.write_text(f"set -g allow-passthrough {'on' if allowed else 'off'}\n")
        shown = [sys.executable, str(pictures_program), str(tmp_path / "log.txt"), "auto"]
        program = ["tmux", "-S", socket, "-f", str(conf), "new-session", shlex.join(shown)]
        terminal = open_terminal(program, answers=None, environment={"SHELL": "/bin/sh"})
        terminal.wait_until(lambda: b"\x1b[>q" in terminal.received)
        terminal.press(NAME)
        return terminal, command

    yield open_one
    subprocess.run(["tmux", "-S", socket, "kill-server"], capture_output=True, check=False)


def read_screen(terminal: Any) -> pyte.Screen:
    """What tmux has written, which does not do so in frames."""
    screen = pyte.Screen(terminal.size[1], terminal.size[0])
    pyte.ByteStream(screen).feed(UNKNOWN_TO_PYTE.sub(b"", STRINGS.sub(b"", terminal.received)))
    return screen


def find_placed(terminal: Any, decode_kitty: Any) -> list[Pixels]:
    """The pictures whose cells are on the screen, each whole, in the order of their first cells."""
    text = "".join(part.decode() for part in COMMANDS.findall(terminal.received))
    pictures = [decode_kitty(sent) for sent in re.findall(r"\x1b_Ga=T,U=1.*?m=0[^\x1b]*\x1b\\", text)]
    by_number = {int(keys["i"]): pixels for keys, pixels in pictures}
    screen = read_screen(terminal)
    corners: dict[int, set[tuple[int, int]]] = {}
    for y in range(terminal.size[0]):
        row = column = first = 0
        for x in range(terminal.size[1]):
            cell = screen.buffer[y][x]
            if not cell.data.startswith(PLACEHOLDER):
                continue
            column += 1
            if len(cell.data) == 4:
                row, column, first = (MARKS.index(mark) for mark in cell.data[1:])
            number = first << 24 | pyte.graphics.FG_BG_256.index(cell.fg, 16)
            corners.setdefault(number, set()).add((y - row, x - column))
    whole = {places.pop(): number for number, places in corners.items() if len(places) == 1}
    return [by_number[whole[place]] for place in sorted(whole) if whole[place] in by_number]


def test_inside_tmux_kitty_shows_pictures_where_their_cells_are(
    open_tmux: Any, decode_kitty: Any, draw_tiles: Any, log: Callable[[], list[str]]
) -> None:
    terminal, tmux = open_tmux(allowed=True)

    def shows(number: int) -> bool:
        shown = find_placed(terminal, decode_kitty)
        wanted = draw_tiles(number)[:, 0]
        return len(shown) == 6 and all(np.array_equal(a[1:-1, 1:-1], b) for a, b in zip(shown, wanted, strict=True))

    terminal.wait_until(lambda: shows(0))
    terminal.press(b"n")
    terminal.wait_until(lambda: shows(1))
    terminal.press(b"c")
    terminal.wait_until(lambda: "over it" in "".join(read_screen(terminal).display))
    terminal.wait_until(lambda: PLACEHOLDER not in "".join(read_screen(terminal).display))
    terminal.press(b"\x1b")
    terminal.wait_until(lambda: shows(1))
    # What is sent while another window is shown, tmux drops.
    tmux("new-window", "sleep 600")
    tmux("send-keys", "-t", ":0", "n")
    terminal.wait_until(lambda: "shown 2" in log())
    time.sleep(2)  # tmux is asked every second
    tmux("select-window", "-t", ":0")
    terminal.wait_until(lambda: shows(2))
    assert [line for line in log() if line.startswith("key")] == ["key n", "key c", "key escape", "key n"]


def test_a_tmux_that_passes_nothing_on_is_sent_no_graphics(open_tmux: Any, log: Callable[[], list[str]]) -> None:
    terminal, _ = open_tmux(allowed=False)
    terminal.wait_until(lambda: "mode sextant" in log() or "mode octant" in log())
    terminal.press(b"n")
    terminal.wait_until(lambda: "shown 1" in log())
    assert "mode kitty" not in log()
    assert b"\x1b_G" not in terminal.received


def test_octants_are_drawn_in_a_tmux_that_keeps_them_and_in_no_other(
    open_tmux: Any, log: Callable[[], list[str]]
) -> None:
    terminal, _ = open_tmux(allowed=False)
    terminal.wait_until(lambda: "mode sextant" in log() or "mode octant" in log())
    # What tmux keeps it sends on: the octant that was written to find out, and then pictures of them.
    kept = "\U0001cd01".encode() in terminal.received
    terminal.wait_until(lambda: ("mode octant" in log()) == kept)
    terminal.press(b"n")
    terminal.wait_until(lambda: "shown 1" in log())
    drawn = "".join(read_screen(terminal).display)
    assert any("\U0001cd00" <= sign <= "\U0001cde5" for sign in drawn) == kept
