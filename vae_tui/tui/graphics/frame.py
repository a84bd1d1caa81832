"""Frames as bytes: what Textual composed, with the cursor and the colours moved no more than they must be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from rich.cells import cell_len
from rich.color import Color, ColorSystem, ColorType
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from vae_tui.imaging.colors import NUMBERED, NUMBERS, SIXTEEN
from vae_tui.imaging.terminal import Colors
from vae_tui.text import PLAIN_SIGNS, is_printable

Spans = list[tuple[int, int, int]]
"""Rows, first columns and those past the last."""

_SYSTEMS = {"256": ColorSystem.EIGHT_BIT, "16": ColorSystem.STANDARD}
_ATTRIBUTES = (
    ("bold", "1"),
    ("dim", "2"),
    ("italic", "3"),
    ("underline", "4"),
    ("blink", "5"),
    ("reverse", "7"),
    ("strike", "9"),
    ("underline2", "21"),
    ("overline", "53"),
)
_SHOWN_ON_SPACES = {"4", "7", "9", "21", "53"}
_Codes = tuple[tuple[str, ...], str, str]
"""Attributes, ink and ground, as parameters of CSI m."""
_PLAIN: _Codes = ((), "39", "49")
_Cell = tuple[str, _Codes]
_NEAR = 4
"""Cells; to write that many again is no more than to move past them."""


class Frame(CompositorUpdate):
    """A frame that is put together when Textual sends it, and not where it does not."""

    def __init__(self, compose: Callable[[], str | None]) -> None:
        self._compose = compose
        self.content: str | None = None
        """What was composed; None where nothing was."""

    def render_segments(self, console: Console) -> str:
        """The bytes, cursor moves and all."""
        self.content = self._compose()
        return self.content or ""


class ShownCells:
    """What the cells of a terminal show, as far as that is known, so that no cell is written twice."""

    def __init__(self) -> None:
        self._rows: defaultdict[int, list[_Cell | None]] = defaultdict(list)

    def forget(self) -> None:
        """Take it that the terminal may show anything."""
        self._rows.clear()

    def forget_cells(self, x: int, y: int, count: int) -> None:
        """Take it that so many cells of row `y` from `x` on may show anything."""
        row = self._rows[y]
        row.extend([None] * (x + count - len(row)))
        row[x : x + count] = [None] * count

    def update(self, x: int, y: int, cells: Sequence[_Cell | None]) -> list[tuple[int, int]]:
        """Know that cells are written from a place on; returns from where to where they have to be."""
        row = self._rows[y]
        row.extend([None] * (x + len(cells) - len(row)))
        before = row[x : x + len(cells)]
        row[x : x + len(cells)] = cells
        if before == cells and None not in before:
            return []
        runs: list[tuple[int, int]] = []
        for index, (old, new) in enumerate(zip(before, cells, strict=True)):
            if old is not None and old == new:
                continue
            if runs and index - runs[-1][1] <= _NEAR:
                runs[-1] = runs[-1][0], index + 1
            else:
                runs.append((index, index + 1))
        return runs


def find_spans(update: CompositorUpdate) -> Spans:
    """Which cells an update writes."""
    if isinstance(update, ChopsUpdate):
        return list(update.spans)
    assert isinstance(update, LayoutUpdate)
    return [(y, update.region.x, update.region.right) for y in update.region.line_range]


def to_regions(spans: Spans) -> list[Region]:
    """The same cells as regions."""
    return [Region(first, row, last - first, 1) for row, first, last in spans]


def ground_code(color: tuple[int, int, int], colors: Colors) -> str:
    """A colour behind characters, as parameters of CSI m."""
    return _color(Color.from_rgb(*color), colors, 40, numbered=False)


def shown_ground(color: tuple[int, int, int], colors: Colors) -> tuple[int, int, int]:
    """A colour behind characters as it is seen where there are so many colours; graphics could show it exactly."""
    if colors != "256":
        return color
    number = Color.from_rgb(*color).downgrade(ColorSystem.EIGHT_BIT).number
    # What the first sixteen look like is the user's choice.
    return color if number is None or number < len(SIXTEEN) else NUMBERED[number]


def encode_update(
    update: CompositorUpdate,
    colors: Colors,
    shown: ShownCells | None = None,
    *,
    plain: bool = False,
    blocks: bool = True,
    encoding: str = "utf-8",
    numbered: bool = False,
) -> str:
    """Write an update of Textual's compositor: only the cells in its spans, and only colours that change.

    Where `shown` knows the terminal, cells that are as they should be are left alone. `plain` writes lines, arrows and
    marks as ASCII characters; half blocks too, unless pictures are of `blocks`. What the terminal's `encoding` lacks, and what
    would be no sign in a cell, is a "?". `numbered` writes each of the sixteen colours by its number, as the user of the
    terminal has set it, and not as xterm
    has it.
    """
    out: list[str] = []
    at: tuple[int, int] | None = None
    ink = _PLAIN
    for x, y, strip in _pieces(update):
        texts, cells = _spell(strip, colors, numbered, plain, blocks, encoding)
        for first, end in [(0, len(cells))] if shown is None else shown.update(x, y, cells):
            out.append(_move(at, x + first, y))
            for text, wanted in _join(texts[first:end]):
                if text.isspace() and not _SHOWN_ON_SPACES.intersection(wanted[0]):
                    # No ink is seen on spaces, so the one before may stay.
                    wanted = wanted[0], ink[1], wanted[2]
                if wanted != ink:
                    out.append(_change(ink, wanted))
                    ink = wanted
                out.append(text)
            at = x + end, y
    if ink != _PLAIN:
        out.append("\x1b[m")
    return "".join(out)


def _spell(
    strip: Strip, colors: Colors, numbered: bool, plain: bool, blocks: bool, encoding: str
) -> tuple[list[_Cell], list[_Cell | None]]:
    """What to write in each cell, and how it then looks; None where that is not one character for one cell."""
    texts: list[_Cell] = []
    looks: list[_Cell | None] = []
    for text, style, control in strip:
        if control or not text:
            continue
        codes = _PLAIN if style is None else _codes(style, colors, numbered)
        if not (text.isascii() and text.isprintable()):
            text = _tame(text, plain, blocks, encoding)
        width = len(text) if text.isascii() else cell_len(text)
        if width != len(text) or (style is not None and style.link):
            whole = text if style is None or not style.link else _link(style, text)
            texts += [(whole, codes), *([("", codes)] * (width - 1))]
            looks += [None] * width
            continue
        cells = [(character, codes) for character in text]
        texts += cells
        if " " in text and not _SHOWN_ON_SPACES.intersection(codes[0]):
            blank = " ", ((), "", codes[2])
            cells = [blank if cell[0] == " " else cell for cell in cells]
        looks += cells
    return texts, looks


@lru_cache(maxsize=4096)
def _tame(text: str, plain: bool, blocks: bool, encoding: str) -> str:
    """A text as a terminal can be given it, as many cells wide."""
    if plain:
        text = "".join(_to_plain(sign, blocks) for sign in text)
    # Widgets write out what hides; where one did not, the terminal must not get it.
    if not is_printable(text):
        text = "".join(sign if is_printable(sign) else "?" * cell_len(sign) for sign in text)
    if encoding != "utf-8":
        text = "".join(sign if _is_known(sign, encoding) else "?" * cell_len(sign) for sign in text)
    return text


def _to_plain(sign: str, blocks: bool) -> str:
    """A character for one of ours and Textual's; letters stay, and half blocks where pictures are of `blocks`."""
    if sign.isascii() or sign.isalnum() or (blocks and sign in "▀▄█"):
        return sign
    plain = chr(PLAIN_SIGNS.get(ord(sign), ord(sign)))
    if plain.isascii():
        return plain
    if "\u2500" <= sign <= "\u257f":
        return "+"
    return "#" if "\u2580" <= sign <= "\u259f" else "?" * cell_len(sign)


def _is_known(sign: str, encoding: str) -> bool:
    try:
        sign.encode(encoding)
    except UnicodeError:
        return False
    return True


def _join(cells: list[_Cell]) -> Iterator[tuple[str, _Codes]]:
    """Cells as texts of one colour."""
    for codes, group in groupby(cells, key=itemgetter(1)):
        yield "".join(text for text, _ in group), codes


def _pieces(update: CompositorUpdate) -> Iterator[tuple[int, int, Strip]]:
    """What to write, and where."""
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in line:
                yield x, y, strip
                x += strip.cell_length
        return
    assert isinstance(update, ChopsUpdate)
    for y, first, last in update.spans:
        for end, (x, chop) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if chop is None or x >= last or end <= first:
                continue
            start, stop = max(x, first), min(end, last)
            yield start, y, chop if (start, stop) == (x, end) else chop.crop(start - x, stop - x)


def _move(at: tuple[int, int] | None, x: int, y: int) -> str:
    if at == (x, y):
        return ""
    if at is not None and at[1] == y and x > at[0]:
        return f"\x1b[{x - at[0]}C" if x - at[0] > 1 else "\x1b[C"
    return f"\x1b[{y + 1};{x + 1}H"


def _change(shown: _Codes, wanted: _Codes) -> str:
    parts: list[str] = []
    if shown[0] != wanted[0]:
        parts.append("0")
        parts += wanted[0]
        shown = _PLAIN
    if shown[1] != wanted[1]:
        parts.append(wanted[1])
    if shown[2] != wanted[2]:
        parts.append(wanted[2])
    return f"\x1b[{';'.join(parts)}m"


@lru_cache(maxsize=4096)
def _codes(style: Style, colors: Colors, numbered: bool) -> _Codes:
    attributes = tuple(code for name, code in _ATTRIBUTES if getattr(style, name))
    return attributes, _color(style.color, colors, 30, numbered), _color(style.bgcolor, colors, 40, numbered)


def _color(color: Color | None, colors: Colors, base: int, numbered: bool) -> str:
    """A colour as parameters; `base` is 30 for ink and 40 for ground."""
    if color is None or color.is_default or colors == "none":
        return str(base + 9)
    if color.type is ColorType.TRUECOLOR and color.triplet is not None:
        rgb = (color.triplet.red, color.triplet.green, color.triplet.blue)
        if (numbered or colors == "16") and rgb in SIXTEEN:
            number = SIXTEEN.index(rgb)
            return str(base + number if number < 8 else base + 52 + number)
        if colors != "16" and rgb in NUMBERS:
            return f"{base + 8};5;{NUMBERS[rgb]}"
    if colors in _SYSTEMS:
        color = color.downgrade(_SYSTEMS[colors])
    return ";".join(color.get_ansi_codes(foreground=base == 30))


def _link(style: Style, text: str) -> str:
    return f"\x1b]8;id={style.link_id};{style.link}\x1b\\{text}\x1b]8;;\x1b\\"
