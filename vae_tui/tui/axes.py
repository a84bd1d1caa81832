"""Where an axis begins and ends, and which round numbers stand along it, a whole number of cells apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from vae_tui.runs.series import Point
from vae_tui.wording import format_clock

Range = tuple[float, float]

_GREATEST, _LEAST = 1e290, 1e-200
"""What is beyond them leaves a chart at its edge or is as good as 0: sums and quotients of them must still be numbers."""
_WIDEST = 9
"""Cells of a label that is written out."""
_CLOCK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_DAY = 86_400
_BETWEEN = 2
"""Cells between two labels."""
_FEWEST = 3
"""One or two numbers hardly tell a scale: rather a few more than there is room for."""
_SPARE = 0.1
"""The share of an axis that may stay empty for the sake of as many ticks as there is room for, rather than none."""


@dataclass(frozen=True)
class Ruler:
    """An axis: the values at its ends, and numbers with their labels along it."""

    low: float
    high: float
    ticks: Sequence[float]
    labels: Sequence[str]

    @property
    def width(self) -> int:
        """Cells of the widest label."""
        return max(map(len, self.labels), default=0)


def readable_range(curves: Sequence[Sequence[Point]], *, least: float, transient: float = 0.1) -> Range | None:
    """The least and greatest value worth showing: a first steep fall or a lone spike may leave at the edge.

    The first share of the way, `transient`, does not count, and of the rest one value in fifty at either end does not
    either. The range spans `least` of the values it shows, so that a level curve looks level, its noise not enlarged.
    """
    everything = [(x, y) for curve in curves for x, y in curve if abs(y) <= _GREATEST]
    if not everything:
        return None
    first, last = min(x for x, _ in everything), max(x for x, _ in everything)
    settled = sorted(y for x, y in everything if x >= first + transient * (last - first))
    cut = len(settled) // 50
    low, high = settled[cut], settled[-1 - cut]
    room = next((room for room in (0.06 * (high - low), 0.02 * abs(high)) if room > _LEAST), 1.0)
    low, high = max(settled[0], low - 3 * room), min(settled[-1], high + 3 * room)
    low, high = low - room / 2, high + room / 2
    missing = max(0.0, least * max(abs(low), abs(high)) - (high - low))
    return low - missing / 2, high + missing / 2


def rule_upwards(extent: Range, rows: int) -> Ruler:
    """A vertical axis from the foot of its lowest row to the head of its highest, with ticks in the middle of rows."""
    low, high, step = _fit(extent, rows, _round_steps(extent), most=max(2, rows // 3), middle=True)
    ticks = _multiples(low, high, step)
    return Ruler(low, high, ticks, [_number(tick, step) for tick in ticks])


def mark_rounds(extent: Range, most: int) -> list[tuple[float, str]]:
    """Round numbers from one end of an axis to the other that stand equally far apart, `most` of them at most, and their labels; none along an axis without a length."""
    if not 0 < extent[1] - extent[0] < math.inf:
        return []
    for step in _round_steps(extent):
        ticks = _multiples(*extent, step)
        if len(ticks) <= most:
            return [(tick, _number(tick, step)) for tick in ticks]
    return []


def rule_upwards_by_decades(extent: Range, rows: int) -> Ruler:
    """A vertical axis of log10 values; its labels are what they stand for."""
    if math.floor(extent[1]) - math.ceil(extent[0]) >= _FEWEST - 1:
        low, high, step = _fit(extent, rows, (1.0, 2.0, 5.0, 10.0, 20.0, 50.0), most=max(2, rows // 3), middle=True)
        ticks = _multiples(low, high, step)
        return Ruler(low, high, ticks, [_decade(tick) for tick in ticks])
    # Within a decade or two equal differences cannot stand equally far apart.
    low, high = 10.0 ** extent[0], 10.0 ** extent[1]
    step = min(
        _round_steps((low, high)), key=lambda step: abs(len(_multiples(low, high, step)) - max(_FEWEST, rows // 3))
    )
    values = [value for value in _multiples(low, high, step) if value > 0]
    return Ruler(*extent, [math.log10(value) for value in values], [_number(value, step) for value in values])


def rule_across(axis: str, extent: Range, columns: int, *, log: bool = False) -> Ruler:
    """A horizontal axis from the middle of its first column, where `extent` begins, to the middle of its last.

    `axis` "time" is in seconds and "clock" in Unix seconds. With `log` the extent is of log10 values.
    """
    most = max(2, columns // 12)
    if log:
        return _rule_across_by_decades(axis, extent, most)
    if axis == "clock":
        return _rule_across_days(extent, columns, most)
    steps = list(_clock_steps(extent) if axis == "time" else _round_steps(extent))
    if axis in ("step", "epoch") and extent[1] - extent[0] >= 1:
        steps = [step for step in steps if step >= 1]
    widest = max(len(format_clock(end) if axis == "time" else f"{end:,.0f}") for end in extent)
    low, high, step = _fit(extent, columns - 1, steps, most=most, middle=False, fit=columns // (widest + _BETWEEN))
    ticks = _multiples(low, high, step)
    return Ruler(low, high, ticks, [format_clock(tick) if axis == "time" else _number(tick, step) for tick in ticks])


def _rule_across_by_decades(axis: str, extent: Range, most: int) -> Ruler:
    """Powers of ten where there are some, with 2 and 5 times them where there is room, else round numbers."""
    low, high = 10.0 ** extent[0], 10.0 ** extent[1]
    powers = range(math.floor(extent[0]), math.ceil(extent[1]) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        values = [digit * 10.0**power for power in powers for digit in digits]
        values = [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        if len(values) <= max(_FEWEST, most):
            break
    else:
        every = math.ceil(len(values) / max(2, most))
        values = values[::every]
    if len(values) < 2:
        step = next(
            step for step in _round_steps((low, high)) if len(_multiples(low, high, step)) <= max(_FEWEST, most)
        )
        values = _multiples(low, high, step)
        labels = [format_clock(value) if axis == "time" else _number(value, step) for value in values]
    else:
        labels = [format_clock(value) if axis == "time" else f"{value:,.10g}" for value in values]
    return Ruler(*extent, [math.log10(value) for value in values], labels)


def _rule_across_days(extent: Range, columns: int, most: int) -> Ruler:
    """Times of day where one is, and dates where days pass."""
    offset = datetime.fromtimestamp(extent[0]).astimezone().utcoffset()
    ahead = offset.total_seconds() if offset is not None else 0.0
    steps = list(_clock_steps(extent))
    there = extent[0] + ahead, extent[1] + ahead
    fit = columns // (len("00:00:00") + _BETWEEN)
    low, high, step = _fit(there, columns - 1, steps, most=most, middle=False, fit=fit)
    ticks = [tick - ahead for tick in _multiples(low, high, step)]
    form = "%m-%d" if step >= _DAY else "%H:%M" if step >= 60 else "%H:%M:%S"
    labels = [f"{datetime.fromtimestamp(tick).astimezone():{form}}" for tick in ticks]
    return Ruler(low - ahead, high - ahead, ticks, labels)


def _fit(
    extent: Range, cells: int, steps: Iterable[float], *, most: int, middle: bool, fit: int = 1000
) -> tuple[float, float, float]:
    """A range around `extent` in which some step is a whole number of cells long; returns its ends and the step.

    It is hardly longer than it must be, where that leaves some ticks of the `most` there may be; for the labels of more than
    `fit` there is no room.
    With ticks in the `middle` of cells there is as much room below as above; else the range begins where `extent` does.
    """
    found: list[tuple[int, float, float, float, float]] = []
    low, high = extent
    for step in steps:
        for apart in range(min(cells, math.floor(cells * step / (high - low))), 0, -1):
            cell = step / apart
            start = (math.floor(low / cell - 0.5) + 0.5) * cell if middle else low
            left_over = start + cells * cell - high
            if left_over >= 0:
                if middle:
                    start -= math.floor(left_over / cell / 2) * cell
                count = len(_multiples(start, start + cells * cell, step))
                wrong = max(
                    0, 4 * (min(_FEWEST, fit) - count), count - max(_FEWEST + 1, most), 8 * (count - max(2, fit))
                )
                found.append((wrong, cells * cell * (1 + _SPARE * max(0, most - count) / most), start, step, cell))
                break
    *_, start, step, cell = min(found)
    return start, start + cells * cell, step


def _multiples(low: float, high: float, step: float) -> list[float]:
    """The multiples of a step from `low` to `high`; what is hardly beyond counts."""
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def _round_steps(extent: Range) -> list[float]:
    """1, 2 and 5 times the powers of ten that make sense for a range."""
    power = math.floor(math.log10(extent[1] - extent[0]))
    return [digit * 10.0**exponent for exponent in range(power - 2, power + 2) for digit in (1, 2, 5)]


def _clock_steps(extent: Range) -> list[float]:
    days = (extent[1] - extent[0]) / _DAY
    return [*map(float, _CLOCK_STEPS), *(_DAY * step for step in _round_steps((0.0, days)) if step > 1)]


def _number(value: float, step: float) -> str:
    """A value with as many digits as tell it from the next one; a wide one with an exponent, 1.25e8."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if abs(value) < 1e15 and decimals < 15 and len(whole := f"{value:,.{decimals}f}") <= _WIDEST:
        return whole
    if value == 0:
        return "0"
    digits = math.floor(math.log10(abs(value)) + 1e-9) - math.floor(math.log10(step) + 1e-9)
    mantissa, exponent = f"{value:.{min(4, max(0, digits))}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _decade(tick: float) -> str:
    """What a power of ten is written as."""
    return f"{10.0**tick:,.10g}" if -4 <= tick <= 6 else f"1e{tick:.0f}"
