import numpy as np
import pytest

from vae_tui.imaging.tiles import Layout, compose, fit_tiles, place_stacks, resize


def extent(layout: Layout, *, stack: int = 1, gap: int = 1) -> tuple[int, int]:
    stack_gap = gap if stack == 1 else gap + 2
    down = stack * (layout.height + gap) - gap
    return layout.rows * (down + stack_gap) - stack_gap, layout.columns * (layout.width + gap) - gap


@pytest.mark.parametrize("area", [(30, 34), (34, 52), (50, 88), (200, 300), (11, 10), (24, 24)])
@pytest.mark.parametrize("tile", [(28, 28), (28, 20), (8, 8), (64, 64), (33, 47)])
@pytest.mark.parametrize("stack", [1, 2])
def test_tiles_fit_whole_and_keep_their_shape(area: tuple[int, int], tile: tuple[int, int], stack: int) -> None:
    layout = fit_tiles(64, tile, area, stack=stack)
    assert layout is not None
    height, width = extent(layout, stack=stack)
    assert height <= area[0]
    assert width <= area[1]
    assert layout.height / layout.width == pytest.approx(tile[0] / tile[1], rel=0.3)


def test_as_many_tiles_as_are_readable_then_as_large_as_they_can_be() -> None:
    layout = fit_tiles(64, (28, 28), (34, 52))
    assert layout == Layout(count=12, rows=3, columns=4, height=10, width=10)
    few = fit_tiles(4, (28, 28), (34, 52))
    assert few == Layout(count=4, rows=2, columns=2, height=16, width=16)


def test_no_layout_leaves_most_of_its_area_empty() -> None:
    # Eight pairs of 10 pixels in one row would take two fifths of it.
    assert fit_tiles(32, (28, 28), (44, 88), stack=2) == Layout(count=5, rows=1, columns=5, height=16, width=16)
    assert fit_tiles(8, (28, 28), (44, 88), stack=2) == Layout(count=8, rows=1, columns=8, height=10, width=10), (
        "all of them"
    )


def test_tiles_are_enlarged_only_whole_times_and_only_when_all_fit() -> None:
    assert fit_tiles(4, (28, 28), (120, 120)) == Layout(count=4, rows=2, columns=2, height=56, width=56)
    assert fit_tiles(4, (28, 28), (100, 100)) == Layout(count=4, rows=2, columns=2, height=28, width=28)


def test_one_tile_is_shown_smaller_where_not_even_one_is_readable() -> None:
    assert fit_tiles(64, (28, 28), (6, 9)) == Layout(count=1, rows=1, columns=1, height=6, width=6)
    assert fit_tiles(64, (28, 28), (1, 1)) is None
    assert fit_tiles(0, (28, 28), (50, 50)) is None


def test_composing_puts_each_stack_in_its_place() -> None:
    stacks = np.arange(8, dtype=np.uint8).reshape(4, 2, 1, 1, 1).repeat(4, axis=2).repeat(4, axis=3) + 100
    layout = Layout(count=4, rows=2, columns=2, height=4, width=4)
    area = extent(layout, stack=2)
    pixels = compose(stacks, layout, area, ground=(1, 2, 3))
    assert pixels.shape == (*area, 3)
    assert [pixels[top, left, 0] for top in (0, 5, 12, 17) for left in (0, 5)] == [
        100,
        102,
        101,
        103,
        104,
        106,
        105,
        107,
    ]
    assert pixels[4, 0].tolist() == [1, 2, 3]


def test_resizing_averages_when_it_shrinks_and_keeps_pixels_square_when_it_enlarges() -> None:
    board = np.indices((8, 8)).sum(axis=0).astype(np.uint8)[..., None] % 2 * 255
    assert np.abs(resize(board, 4, 4).astype(int) - 127).max() <= 2
    assert np.array_equal(resize(board, 16, 16), board.repeat(2, axis=0).repeat(2, axis=1))
    colored = np.zeros((6, 4, 3), np.uint8)
    assert resize(colored, 3, 2).shape == (3, 2, 3)


@pytest.mark.parametrize("area", [(30, 34), (50, 88), (200, 300)])
@pytest.mark.parametrize("smooth", [False, True])
def test_a_table_shows_all_in_its_columns(area: tuple[int, int], smooth: bool) -> None:
    layout = fit_tiles(21, (28, 28), area, columns=7, smooth=smooth)
    assert layout is not None
    assert (layout.count, layout.rows, layout.columns) == (21, 3, 7)
    height, width = extent(layout)
    assert height <= area[0]
    assert width <= area[1]
    larger = Layout(21, 3, 7, layout.height + (1 if smooth else 28), layout.width + (1 if smooth else 28))
    assert extent(larger)[0] > area[0] or extent(larger)[1] > area[1] or layout.height < 28


def test_smooth_tiles_fill_the_area() -> None:
    assert fit_tiles(1, (28, 28), (44, 60), smooth=True) == Layout(1, 1, 1, 44, 44)
    assert fit_tiles(1, (28, 28), (44, 60)) == Layout(1, 1, 1, 28, 28)


def test_places_are_where_tiles_are_drawn() -> None:
    layout = Layout(count=3, rows=2, columns=2, height=4, width=4)
    stacks = np.full((3, 1, 4, 4, 1), 200, np.uint8)
    pixels = compose(stacks, layout, (20, 20), ground=(0, 0, 0), margin=1)
    drawn = np.zeros_like(pixels)
    for top, left in place_stacks(layout, (20, 20), margin=1):
        drawn[top : top + 4, left : left + 4] = 200
    assert np.array_equal(pixels, drawn)


def test_the_marked_tile_has_a_frame_in_its_gap() -> None:
    layout = Layout(count=2, rows=1, columns=2, height=2, width=2)
    stacks = np.full((2, 1, 2, 2, 1), 9, np.uint8)
    plain = compose(stacks, layout, (6, 7), ground=(0, 0, 0), margin=1)
    marked = compose(stacks, layout, (6, 7), ground=(0, 0, 0), margin=1, mark=(1, (255, 0, 0)))
    frame = (marked != plain).any(axis=2)
    assert frame.sum() == 4 * 4 - 2 * 2
    assert (marked[frame] == (255, 0, 0)).all()


def test_a_row_of_pixels_is_drawn_in_as_many_lines_as_are_wanted() -> None:
    stacks = np.random.default_rng(0).integers(0, 256, (3, 2, 4, 4, 1), np.uint8)
    layout = fit_tiles(3, (4, 4), (40, 40), stack=2)
    assert layout is not None
    plain, fine = (
        compose(stacks, layout, (40, 40), ground=(1, 2, 3), mark=(1, (255, 0, 0)), lines=lines) for lines in (1, 3)
    )
    np.testing.assert_array_equal(fine, plain.repeat(3, axis=0))
    small = fit_tiles(1, (64, 64), (16, 16))
    assert small is not None
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8)[:, None], (1, 64))[None, None, ..., None]
    shown = compose(ramp, small, (16, 16), ground=(0, 0, 0), lines=3)[:, 8, 0]
    assert len(set(shown.tolist())) > 40, "lines of their own, not thrice the same"
