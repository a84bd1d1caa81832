"""Pictures in a terminal that answers soon, late or never: what is asked, what is drawn, and that nothing is queued."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.mosaics import CHARACTERS
from vae_tui.imaging.terminal import Mode
from vae_tui.imaging.tiles import Layout, place_stacks

pytestmark = [pytest.mark.terminal, pytest.mark.slow]

KITTY = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.26.5)\x1b\\\x1b[6;20;10t\x1b[4;480;800t\x1bP1$r48:2:1:2:3m\x1b\\\x1b[?62;c"
SIXEL = b"\x1bP>|XTerm(379)\x1b\\\x1b[6;20;10t\x1b[4;480;800t\x1bP1$r48:2:1:2:3m\x1b\\\x1b[?63;1;2;4;22c"
PLAIN = b"\x1bP0$r\x1b\\\x1b[?1;2c"
ANSWERS: dict[Mode, bytes] = {"kitty": KITTY, "sixel": SIXEL, "half": PLAIN}


def tile_means(shown: Pixels, boxes: list[tuple[int, int, int, int]]) -> np.ndarray:
    return np.array([shown[top:bottom, left:right].mean(axis=(0, 1)) for top, left, bottom, right in boxes])


def keys(log: list[str]) -> list[str]:
    return [line.removeprefix("key ") for line in log if line.startswith("key ")]


@pytest.mark.parametrize("delay", [0.0, 0.15, 0.5, 1.3])
@pytest.mark.parametrize("mode", ["kitty", "sixel", "half"])
def test_the_terminals_best_is_found_however_far_away_and_no_answer_is_typed(
    open_answering: Any, log: Callable[[], list[str]], mode: Mode, delay: float
) -> None:
    terminal = open_answering(ANSWERS[mode], delay=delay)
    terminal.wait_until(lambda: "shown 0" in log())
    terminal.press(b"n")
    terminal.wait_until(lambda: terminal.answered and (mode == "half" or f"mode {mode}" in log()))
    height, width = (44, 80) if mode == "half" else (22 * 20, 80 * 10)
    terminal.wait_until(lambda: [line for line in log() if "area" in line][-1:] == [f"area {(height, width)}"])
    if delay >= 0.5:
        assert terminal.painted_before_answer
    terminal.press(b"n\x1b")
    terminal.wait_until(lambda: keys(log())[-1:] == ["escape"])
    assert keys(log()) == ["n", "n", "escape"]
    assert terminal.received.count(b"\x1b[c") == 1
    terminal.press(b"q")
    assert terminal.process.wait() == 0


def test_a_terminal_that_draws_octants_itself_shows_each_picture_by_them(
    open_answering: Any, log: Callable[[], list[str]], draw_tiles: Any
) -> None:
    terminal = open_answering(b"\x1bP>|VTE(7803)\x1b\\\x1bP1$r48:2:1:2:3m\x1b\\\x1b[?61;1;21;22c")
    terminal.wait_until(lambda: "mode octant" in log())
    tiles = draw_tiles(1)[:, 0].astype(int)
    places = place_stacks(Layout(6, 2, 3, 28, 28), (88, 160), gap=2, margin=2, cell=(4, 2))
    terminal.press(b"n")
    terminal.wait_until(lambda: "number 1" in terminal.text and "shown 1" in log())

    def is_shown() -> bool:
        shown = terminal.mosaics[::3].astype(int)
        wrong = [
            shown[top : top + 28, left : left + 28] - tile for (top, left), tile in zip(places, tiles, strict=True)
        ]
        # Squares of noise that end within a cell give it more than the two colours that it has.
        return all(np.abs(each).mean() < 6 and np.abs(each.mean((0, 1))).max() < 3 for each in wrong)

    terminal.wait_until(is_shown)


def test_a_terminal_that_never_answers_is_drawn_in_characters_and_its_keys_work(
    open_answering: Any, log: Callable[[], list[str]], draw_tiles: Any
) -> None:
    terminal = open_answering(None)
    terminal.wait_until(lambda: "shown 0" in log())
    terminal.press(b"\x1b")
    terminal.wait_until(lambda: keys(log()) == ["escape"])
    time.sleep(1.2)
    terminal.press(b"\x1b")
    terminal.wait_until(lambda: keys(log()) == ["escape", "escape"])
    terminal.press(KITTY + b"n")
    terminal.wait_until(lambda: "mode kitty" in log() and "shown 1" in log())
    assert keys(log()) == ["escape", "escape", "n"]


def test_what_is_typed_before_the_screen_is_there_does_no_harm(
    open_answering: Any, log: Callable[[], list[str]]
) -> None:
    terminal = open_answering(None)
    terminal.press(b"kk\x1b[A")
    terminal.wait_until(lambda: "number 0" in terminal.text)
    terminal.press(b"n")
    terminal.wait_until(lambda: "number 1" in terminal.text)
    assert "key n" in log()


def test_answers_between_keys_and_a_paste(open_answering: Any, log: Callable[[], list[str]]) -> None:
    terminal = open_answering(b"x" + SIXEL[:30], delay=0.1)
    terminal.wait_until(lambda: keys(log()) == ["x"])
    terminal.press(SIXEL[30:] + b"\x1b[200~a paste\x1b[201~y\x1b[A")
    terminal.wait_until(lambda: keys(log()) == ["x", "y", "up"])
    assert "paste a paste" in log()
    terminal.wait_until(lambda: "mode sixel" in log())


@pytest.mark.parametrize(
    ("environment", "question"), [({"NO_COLOR": "1"}, True), ({"TERM": "dumb"}, False)], ids=["NO_COLOR", "dumb"]
)
def test_plain_terminals_are_not_asked_for_graphics(
    open_answering: Any, log: Callable[[], list[str]], environment: dict[str, str], question: bool
) -> None:
    terminal = open_answering(SIXEL, environment=environment)
    terminal.wait_until(lambda: "shown 0" in log())
    terminal.wait_until(lambda: re.search(r"[-=+*#%@]{4}", terminal.text))
    assert b"\x1b[>0q" not in terminal.received
    assert (b"\x1b[c" in terminal.received) == question
    assert "▀" not in terminal.text
    assert "mode sixel" not in log()


def test_a_multiplexer_is_asked_without_strings_and_shows_no_kitty_graphics(
    open_answering: Any, log: Callable[[], list[str]]
) -> None:
    terminal = open_answering(KITTY, environment={"TERM": "tmux-256color"})
    terminal.wait_until(lambda: "▀" in terminal.text or "▄" in terminal.text)
    terminal.press(b"n")
    terminal.wait_until(lambda: "shown 1" in log())
    assert b"\x1b_G" not in terminal.received
    assert "mode kitty" not in log()


def test_half_blocks_become_exact_when_pictures_stand_still(open_answering: Any, draw_tiles: Any) -> None:
    terminal = open_answering(PLAIN, environment={"COLORTERM": "truecolor"}, size=(37, 100))
    tiles = draw_tiles(0)[:, 0]

    def shows_all() -> bool:
        shown = terminal.pixels
        return all(_contains(shown, tile) for tile in tiles)

    terminal.wait_until(shows_all)
    before = len(terminal.received)
    tiles[0] = draw_tiles(1)[0, 0]
    terminal.press(b"o")
    terminal.wait_until(shows_all)
    # The others, exact already, are sent neither quickly nor well.
    assert len(terminal.received) - before < before / 6


def _contains(shown: Pixels, tile: Pixels) -> bool:
    """Whether a tile is somewhere in what is shown, pixel for pixel."""
    height, width, _ = tile.shape
    corner = (shown[: len(shown) - height, : shown.shape[1] - width] == tile[0, 0]).all(axis=2)
    return any(np.array_equal(shown[y : y + height, x : x + width], tile) for y, x in np.argwhere(corner))


def test_sixel_shows_what_was_shown(open_answering: Any, decode_sixel: Any, draw_tiles: Any) -> None:
    terminal = open_answering(SIXEL)
    pieces = re.compile(rb"\x1b\[(\d+);(\d+)H(\x1bP0;1;0q.*?\x1b\\)", re.DOTALL)

    def shown() -> Pixels:
        area = np.zeros((24 * 20, 80 * 10, 4), np.uint8)
        for row, column, sequence in pieces.findall(terminal.received):
            drawn = decode_sixel(sequence.decode())
            top, left = (int(row) - 1) * 20, (int(column) - 1) * 10
            area[top : top + len(drawn), left : left + drawn.shape[1]] = drawn
        return area[..., :3]

    for number in (0, 1):
        wanted = [tile.repeat(7, axis=0).repeat(7, axis=1) for tile in draw_tiles(number)[:, 0]]

        def is_seen(wanted: list[Pixels] = wanted) -> bool:
            pixels = shown().astype(int)
            # 7 times 28 is as large as two rows of them can be in 22 rows of 20 pixels.
            return all(
                any(
                    np.abs(pixels[y : y + 196, x : x + 196] - tile).max() <= 2
                    for y, x in np.argwhere(np.abs(pixels[:-196, :-196] - tile[0, 0]).max(axis=2) <= 2)
                    if np.abs(pixels[y + 195, x + 195] - tile[195, 195]).max() <= 2
                )
                for tile in wanted
            )

        terminal.wait_until(is_seen)
        terminal.press(b"n")


def test_a_canvas_of_another_size_shows_sixels_of_that_size(open_answering: Any, log: Callable[[], list[str]]) -> None:
    # As foot's: so many pixels are no whole number a cell where there are more or fewer cells.
    terminal = open_answering(SIXEL.replace(b"20;10t", b"15;7t"))
    terminal.wait_until(lambda: "mode sixel" in log() and b'"1;1;' in terminal.received)
    for number, width in ((1, 40), (2, 80), (3, 40)):
        terminal.press(b"w")
        area = f"area {(22 * 15, width * 7)}"
        terminal.wait_until(lambda area=area: [line for line in log() if "area" in line][-1:] == [area])
        terminal.press(b"n")
        terminal.wait_until(lambda number=number: f"number {number}" in terminal.text)
    drawn = set(re.findall(rb'\x1b\[\d+;(\d+)H\x1bP0;1;0q"1;1;(\d+);', terminal.received))
    assert len(drawn) == 3 + 3, "those of three columns of tiles in each of two sizes"


def test_sixels_for_tmux_reach_into_no_row_of_cells_below_theirs(
    open_answering: Any, log: Callable[[], list[str]]
) -> None:
    # Of 15 pixels an odd number of rows is no whole number of bands, by which tmux counts.
    terminal = open_answering(SIXEL.replace(b"20;10t", b"15;7t"), environment={"TERM": "tmux-256color"})
    terminal.wait_until(lambda: "mode sixel" in log())
    terminal.press(b"nw")
    terminal.wait_until(lambda: "number 1" in terminal.text)
    drawn = re.findall(rb'\x1bP0;1;0q"1;1;\d+;(\d+)[^\x1b]*', terminal.received)
    heights = {int(height) for height in drawn}
    assert {height % 6 for height in heights} == {0}
    assert any(height % 15 for height in heights), "a few pixels less than whole cells"


def test_cells_of_another_size_are_written_anew_beneath_sixels(
    open_answering: Any, log: Callable[[], list[str]]
) -> None:
    terminal = open_answering(SIXEL)
    terminal.wait_until(lambda: "mode sixel" in log() and b'"1;1;' in terminal.received)
    for cell in ((10, 5), (30, 15)):
        before = len(terminal.received)
        terminal.set_cell_size(*cell)
        area = f"area {(22 * cell[0], 80 * cell[1])}"
        terminal.wait_until(lambda area=area: [line for line in log() if "area" in line][-1:] == [area])
        # Whatever order they come in, sixels are the last.
        terminal.wait_until(
            lambda before=before: re.search(rb'pictures.* {80}.*number 0.*"1;1;', terminal.received[before:], re.DOTALL)
        )


def test_kitty_is_sent_native_pixels_once_and_asked_to_forget_them(
    open_answering: Any, decode_kitty: Any, split_kitty: Any, draw_tiles: Any
) -> None:
    terminal = open_answering(KITTY)
    commands = re.compile(rb"(?:\x1b_G[^\x1b]*\x1b\\)+")

    def sent() -> list[tuple[dict[str, str], Any]]:
        text = "".join(part.decode() for part in commands.findall(terminal.received))
        pictures = re.findall(r"\x1b_Ga=T.*?m=0[^\x1b]*\x1b\\", text)
        return [decode_kitty(picture) for picture in pictures]

    terminal.wait_until(lambda: len(sent()) == 6)
    for (keys_, pixels), tile in zip(sent(), draw_tiles(0)[:, 0], strict=True):
        assert np.array_equal(pixels[1:-1, 1:-1], tile)
        assert (keys_["q"], keys_["C"]) == ("2", "1")
    terminal.press(b"k")
    terminal.wait_until(lambda: len(sent()) == 7)
    terminal.press(b"q")
    terminal.process.wait()
    terminal.wait_until(lambda: b"\x1b[?1049l" in terminal.received)
    shown = {keys_["i"] for keys_, _ in sent()}
    deleted = {
        keys_["i"]
        for keys_, _ in split_kitty("".join(re.findall(r"\x1b_Ga=d[^\x1b]*\x1b\\", terminal.received.decode())))
    }
    assert shown == deleted
    assert len(shown) == 6


def test_graphics_make_way_for_what_lies_over_them(open_answering: Any, log: Callable[[], list[str]]) -> None:
    terminal = open_answering(KITTY)
    terminal.wait_until(lambda: terminal.received.count(b"a=T") == 6)
    terminal.press(b"c")
    terminal.wait_until(lambda: "over it" in terminal.text)
    terminal.wait_until(lambda: terminal.received.count(b"a=d") == 6)
    assert set(terminal.text) & set(CHARACTERS["sextant"][1:]), "this kitty draws sextants, and those stand in"
    terminal.press(b"\x1b")
    terminal.wait_until(lambda: terminal.received.count(b"a=T") == 12)
    assert "▀" not in terminal.text


def test_the_mode_asked_for_is_taken_whatever_the_terminal_says(open_answering: Any) -> None:
    terminal = open_answering(KITTY, images="ascii")
    terminal.wait_until(lambda: re.search(r"[-=+*#%@]{4}", terminal.text))
    terminal.press(b"n")
    terminal.wait_until(lambda: "number 1" in terminal.text)
    assert b"a=T" not in terminal.received


def test_where_pictures_become_characters_so_do_the_marks_beside_them(open_answering: Any) -> None:
    terminal = open_answering(PLAIN)
    terminal.wait_until(lambda: "number 0 ●" in terminal.text and "▀" in terminal.text)
    terminal.press(b"i")
    terminal.wait_until(lambda: "number 0 o" in terminal.text)
    assert terminal.text.isascii()
    terminal.press(b"i")
    terminal.wait_until(lambda: "number 0 ●" in terminal.text)


@pytest.mark.parametrize("mode", ["half", "sixel", "kitty"])
def test_on_a_stuck_line_frames_are_dropped_and_the_last_one_is_shown(
    open_answering: Any, log: Callable[[], list[str]], draw_tiles: Any, mode: Mode
) -> None:
    terminal = open_answering(ANSWERS[mode], environment={"COLORTERM": "truecolor"}, size=(37, 100))
    terminal.wait_until(lambda: "number 0" in terminal.text and (mode == "half" or f"mode {mode}" in log()))
    time.sleep(1.5)
    before = len(terminal.received)
    terminal.press(b"n")
    terminal.wait_until(lambda: "number 1" in terminal.text)
    time.sleep(1.5)
    one = len(terminal.received) - before
    terminal.stall()
    before = len(terminal.received)
    terminal.press(b"f")
    terminal.wait_until(lambda: "flooded" in log())
    terminal.go_on()
    terminal.wait_until(lambda: "number 301" in terminal.text)
    if mode == "half":
        tiles = draw_tiles(301)[:, 0]
        terminal.wait_until(lambda: all(_contains(terminal.pixels, tile) for tile in tiles))
    time.sleep(0.3)
    assert len(terminal.received) - before < 30 * one, "300 pictures were shown meanwhile"


def test_an_exit_before_the_answer_leaves_nothing_to_be_typed(
    open_answering: Any, log: Callable[[], list[str]]
) -> None:
    terminal = open_answering(KITTY, delay=0.4)
    terminal.wait_until(lambda: b"\x1b[c" in terminal.received and "shown 0" in log())
    terminal.press(b"q")
    assert terminal.process.wait() == 0
    assert not terminal._due, "the answer came while someone was there to take it"


def test_nothing_is_asked_where_there_is_no_terminal(pictures_program: Path, tmp_path: Path) -> None:
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "vae_tui", "watch", "nothing"],
        cwd=tmp_path,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    assert b"\x1b" not in done.stdout + done.stderr
