"""Images laid out in an area of pixels: as many as fit whole, none too small to read, in the middle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.palette import dither_to_16

READABLE = 10
"""The shorter side of a tile is not made smaller than this many pixels, unless not even one would fit."""
_FULL = 0.6
"""So much of what the fullest layout covers is enough: of those that cover it, the one with most tiles is taken."""


@dataclass(frozen=True)
class TextRoom:
    """Room for a line of text beneath each row of stacks, `height` pixels high and at a multiple of them.

    Images keep `around` pixels off it, above and below.
    """

    height: int
    around: int = 0

    def pitch(self, extent: int) -> int:
        """From one row of stacks that are `extent` pixels high to the next, downwards."""
        return (-(-(extent + 2 * self.around) // self.height) + 1) * self.height


@dataclass(frozen=True)
class Layout:
    """`rows` x `columns` stacks of tiles, each tile `height` x `width` pixels; there are `count` stacks."""

    count: int
    rows: int
    columns: int
    height: int
    width: int


def fit_tiles(
    count: int,
    tile: tuple[int, int],
    area: tuple[int, int],
    *,
    stack: int = 1,
    gap: int = 1,
    columns: int | None = None,
    readable: int = READABLE,
    smooth: bool = False,
    text: TextRoom | None = None,
) -> Layout | None:
    """Lay `count` stacks of `stack` tiles of (height, width) out in an area of (height, width) pixels.

    Shows all of them, or as many as fit with their shorter side no less than `readable` pixels and without leaving much of the
    area empty, then makes them as large as that allows: up to their own size, beyond it only whole times, or freely where they are
    `smooth`. With `columns` given all are shown in so many, however small. Tiles stand `gap` pixels apart, stacks of several
    tiles two gaps more, rows of them as `text` wants. None where nothing fits.
    """
    if count < 1:
        return None
    if columns is not None:
        return _fit_table(count, tile, area, stack, gap, columns, smooth, text)
    least = readable if smooth else min(readable, *tile)
    for side_least, side_most in ((least, max(area) if smooth else min(tile)), (2, least - 1)):
        sides = range(side_least, side_most + 1)
        best = _choose(
            count, (_lay_out(count, _scaled(tile, side / min(tile)), area, stack, gap, text) for side in sides)
        )
        if best is not None:
            break
        # Not even one is readable here, so the second time round shows the largest single one that fits.
        count = 1
    if best is None:
        return None
    times = 2
    while best.count == count and not smooth:
        larger = _lay_out(count, (tile[0] * times, tile[1] * times), area, stack, gap, text)
        if larger is None or larger.count < count:
            break
        best, times = larger, times + 1
    return best


def fit_cells(
    count: int,
    picture: tuple[int, int],
    area: tuple[int, int],
    cell: tuple[int, int],
    *,
    columns: int | None = None,
    readable: int = READABLE,
    text: TextRoom | None = None,
) -> Layout | None:
    """Lay `count` pictures of (height, width) pixels out side by side in an area of rows and columns of cells.

    `cell` is the height and width of a cell in pixels; the layout's sizes are cells. The terminal scales pictures, so
    they are as large as the area allows with none of them less than `readable` pixels high, and little of it left empty;
    with `columns` given all are shown in so many. None where nothing fits.
    """
    sizes = []
    for rows in range(1, area[0] + 1):
        size = rows, max(1, round(rows * cell[0] * picture[1] / (picture[0] * cell[1])))
        if size[1] <= area[1]:
            sizes.append(size)
    if columns is not None:
        down = -(-count // columns)
        fitting = [
            size for size in sizes if _height(down, size, 1, 0, text) <= area[0] and columns * size[1] <= area[1]
        ]
        return Layout(count, down, columns, *fitting[-1]) if fitting else None
    large_enough = [size for size in sizes if size[0] * cell[0] >= readable] or sizes[-1:]
    return _choose(count, (_lay_out(count, size, area, 1, 0, text) for size in large_enough))


def _choose(count: int, layouts: Iterable[Layout | None]) -> Layout | None:
    """Of layouts, the smallest tiles first, the largest that shows all `count`, or else that with most tiles of the full ones."""
    there = [layout for layout in layouts if layout is not None]
    covered = [layout.count * layout.height * layout.width for layout in there]
    fullest = max(covered, default=0)
    fitting = [one for one, cover in zip(there, covered, strict=True) if one.count == count or cover >= _FULL * fullest]
    return max(reversed(fitting), key=lambda layout: layout.count, default=None)


def place_stacks(
    layout: Layout,
    area: tuple[int, int],
    *,
    stack: int = 1,
    gap: int = 1,
    margin: int = 0,
    cell: tuple[int, int] = (2, 1),
    text: TextRoom | None = None,
) -> list[tuple[int, int]]:
    """The top and left pixel of each stack, the whole in the middle of an area of (height, width) pixels.

    At least `margin` pixels are above and to the left where there is room. The first stack begins at the edges of a cell of
    (height, width) pixels; with `text`, all do so at its multiples, or `around` beneath.
    """
    tile = layout.height, layout.width
    step_down, step_right = _pitch(tile, stack, gap, text)
    used_right = layout.columns * step_right - gap
    free_down = max(0, area[0] - _height(layout.rows, tile, stack, gap, text))
    free_right = max(0, area[1] - used_right)
    top = min(max(free_down // 2 // cell[0] * cell[0], margin), free_down)
    if text is not None:
        top = top // text.height * text.height + text.around
        if top < margin and free_down >= top + text.height:
            top += text.height
    left = min(max(free_right // 2 // cell[1] * cell[1], margin), free_right)
    cells = (divmod(index, layout.columns) for index in range(layout.count))
    return [(top + row * step_down, left + column * step_right) for row, column in cells]


def compose(
    stacks: Pixels,
    layout: Layout,
    area: tuple[int, int],
    *,
    ground: tuple[int, int, int],
    gap: int = 1,
    margin: int = 0,
    smooth: bool = False,
    mark: tuple[int, tuple[int, int, int]] | None = None,
    cell: tuple[int, int] = (2, 1),
    dither: bool = False,
    lines: int = 1,
    text: TextRoom | None = None,
) -> Pixels:
    """Draw stacks (N, S, h, w, C) into an area of (height, width) pixels of colour `ground`; returns (H * lines, W, 3).

    Stacks stand as `place_stacks` says; a row of pixels is drawn in so many `lines`. With `dither` tiles are in the first sixteen
    colours of terminals. `mark` is the index of a stack that gets a frame, in its gap, and the frame's colour.
    """
    stack = stacks.shape[1]
    canvas = np.empty((area[0] * lines, area[1], 3), np.uint8)
    canvas[:] = ground
    places = place_stacks(layout, area, stack=stack, gap=gap, margin=margin, cell=cell, text=text)
    if mark is not None and mark[0] < len(places):
        top, left = places[mark[0]]
        bottom, right = top + stack * (layout.height + gap) - gap, left + layout.width
        canvas[max(0, top - gap) * lines : (bottom + gap) * lines, max(0, left - gap) : right + gap] = mark[1]
    for index, (top, left) in enumerate(places):
        for level in range(stack):
            start, height = (top + level * (layout.height + gap)) * lines, layout.height * lines
            tile = resize(stacks[index, level], height, layout.width, smooth=smooth)
            canvas[start : start + height, left : left + layout.width] = dither_to_16(tile) if dither else tile
    return canvas


def resize(image: Pixels, height: int, width: int, *, smooth: bool = False) -> Pixels:
    """Bring an image (h, w, C) to another size: averaged when made smaller, its pixels kept square when made larger.

    With `smooth` what is made larger is interpolated.
    """
    if image.shape[:2] == (height, width):
        return image
    if height < image.shape[0] or width < image.shape[1]:
        method = Image.Resampling.HAMMING
    else:
        method = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    resized = np.asarray(picture.resize((width, height), method), np.uint8)
    return resized[..., None] if resized.ndim == 2 else resized


def _fit_table(
    count: int,
    tile: tuple[int, int],
    area: tuple[int, int],
    stack: int,
    gap: int,
    columns: int,
    smooth: bool,
    text: TextRoom | None,
) -> Layout | None:
    """All stacks in so many columns, as large as fits."""
    rows = -(-count // columns)

    def fits(size: tuple[int, int]) -> bool:
        across = columns * _pitch(size, stack, gap, text)[1] - gap
        return _height(rows, size, stack, gap, text) <= area[0] and across <= area[1]

    most = max(area)
    if not smooth:
        for times in range(most // min(tile), 0, -1):
            size = tile[0] * times, tile[1] * times
            if fits(size):
                return Layout(count, rows, columns, *size)
        most = min(tile) - 1
    for side in range(most, 0, -1):
        size = _scaled(tile, side / min(tile))
        if fits(size):
            return Layout(count, rows, columns, *size)
    return None


def _lay_out(
    count: int, tile: tuple[int, int], area: tuple[int, int], stack: int, gap: int, text: TextRoom | None
) -> Layout | None:
    step_down, step_right = _pitch(tile, stack, gap, text)
    beyond = step_down - _height(1, tile, stack, gap, text)
    rows, columns = (area[0] + beyond) // step_down, (area[1] + gap) // step_right
    shown = min(count, rows * columns)
    if shown < 1:
        return None
    rows = -(-shown // columns)
    return Layout(shown, rows, -(-shown // rows), *tile)


def _pitch(tile: tuple[int, int], stack: int, gap: int, text: TextRoom | None) -> tuple[int, int]:
    """From one stack to the next, downwards and to the right."""
    extent = stack * (tile[0] + gap) - gap
    return extent + _stack_gap(stack, gap) if text is None else text.pitch(extent), tile[1] + gap


def _height(rows: int, tile: tuple[int, int], stack: int, gap: int, text: TextRoom | None) -> int:
    """The pixels that rows of stacks take, with the text beneath the last, but without a gap there."""
    return rows * _pitch(tile, stack, gap, text)[0] - (_stack_gap(stack, gap) if text is None else 0)


def _stack_gap(stack: int, gap: int) -> int:
    return gap if stack == 1 else 3 * gap


def _scaled(tile: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(tile[0] * scale)), max(1, round(tile[1] * scale))
