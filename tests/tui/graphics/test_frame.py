"""Frames as bytes: cells are written when they change, and only then."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from rich.style import Style
from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from vae_tui.tui.graphics.frame import ShownCells, encode_update, ground_code, shown_ground


def line(*segments: tuple[str, str]) -> LayoutUpdate:
    """An update of the third row."""
    strip = Strip([Segment(text, Style.parse(style)) for text, style in segments])
    return LayoutUpdate([[strip]], Region(0, 2, strip.cell_length, 1))


def test_only_cells_that_differ_are_written() -> None:
    shown = ShownCells()
    assert encode_update(line(("one two three", "")), "256", shown) == "\x1b[3;1Hone two three"
    assert encode_update(line(("one two three", "")), "256", shown) == ""
    assert encode_update(line(("one TWO three", "")), "256", shown) == "\x1b[3;5HTWO"
    assert encode_update(line(("One TWO threE", "")), "256", shown) == "\x1b[3;1HO\x1b[11CE"
    shown.forget()
    assert encode_update(line(("One TWO threE", "")), "256", shown) == "\x1b[3;1HOne TWO threE"


def test_another_colour_is_a_difference_but_not_the_ink_of_a_space() -> None:
    shown = ShownCells()
    encode_update(line(("ab  cd", "red")), "256", shown)
    assert encode_update(line(("ab", "red"), ("  ", "blue"), ("cd", "red")), "256", shown) == ""
    assert encode_update(line(("ab", "red"), ("  ", "on blue"), ("cd", "red")), "256", shown) == (
        "\x1b[3;3H\x1b[44m  \x1b[m"
    )


def test_wide_characters_are_written_whole_each_time() -> None:
    shown = ShownCells()
    first = encode_update(line(("a日本b", "")), "256", shown)
    assert first == "\x1b[3;1Ha日本b"
    assert encode_update(line(("a日本b", "")), "256", shown) == first
    assert encode_update(line(("abcdef", "")), "256", shown) == "\x1b[3;1Habcdef"


def test_plain_frames_are_ascii() -> None:
    content = encode_update(line(("╭─ image ─╮ ▸z4 ──◆── ←→↑↓ −3 … +3", "")), "256", plain=True)
    assert content == "\x1b[3;1H+- image -+ >z4 --@-- <>^v -3 ~ +3"


def test_half_blocks_are_characters_too_where_pictures_are() -> None:
    assert "▄" in encode_update(line(("▄▁", "")), "256", plain=True)
    content = encode_update(line(("▄▀█▁", "")), "256", plain=True, blocks=False)
    assert "####" in content
    assert content.isascii()


@pytest.mark.parametrize("color", [(13, 17, 23), (246, 248, 250), (0, 0, 0), (40, 90, 200)])
def test_the_ground_of_graphics_is_that_of_the_cells_beside_them(color: tuple[int, int, int]) -> None:
    shown = shown_ground(color, "256")
    assert ground_code(shown, "256") == ground_code(color, "256")
    assert ground_code(shown, "truecolor") == ground_code(color, "256"), "exactly one of the numbered colours"
    assert shown_ground(color, "truecolor") == color
