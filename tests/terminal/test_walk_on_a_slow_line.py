"""A walk by someone at 80x24 without colours, at the far end of 28,800 bit/s: all of it works, and nothing queues."""

from __future__ import annotations

import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vae_tui.imaging.ascii import to_ascii
from vae_tui.imaging.grid import Pixels, decode_png
from vae_tui.imaging.tiles import compose, fit_tiles
from vae_tui.runs.layout import Run
from vae_tui.walk.bookmarks import Bookmarks

pytestmark = [pytest.mark.terminal, pytest.mark.slow]

SPEED, ROUND_TRIP = 2880, 0.3
"""Bytes a second, and seconds."""
PANE_ROWS, PANE_COLUMNS = 17, 44
"""Of the image's pane at 80x24, less its caption."""


@pytest.fixture
def walk(open_terminal: Callable[..., Any], walked_run: Run, tmp_path: Path) -> Iterator[Any]:
    terminal = open_terminal(
        [sys.executable, "-m", "vae_tui", "walk", str(walked_run.latest().path)],
        answers=b"\x1b[?62;22c",
        delay=ROUND_TRIP,
        bytes_per_second=SPEED,
        environment={"NO_COLOR": "1"},
        folder=tmp_path,
    )
    terminal.wait_until(lambda: "4 of 5 active" in terminal.text and "image at z1" in terminal.text)
    return terminal


def read_picture(terminal: Any) -> list[str]:
    """The image's pane, as text."""
    return [line[1 : 1 + PANE_COLUMNS] for line in terminal.screen.display[2 : 2 + PANE_ROWS]]


def draw(image: Pixels) -> list[str]:
    """What the image's pane should show."""
    area = 2 * PANE_ROWS, PANE_COLUMNS
    layout = fit_tiles(1, image.shape[:2], area, smooth=True)
    assert layout is not None
    pixels = compose(image[None, None], layout, area, ground=(0, 0, 0), smooth=True)
    return ["".join(map(chr, row)) for row in to_ascii(pixels)[..., 0]]


def decode(run: Run, z: np.ndarray) -> Pixels:
    from vae_tui.latent.grids import decode_points
    from vae_tui.model.checkpoint import load_checkpoint

    return decode_points(load_checkpoint(run.latest().path), z[None])[0]


def wait_for_bookmark(walk: Any, run: Run) -> None:
    """Until the place is stored; its notice on the screen is over in a few seconds."""
    walk.wait_until(lambda: Bookmarks(run.latest().path).read())


def test_all_of_it_is_there_and_the_terminal_is_given_back(walk: Any, walked_run: Run, tmp_path: Path) -> None:
    def sees(*texts: str) -> None:
        walk.wait_until(lambda: all(text in walk.text for text in texts))

    assert walk.text.isascii()
    walk.press(b"L\x1b[C")
    sees(">z1 1.50", "+1.10", "image at z1 +1.10", "z2 0.00 ------.-------")
    walk.press(b"\r")
    sees("a number; draws of the prior")
    walk.type(b"\x15-2.5\r")
    sees("image at z1 -2.50")
    walk.press(b"a")
    sees("enter takes")
    walk.type(b"class:top\r")
    sees("A test 0 (top)")
    for key, seen in (
        (b"2", "nearest to picture"),
        (b"3", "every active dimension"),
        (b"4", ": row "),
        (b"5", "0=bottom  1=middle  2=top"),
        (b"6", "train:"),
    ):
        walk.press(key)
        sees(seen)
    assert walk.text.isascii()
    walk.type(b"1x")
    sees("export", ".png: this view")
    walk.type(b"\x15mine.png\r")
    sees("wrote mine.png")
    walk.press(b"m")
    sees("which bookmark")
    walk.press(b"0")
    wait_for_bookmark(walk, walked_run)
    # Exported eight times enlarged.
    exported = decode_png((tmp_path / "mine.png").read_bytes())[::8, ::8]
    np.testing.assert_array_equal(exported, decode(walked_run, Bookmarks(walked_run.latest().path).read()[0].z))
    assert read_picture(walk) == draw(exported)
    assert not walk.settings[3] & termios.ICANON
    walk.press(b"q")
    assert walk.process.wait(10) == 0
    assert walk.settings[3] & termios.ICANON
    walk.wait_until(lambda: walk.received.rfind(b"\x1b[?1049l") > walk.received.rfind(b"\x1b[?1049h"))
    assert walk.received.rfind(b"\x1b[?25h") > walk.received.rfind(b"\x1b[?25l")


def test_neither_an_animation_nor_hurried_keys_queue_in_the_line(walk: Any, walked_run: Run) -> None:
    walk.press(b"n ")
    walk.wait_until(lambda: "playing dimension" in walk.text)
    walk.most_under_way = 0
    time.sleep(3)
    assert walk.most_under_way < SPEED
    walk.press(b" ")
    walk.type(b"hlHLjkt" * 14 + b"Om0")
    wait_for_bookmark(walk, walked_run)
    z = Bookmarks(walked_run.latest().path).read()[0].z
    assert not z.any()
    # The line was never more than a moment behind, so what is seen soon is the last.
    assert walk.most_under_way < 2 * SPEED
    walk.wait_until(lambda: read_picture(walk) == draw(decode(walked_run, z)))
