"""Where an axis begins and ends, and which round numbers stand along it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vae_tui.runs.series import Axis, Point
from vae_tui.tui.wording import say_clock

Range = tuple[float, float]
Ticks = tuple[list[float], list[str]]

_TRANSIENT = 0.1
"""The share of a curve at its beginning that does not count when its range is chosen."""
_CLOCK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def readable_range(curves: Sequence[Sequence[Point]], *, least: float) -> Range | None:
    """The least and greatest value worth showing: a first steep fall or a lone spike may leave at the edge.

    The first tenth of the way does not count, and of the rest one value in fifty at either end does not either. The range
    spans `least` of the values it shows, so that a level curve looks level, its noise not enlarged.
    """
    everything = [point for curve in curves for point in curve]
    if not everything:
        return None
    first, last = min(x for x, _ in everything), max(x for x, _ in everything)
    settled = sorted(y for x, y in everything if x >= first + _TRANSIENT * (last - first))
    cut = len(settled) // 50
    low, high = settled[cut], settled[-1 - cut]
    room = 0.06 * (high - low) or 0.02 * abs(high) or 1.0
    low, high = max(settled[0], low - 3 * room), min(settled[-1], high + 3 * room)
    low, high = low - room / 2, high + room / 2
    missing = max(0.0, least * max(abs(low), abs(high)) - (high - low))
    return low - missing / 2, high + missing / 2


def round_ticks(low: float, high: float, most: int) -> Ticks:
    """About `most` multiples of 1, 2 or 5 times a power of ten from `low` to `high`, with their labels."""
    if not high > low or most < 1:
        return [], []
    step = 10 ** math.floor(math.log10((high - low) / most))
    while _count(low, high, step) > most:
        coarser = step * (2.5 if f"{step:e}".startswith("2") else 2)
        if _count(low, high, coarser) < 3:
            # One or two numbers hardly tell a scale: rather a few more than asked for.
            break
        step = coarser
    positions = [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return positions, [f"{position:,.{decimals}f}" for position in positions]


def _count(low: float, high: float, step: float) -> int:
    return math.floor(high / step) - math.ceil(low / step) + 1


def log_ticks(low: float, high: float, most: int) -> Ticks:
    """Ticks for an axis of log10 values, as positions on it and labels of what they stand for."""
    positions, labels = round_ticks(10**low, 10**high, most)
    decades = [10.0**power for power in range(math.ceil(low), math.floor(high) + 1)]
    if len(decades) >= 3:
        positions, labels = decades, [f"{decade:,.10g}" for decade in decades]
    above = [(math.log10(position), label) for position, label in zip(positions, labels, strict=True) if position > 0]
    return [position for position, _ in above], [label for _, label in above]


def time_ticks(low: float, high: float, most: int) -> Ticks:
    """Ticks for an axis of seconds, at round times of a clock."""
    for step in _CLOCK_STEPS:
        if _count(low, high, step) <= most:
            break
    else:
        step *= math.ceil((high - low) / step / most)
    positions = [float(step * index) for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return positions, [say_clock(position) for position in positions]


def ticks_along(axis: Axis, low: float, high: float, most: int) -> Ticks:
    """Ticks for the horizontal axis."""
    if axis == "time":
        return time_ticks(low, high, most)
    positions, labels = round_ticks(low, high, most)
    whole = [position for position in positions if abs(position - round(position)) < 1e-6]
    return (whole, [f"{position:,.0f}" for position in whole]) if len(whole) > 1 else (positions, labels)
