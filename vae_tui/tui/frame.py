"""Frames as bytes: what Textual composed, with the cursor and the colours moved no more than they must be."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from rich.color import Color, ColorSystem, ColorType
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from vae_tui.imaging.colors import NUMBERS, SIXTEEN
from vae_tui.imaging.terminal import Colors

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


class Frame(CompositorUpdate):
    """What `update` shows, in few bytes, followed by `graphics`."""

    def __init__(self, update: CompositorUpdate, colors: Colors, graphics: str = "") -> None:
        self._update, self._colors, self._graphics = update, colors, graphics

    def render_segments(self, console: Console) -> str:
        """The bytes, cursor moves and all."""
        return encode_update(self._update, self._colors) + self._graphics


def find_spans(update: CompositorUpdate) -> Spans:
    """Which cells an update writes."""
    if isinstance(update, ChopsUpdate):
        return list(update.spans)
    assert isinstance(update, LayoutUpdate)
    return [(y, update.region.x, update.region.right) for y in update.region.line_range]


def to_regions(spans: Spans) -> list[Region]:
    """The same cells as regions."""
    return [Region(first, row, last - first, 1) for row, first, last in spans]


def encode_update(update: CompositorUpdate, colors: Colors) -> str:
    """Write an update of Textual's compositor: only the cells in its spans, and only colours that change."""
    out: list[str] = []
    at: tuple[int, int] | None = None
    shown = _PLAIN
    for x, y, strip in _pieces(update):
        out.append(_move(at, x, y))
        for text, style, control in strip:
            if control or not text:
                continue
            wanted = _PLAIN if style is None else _codes(style, colors)
            if text.isspace() and not _SHOWN_ON_SPACES.intersection(wanted[0]):
                # No ink is seen on spaces, so the one before may stay.
                wanted = wanted[0], shown[1], wanted[2]
            if wanted != shown:
                out.append(_change(shown, wanted))
                shown = wanted
            out.append(text if style is None or not style.link else _link(style, text))
        at = x + strip.cell_length, y
    if shown != _PLAIN:
        out.append("\x1b[m")
    return "".join(out)


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


@lru_cache(maxsize=16384)
def _codes(style: Style, colors: Colors) -> _Codes:
    attributes = tuple(code for name, code in _ATTRIBUTES if getattr(style, name))
    return attributes, _color(style.color, colors, 30), _color(style.bgcolor, colors, 40)


def _color(color: Color | None, colors: Colors, base: int) -> str:
    """A colour as parameters; `base` is 30 for ink and 40 for ground."""
    if color is None or color.is_default or colors == "none":
        return str(base + 9)
    if color.type is ColorType.TRUECOLOR and color.triplet is not None:
        rgb = (color.triplet.red, color.triplet.green, color.triplet.blue)
        if colors == "16" and rgb in SIXTEEN:
            number = SIXTEEN.index(rgb)
            return str(base + number if number < 8 else base + 52 + number)
        if colors != "16" and rgb in NUMBERS:
            return f"{base + 8};5;{NUMBERS[rgb]}"
    if colors in _SYSTEMS:
        color = color.downgrade(_SYSTEMS[colors])
    return ";".join(color.get_ansi_codes(foreground=base == 30))


def _link(style: Style, text: str) -> str:
    return f"\x1b]8;id={style._link_id};{style.link}\x1b\\{text}\x1b]8;;\x1b\\"
