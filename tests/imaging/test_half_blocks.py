import numpy as np
import pytest
from rich.segment import Segment

from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.half_blocks import render_half_blocks


def to_pixels(rows: list[list[Segment]]) -> Pixels:
    """What a terminal shows: two pixels a cell, the upper one in the foreground colour."""
    shown: list[list[tuple[int, int, int]]] = []
    for row in rows:
        above: list[tuple[int, int, int]] = []
        below: list[tuple[int, int, int]] = []
        for text, style, _ in row:
            assert style is not None
            assert style.color is not None
            assert style.bgcolor is not None
            for character in text:
                ground = tuple(style.bgcolor.get_truecolor())
                above.append(tuple(style.color.get_truecolor()) if character == "▀" else ground)  # type: ignore[arg-type]
                below.append(ground)  # type: ignore[arg-type]
        shown += [above, below]
    return np.array(shown, np.uint8)


def test_cells_decode_to_the_pixels_they_were_made_of() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 17, 3), np.uint8)
    assert np.array_equal(to_pixels(render_half_blocks(pixels)), pixels)


def test_grey_pixels_are_shown_as_grey() -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8, 1) * 4
    assert np.array_equal(to_pixels(render_half_blocks(pixels)), pixels.repeat(3, axis=2))


def test_equal_neighbours_share_a_segment() -> None:
    pixels = np.zeros((2, 40, 1), np.uint8)
    pixels[:, 30:] = 200
    (row,) = render_half_blocks(pixels)
    assert [len(segment.text) for segment in row] == [30, 10]


def test_the_pixels_below_an_odd_last_row_are_black() -> None:
    shown = to_pixels(render_half_blocks(np.full((3, 2, 1), 255, np.uint8)))
    assert shown.shape == (4, 2, 3)
    assert (shown[:3] == 255).all()
    assert (shown[3] == 0).all()


@pytest.mark.parametrize("grey", [False, True])
def test_256_colours_come_near(grey: bool) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (10, 10, 1 if grey else 3), np.uint8)
    shown = to_pixels(render_half_blocks(pixels, "256")).astype(int)
    error = np.abs(shown - pixels.astype(int)).max()
    assert error <= (10 if grey else 48)


def test_256_colours_are_sent_as_their_numbers() -> None:
    (row,) = render_half_blocks(np.array([[[0]], [[255]]], np.uint8), "256")
    style = row[0].style
    assert style is not None
    assert style.color is not None
    assert style.bgcolor is not None
    assert (style.color.number, style.bgcolor.number) == (16, 231)
