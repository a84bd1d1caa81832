"""How stacks of pictures stand on a canvas, in each way to draw them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vae_tui.imaging.block_glyphs import MOSAICS
from vae_tui.imaging.mosaics import CELL as MOSAIC_CELL
from vae_tui.imaging.terminal import Mode
from vae_tui.imaging.tiles import READABLE, Layout, TextRoom, fit_cells, fit_tiles, place_stacks

HALF_BLOCK = 2, 1
"""Height and width of a cell in the pixels of half blocks and of characters."""
_READABLE_GRAPHICS = 24
"""Pixels of a screen; half blocks are several of them each."""
_LESS_READABLE = 0.8
"""Of the usual size: what a label beneath each tile is worth."""
_ENOUGH = 9
"""So many tiles in their own size are better than more that are smaller."""


@dataclass(frozen=True)
class Pictures:
    """`count` stacks of `stack` tiles of (height, width) pixels, to stand in so many columns (None: as many as fit).

    `labelled`: each with a line of text beneath it.
    """

    count: int
    stack: int
    height: int
    width: int
    columns: int | None = None
    labelled: bool = False

    @property
    def padding(self) -> int:
        """Pixels of ground around each picture that the terminal scales, in place of a gap."""
        return 0 if self.count == 1 and self.columns is None else self.stack


@dataclass(frozen=True)
class Plan:
    """How pictures stand in a mode. A cell is `cell` of the units that `layout` is in: pixels, or cells themselves."""

    mode: Mode
    cell: tuple[int, int]
    area: tuple[int, int]
    gap: int
    margin: int
    layout: Layout
    places: list[tuple[int, int]]
    """Top and left of each stack."""
    stack: int
    """Tiles one below the other."""
    text: TextRoom | None = None
    """The room for labels."""
    padding: int = 0
    """Pixels of ground around each picture that the terminal scales."""

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width of a stack."""
        return self.stack * (self.layout.height + self.gap) - self.gap, self.layout.width

    @property
    def boxes(self) -> list[tuple[int, int, int, int]]:
        """Top, left, bottom and right of each stack with the gap around it."""
        (height, width), gap = self.extent, self.gap
        return [
            (max(0, top - gap), max(0, left - gap), top + height + gap, left + width + gap) for top, left in self.places
        ]

    @property
    def tile_cells(self) -> list[tuple[int, int, int, int]]:
        """Top, left, bottom and right of each stack, in cells."""
        (height, width), cell = self.extent, self.cell
        return [
            (top // cell[0], left // cell[1], -(-(top + height) // cell[0]), -(-(left + width) // cell[1]))
            for top, left in self.places
        ]

    @property
    def label_cells(self) -> list[tuple[int, int, int]]:
        """Row, first column and that past the last of the room for each stack's label; none where there is no room."""
        if (text := self.text) is None:
            return []
        down = text.pitch(self.extent[0]) - text.height - text.around
        rows = [(top + down) // self.cell[0] for top, _ in self.places]
        places = [(row, left, right) for row, (_, left, _, right) in zip(rows, self.tile_cells, strict=True)]
        # Tiles may meet within a cell; between labels there is a blank.
        after = [(row, left) for row, left, _ in places[1:]] + [(-1, 0)]
        return [
            (row, left, min(right, next_left - 1) if row == next_row else right)
            for (row, left, right), (next_row, next_left) in zip(places, after, strict=True)
        ]


def make_plan(pictures: Pictures, mode: Mode, cell: tuple[int, int], area: tuple[int, int]) -> Plan | None:
    """Lay pictures out in an area of so many rows and columns of cells of (height, width) pixels; None where none fits.

    Where there are labels, pictures may be a little smaller; where even so there would be fewer, there are no labels.
    """
    plain = _lay_out(replace(pictures, labelled=False), mode, cell, area)
    if not pictures.labelled or plain is None:
        return plain
    for readable in (1.0, _LESS_READABLE):
        labelled = _lay_out(pictures, mode, cell, area, readable)
        if labelled is not None and labelled.layout.count >= plain.layout.count:
            return labelled
    return plain


def _lay_out(
    pictures: Pictures, mode: Mode, cell: tuple[int, int], area: tuple[int, int], share: float = 1.0
) -> Plan | None:
    """The same, tiles being readable from this share of the usual size on."""
    if mode == "kitty":
        plan = _lay_out_in_cells(pictures, cell, area, share)
        if plan is not None:
            return plan
    room = area[0] * cell[0], area[1] * cell[1]
    in_cells = mode not in ("kitty", "sixel")
    gap = cell[1] if in_cells else max(2, cell[1] // 4)
    # Room for a frame around the outermost tiles, where it is known that one may be wanted.
    margin = gap if pictures.columns is not None else 0
    # A frame in cells goes behind the text; pictures that the terminal draws would lie over it.
    text = TextRoom(cell[0], 0 if in_cells else gap) if pictures.labelled else None

    def fit(readable: int) -> Layout | None:
        return fit_tiles(
            pictures.count,
            (pictures.height, pictures.width),
            (room[0] - 2 * margin, room[1] - 2 * margin),
            stack=pictures.stack,
            gap=gap,
            columns=pictures.columns,
            readable=readable,
            smooth=mode == "ascii",
            text=text,
        )

    readable = round(share * (READABLE * cell[1] if in_cells else _READABLE_GRAPHICS))
    own_size = min(pictures.height, pictures.width)
    layout = fit(readable)
    if mode in (*MOSAICS, "half") and pictures.columns is None and readable < own_size:
        own = fit(own_size)
        if own is not None and own.height == pictures.height and own.count >= min(pictures.count, _ENOUGH):
            layout = own
    if layout is None:
        return None
    places = place_stacks(layout, room, stack=pictures.stack, gap=gap, margin=margin, cell=grain(mode), text=text)
    return Plan(mode, cell, room, gap, margin, layout, places, pictures.stack, text)


def _lay_out_in_cells(pictures: Pictures, cell: tuple[int, int], area: tuple[int, int], share: float) -> Plan | None:
    """Stacks as pictures that the terminal scales to whole cells."""
    pad, stack = pictures.padding, pictures.stack
    layout = fit_cells(
        pictures.count,
        (stack * (pictures.height + 1) - 1 + 2 * pad, pictures.width + 2 * pad),
        area,
        cell,
        columns=pictures.columns,
        readable=round(share * _READABLE_GRAPHICS) * stack,
        text=(text := TextRoom(1) if pictures.labelled else None),
    )
    if layout is None:
        return None
    return Plan("kitty", (1, 1), area, 0, 0, layout, place_stacks(layout, area, gap=0, text=text), 1, text, pad)


def grain(mode: Mode) -> tuple[int, int]:
    """What the first tile is to begin at a multiple of, in pixels."""
    return MOSAIC_CELL if mode in MOSAICS else HALF_BLOCK
