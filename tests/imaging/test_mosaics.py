"""Mosaics decode to the pixels they are made of, as near as two colours a cell can come."""

from __future__ import annotations

import itertools
import unicodedata

import numpy as np
import pytest
from block_mosaics import FINE, coverage, decode_mosaics

from vae_tui.imaging.block_glyphs import MOSAICS, Mosaic, mosaics_of
from vae_tui.imaging.colors import NUMBERED
from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.mosaics import CHARACTERS, LINES, render_mosaic_row, to_mosaic
from vae_tui.imaging.terminal import Colors


def show(pixels: Pixels, kind: Mosaic, colors: Colors = "truecolor", *, coarse: bool = False) -> Pixels:
    cells = to_mosaic(pixels.repeat(LINES[kind], axis=0), kind, colors, coarse=coarse)
    return decode_mosaics(render_mosaic_row(row, kind) for row in cells)


def fine(pixels: Pixels) -> Pixels:
    """Pixels as large as `show` has them."""
    return pixels.repeat(FINE // 4, axis=0)


@pytest.mark.parametrize(("kind", "count"), [("octant", 256), ("sextant", 64 + 12), ("quadrant", 16)])
def test_each_character_is_the_inverse_of_its_like_from_the_other_end(kind: Mosaic, count: int) -> None:
    characters = CHARACTERS[kind]
    shapes = {coverage(character).tobytes() for character in characters}
    assert len(shapes) == len(characters) == count
    for index, character in enumerate(characters):
        assert np.array_equal(coverage(character), ~coverage(characters[-1 - index]))


@pytest.mark.skipif(unicodedata.unidata_version < "16", reason="this Python's Unicode is older than octants")
def test_octants_have_their_names() -> None:
    for bits, character in enumerate(CHARACTERS["octant"]):
        if 0x1CD00 <= ord(character) <= 0x1CDE5:
            numbers = "".join(str(place + 1) for place in range(8) if bits >> place & 1)
            assert unicodedata.name(character) == f"BLOCK OCTANT-{numbers}"


def test_what_has_two_colours_a_cell_is_shown_exactly() -> None:
    generator = np.random.default_rng(0)
    pairs = generator.integers(0, 256, (6, 9, 2, 3), np.uint8)
    chosen = generator.integers(0, 2, (24, 18))
    rows, columns = np.arange(24)[:, None] // 4, np.arange(18)[None] // 2
    pixels = pairs[rows, columns, chosen]
    assert np.array_equal(show(pixels, "octant"), fine(pixels))
    in_quadrants = chosen[::2].repeat(2, axis=0)
    pixels = pairs[rows, columns, in_quadrants]
    for kind in ("quadrant", "octant"):
        assert np.array_equal(show(pixels, kind), fine(pixels))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", MOSAICS)
def test_no_other_squares_and_colours_come_nearer(kind: Mosaic, channels: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (8, 4, channels), np.uint8)
    shown = show(pixels, kind).astype(float)
    large = np.broadcast_to(fine(pixels), (*fine(pixels).shape[:2], 3)).astype(float)
    for top, left in itertools.product((0, FINE), (0, 2)):
        cell = large[top : top + FINE, left : left + 2]
        ours = np.square(shown[top : top + FINE, left : left + 2] - cell).sum()
        best = np.inf
        for character in CHARACTERS[kind]:
            inked = coverage(character)
            error = sum(np.square(cell[part] - cell[part].mean(0)).sum() for part in (inked, ~inked) if part.any())
            best = min(best, error)
        assert ours == pytest.approx(best, rel=1e-3, abs=FINE * 2), "but for colours that are rounded"


def test_sextants_are_exact_in_thirds_of_a_cell_and_in_halves() -> None:
    thirds = np.array([[255, 0], [0, 255], [255, 255]], np.uint8).repeat(4, axis=0)
    halves = np.array([[0, 255], [255, 0]], np.uint8).repeat(6, axis=0)
    lines = np.concatenate([thirds, halves], axis=1)[..., None]
    shown = decode_mosaics([render_mosaic_row(to_mosaic(lines, "sextant")[0], "sextant")])
    assert np.array_equal(shown[..., :1], lines)


@pytest.mark.parametrize("bits", range(1, 256))
def test_octants_are_of_their_own_block_or_older_than_it(bits: int) -> None:
    """foot 1.21 draws a box for the rest, which are single squares at a corner and pairs at an edge."""
    pixels = (bits >> np.arange(8) & 1).reshape(4, 2, 1).astype(np.uint8) * 255
    for picture in (pixels, np.concatenate([255 - pixels, pixels, 255 - pixels], axis=1)):
        (row,) = to_mosaic(picture, "octant")
        text = "".join(segment.text for segment in render_mosaic_row(row, "octant"))
        assert all(ord(sign) <= 0x1CDE5 or sign in "\U0001fb82\U0001fb85" for sign in text)
        assert np.array_equal(show(picture, "octant")[..., :1], fine(picture))


@pytest.mark.parametrize("kind", MOSAICS)
def test_one_colour_is_a_space(kind: Mosaic) -> None:
    cells = to_mosaic(np.full((8 * LINES[kind], 6, 1), 77, np.uint8), kind)
    assert (cells == [0x4D4D4D, 0x4D4D4D, 0]).all()
    (segment,) = render_mosaic_row(cells[0], kind)
    assert segment.text == "   "


@pytest.mark.parametrize("kind", MOSAICS)
def test_an_odd_end_is_filled_with_its_edge(kind: Mosaic) -> None:
    pixels = np.zeros((5, 3, 1), np.uint8)
    pixels[4], pixels[:, 2] = 200, 200
    shown = show(pixels, kind)
    assert shown.shape == (2 * FINE, 4, 3)
    assert (shown[FINE:] == 200).all()
    assert (shown[:, 2:] == 200).all()


def test_neighbours_share_colours_whichever_of_them_is_ink() -> None:
    pixels = np.zeros((4, 6, 1), np.uint8)
    pixels[1, 0] = pixels[1:, 2] = pixels[:3, 5] = 255
    cells = to_mosaic(pixels, "octant")
    (segment,) = render_mosaic_row(cells[0], "octant")
    assert len(segment.text) == 3
    assert np.array_equal(show(pixels, "octant")[..., :1], fine(pixels))


@pytest.mark.parametrize("colors", ["256", "16"])
@pytest.mark.parametrize("kind", MOSAICS)
def test_only_colours_that_the_terminal_has_are_used(kind: Mosaic, colors: Colors) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (12, 10, 3), np.uint8)
    known = {tuple(color) for color in (NUMBERED[16:] if colors == "256" else NUMBERED[:16])}
    assert {tuple(color) for color in show(pixels, kind, colors).reshape(-1, 3).tolist()} <= known


def test_coarse_greys_have_numbers() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (12, 10, 1), np.uint8)
    known = {tuple(color) for color in NUMBERED[16:]}
    assert {tuple(color) for color in show(pixels, "octant", coarse=True).reshape(-1, 3).tolist()} <= known


@pytest.mark.parametrize(
    ("name", "mosaics"),
    [
        ("kitty(0.41.1)", MOSAICS),
        ("kitty(0.39.1)", MOSAICS[1:]),
        ("ghostty 1.2.3", MOSAICS),
        ("foot(1.20.0)", MOSAICS),
        ("Konsole 25.04.2", MOSAICS[1:]),
        ("Konsole 24.12.3", ()),
        ("foot(1.13.1)", MOSAICS[1:]),
        ("VTE(7803)", MOSAICS),
        ("VTE(8200)", MOSAICS),
        ("VTE(7006)", MOSAICS[1:]),
        ("WezTerm 20240203-110809-5046fc22", MOSAICS[1:]),
        ("WezTerm 20250601-101010-1234abcd", MOSAICS),
        ("iTerm2 3.5.0", ("quadrant",)),
        ("XTerm(379)", ()),
        ("tmux 3.4", ()),
        ("kitty", ()),
        ("", ()),
    ],
)
def test_a_terminal_is_known_by_its_name_and_version(name: str, mosaics: tuple[Mosaic, ...]) -> None:
    assert mosaics_of(name) == mosaics
