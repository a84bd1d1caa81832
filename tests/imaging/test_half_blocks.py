import numpy as np
import pytest
from rich.segment import Segment

from vae_tui.imaging.colors import NUMBERED
from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.half_blocks import render_half_blocks, to_half_blocks
from vae_tui.imaging.terminal import Colors


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
            ink, ground = tuple(style.color.get_truecolor()), tuple(style.bgcolor.get_truecolor())
            for character in text:
                above.append(ink if character == "▀" else ground)  # type: ignore[arg-type]
                below.append(ink if character == "▄" else ground)  # type: ignore[arg-type]
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


def test_a_cell_keeps_the_colours_of_the_one_before_where_it_can() -> None:
    pixels = np.array([[10, 20, 20, 20, 30], [20, 10, 20, 30, 20]], np.uint8)[..., None]
    (row,) = render_half_blocks(pixels)
    assert "".join(segment.text for segment in row) == "▀▄ ▄▀"
    assert np.array_equal(to_pixels([row]), pixels.repeat(3, axis=2))


@pytest.mark.parametrize("colors", ["256", "16"])
def test_only_colours_that_the_terminal_has_are_used(colors: Colors) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (10, 10, 3), np.uint8)
    shown = {tuple(pixel) for pixel in to_pixels(render_half_blocks(pixels, colors)).reshape(-1, 3).tolist()}
    assert shown <= set(NUMBERED[16:] if colors == "256" else NUMBERED[:16])


def test_sixteen_colours_tell_red_from_blue_and_light_from_dark() -> None:
    pixels = np.array([[[250, 10, 10], [10, 10, 250], [250, 250, 250], [5, 5, 5]]], np.uint8).repeat(2, axis=0)
    shown = to_pixels(render_half_blocks(pixels, "16"))[0]
    assert shown.tolist() == [[255, 0, 0], [0, 0, 238], [255, 255, 255], [0, 0, 0]]


def test_coarse_greys_are_near_and_have_numbers_and_colours_are_kept() -> None:
    greys = np.arange(256, dtype=np.uint8).reshape(2, 128, 1)
    shown = to_half_blocks(greys, coarse=True) >> 16
    assert np.abs(shown[0].T - greys[..., 0]).max() <= 9
    assert len(np.unique(shown)) == 26
    red = np.full((2, 2, 3), (201, 3, 4), np.uint8)
    assert (to_half_blocks(red, coarse=True) == 0xC90304).all()
