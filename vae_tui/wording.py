"""Numbers as a person reads them, and words that a person may have meant."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence

MISSING = "–"


def format_nats(value: float | None) -> str:
    """Nats with two decimals, less for large ones: 142.31, 1,234.5, 12,345, 1.25e8."""
    if value is None or not math.isfinite(value):
        return MISSING
    size = abs(value)
    if size >= 10_000_000:
        return _with_exponent(value)
    decimals = 2 if size < 1_000 else 1 if size < 10_000 else 0
    return f"{value:z,.{decimals}f}"


def format_setting(value: float | None) -> str:
    """A setting such as a learning rate or beta: 1e-3, 5e-4, 0.35, 10."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value != 0 and not 0.01 <= abs(value) < 10_000:
        return _with_exponent(value)
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def format_count(value: int) -> str:
    """A number of steps: 5,600, 1.2e12."""
    return f"{value:,}" if abs(value) < 10**10 else _with_exponent(value)


def counted(count: int, thing: str) -> str:
    """A number of things: 1 image, 1,797 images, 2 classes, 3 epochs."""
    hisses = thing.endswith(("s", "x", "ch", "sh")) and not thing.endswith("och")
    ending = "" if count == 1 else "es" if hisses else "s"
    return f"{count:,} {thing}{ending}"


def _with_exponent(value: float) -> str:
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def format_speed(value: float | None) -> str:
    """A count a second: 870, 2.14k, 21.4k, 1.20M."""
    if value is None or not math.isfinite(value):
        return MISSING
    if abs(value) >= 1e9:
        return _with_exponent(value)
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:z.0f}"


def format_percent(value: float | None) -> str:
    """A share of a hundred."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:z.0f} %" if abs(value) < 1e5 else f"{_with_exponent(value)} %"


def format_bytes(value: float | None) -> str:
    """Memory in binary units: 12 KiB, 912 MiB, 1.4 GiB."""
    if value is None or not math.isfinite(value):
        return MISSING
    if abs(value) >= 2**50:
        return f"{_with_exponent(value / 2**30)} GiB"
    if value >= 0.95 * 2**30:
        return f"{value / 2**30:.1f} GiB"
    return f"{value / 2**20:.0f} MiB" if value >= 0.95 * 2**20 else f"{math.ceil(value / 2**10)} KiB"


def format_clock(seconds: float | None) -> str:
    """A stretch of time: 01:12, 2:03:04, 3 d 04 h."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    minutes, second = divmod(max(0, round(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days > 9999:
        return f"{_with_exponent(days)} d"
    if days:
        return f"{days} d {hour:02} h"
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute:02}:{second:02}"


def format_age(seconds: float | None) -> str:
    """How long ago something was, roughly: 12 s, 5 min, 3 h, 12 d."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{format_count(int(seconds // size))} {unit}"
    return f"{max(0, int(seconds))} s"


def join_whole(parts: Sequence[str], between: str, width: int) -> str:
    """As many parts as fit whole into a width, and … where some are left out."""
    shown = between.join(parts)
    count = len(parts)
    while count and len(shown) > width:
        count -= 1
        shown = between.join([*parts[:count], "…"])
    return shown


def shorten(note: str, width: int) -> str:
    """A note, or as much of it as there is room for up to a semicolon, and where the rest is found."""
    more = "  ? tells more"
    clauses = note.split("; ")
    while len(note) > width and len(clauses) > 1:
        clauses.pop()
        note = "; ".join(clauses) + more
    return note


def did_you_mean(word: str, known: Iterable[object], form: str = "{}", *, most: int = 100) -> str:
    """What goes behind a message about a word that is not known: the one that is like it, or all there are, up to `most`.

    `form` is how a word is written, such as "[{}]" for tables.
    """
    words = [str(item) for item in known]
    same = [item for item in words if item.casefold() == word.casefold()]
    if close := same or difflib.get_close_matches(word, words, n=1):
        return f"; did you mean {form.format(close[0])}?"
    return f" (known: {', '.join(form.format(item) for item in words)})" if 0 < len(words) <= most else ""
