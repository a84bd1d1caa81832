"""Figures over a run, held exactly and read in a bounded number of points."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

Axis = Literal["step", "epoch", "time", "clock"]
"""What has passed: steps, epochs, seconds of training, or Unix seconds."""
Point = tuple[float, float]
_KEPT = 8
"""How many readings of a series are kept, for charts that are drawn again."""


@dataclass(frozen=True)
class Along:
    """What points are placed along: an axis, its decimal logarithm where `log`, and the stretch of it that is looked at.

    `low` and `high` are as on the axis, not their logarithms. Beside each end of the stretch one point more is found, so
    that a curve runs on to the edge.
    """

    axis: Axis = "step"
    steps_per_epoch: int = 1
    log: bool = False
    low: float = -math.inf
    high: float = math.inf


STEPS = Along()


class Track:
    """Figures measured together: one row of `names` a step, 8 bytes a figure, against steps, seconds of training and times.

    All three only ever grow. A figure that was not measured or is not finite leaves a gap.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.steps = array("q")
        self.seconds = array("d")
        self.times = array("d")
        """Unix seconds."""
        self.series = {name: Series(self) for name in names}
        self._columns = [series.rows for series in self.series.values()]

    def __len__(self) -> int:
        return len(self.steps)

    def append(self, step: int, seconds: float, time: float, row: Iterable[float | None]) -> None:
        """Add a row, in the order of the names."""
        self.steps.append(step)
        self.seconds.append(seconds)
        # A clock may be set back; what came later still stands further right.
        self.times.append(max(time, self.times[-1]) if self.times else time)
        for column, value in zip(self._columns, row, strict=True):
            column.append(math.nan if value is None else value)

    def index(self, step: int) -> int:
        """The index of the last row up to `step`; -1 where there is none."""
        return bisect_right(self.steps, step) - 1

    def row(self, index: int) -> dict[str, float | None]:
        """The figures of a row by name; None for a gap."""
        return {name: series.value(index) for name, series in self.series.items()}

    def truncate(self, step: int) -> None:
        """Forget what came after `step`."""
        end = self.index(step) + 1
        if end < len(self.steps):
            del self.steps[end:], self.seconds[end:], self.times[end:]
            for series in self.series.values():
                series.truncate(end)


class Series:
    """One figure of a track; its points are those that were measured and finite."""

    def __init__(self, track: Track) -> None:
        self.track = track
        """The figures that were measured with it."""
        self.rows = array("d")
        """The value in each row of the track, NaN or infinite for a gap."""
        self._finite: list[int] = [0, 0]
        """Of how many rows, how many are finite."""
        self._measured: tuple[int, array[int], dict[str, array[Any]]] | None = None
        """For a series with gaps: how many rows there were, which are no gaps, and what stands in those."""
        self._read: dict[tuple[str, int, Along], list[Point]] = {}
        self._read_of = 0
        """Of how many rows that was read."""

    def truncate(self, count: int) -> None:
        """Keep the first `count` rows."""
        del self.rows[count:]
        self._finite, self._measured = [0, 0], None
        self._read.clear()

    def value(self, index: int) -> float | None:
        """The value of a row of the track; None for a gap."""
        value = self.rows[index]
        return value if math.isfinite(value) else None

    @property
    def steps(self) -> array[int]:
        """The step of each point."""
        return self._column("steps")

    @property
    def seconds(self) -> array[float]:
        """The seconds of training of each point."""
        return self._column("seconds")

    @property
    def times(self) -> array[float]:
        """When each point was reported, in Unix seconds."""
        return self._column("times")

    @property
    def values(self) -> array[float]:
        """The value of each point."""
        return self._column("values")

    def __len__(self) -> int:
        known, finite = self._finite
        if known < len(self.rows):
            finite += sum(map(math.isfinite, self.rows[known:]))
            self._finite = [len(self.rows), finite]
        return finite

    def gaps(self) -> list[int]:
        """The indices of the rows of the track that have no finite value."""
        return (
            [] if len(self) == len(self.rows) else [i for i, value in enumerate(self.rows) if not math.isfinite(value)]
        )

    def points(self, along: Along = STEPS) -> list[Point]:
        """Every point, as (x, value)."""
        return self.thin(len(self), along) if len(self) else []

    def at(self, step: int) -> float | None:
        """The value that was measured last up to a step."""
        index = bisect_right(self.steps, step) - 1
        return self.values[index] if index >= 0 else None

    def thin(self, columns: int, along: Along = STEPS) -> list[Point]:
        """At most two points a column: the least and the greatest of what falls there, in their order; NaN between for a gap.

        The last of all is there too.
        """
        return self._remember("thin", columns, along)

    def column_means(self, columns: int, along: Along = STEPS) -> list[Point]:
        """At most one point a column: the mean of what falls there, at the mean of where it lies; NaN between for a gap."""
        return self._remember("means", columns, along)

    def _remember(self, kind: Literal["thin", "means"], columns: int, along: Along) -> list[Point]:
        if self._read_of != len(self.rows) or len(self._read) >= _KEPT:
            self._read, self._read_of = {}, len(self.rows)
        key = kind, columns, along
        if key not in self._read:
            self._read[key] = self._thin(columns, along) if kind == "thin" else self._means(columns, along)
        return self._read[key]

    def _thin(self, columns: int, along: Along) -> list[Point]:
        xs, scale = self._along(along)
        start, end = _stretch(xs, scale, along)
        values, place = self.values, _placer(along, scale)
        chosen: list[int] = []
        if end - start <= 2 * columns:
            chosen = list(range(start, end))
        else:
            borders = [*_borders(xs, columns, start, end, log=along.log), end]
            shown = _as_numpy(values[start:end])
            for first, last in pairwise(borders):
                inside = shown[first - start : last - start]
                chosen += sorted({first + int(inside.argmin()), first + int(inside.argmax())})
            if chosen[-1] != end - 1:
                chosen.append(end - 1)
        return self._with_gaps([(index, index, (place(xs[index]), values[index])) for index in chosen])

    def _means(self, columns: int, along: Along) -> list[Point]:
        import numpy as np  # noqa: PLC0415 - for charts, which lists of runs do without

        xs, scale = self._along(along)
        start, end = _stretch(xs, scale, along)
        borders = _borders(xs, columns, start, end, log=along.log)
        if not borders:
            return []
        place, cuts = _placer(along, scale), [border - start for border in borders]
        with np.errstate(over="ignore"):
            sums = (np.add.reduceat(_as_numpy(column[start:end]), cuts).tolist() for column in (xs, self.values))
            found = []
            for (first, after), x, total in zip(pairwise([*borders, end]), *sums, strict=True):
                found.append((first, after - 1, (place(x / (after - first)), total / (after - first))))
        return self._with_gaps(found)

    def _with_gaps(self, found: Sequence[tuple[int, int, Point]]) -> list[Point]:
        """Points, each of a first and a last one of this series, with NaN between two where a gap lies between them."""
        if len(self) == len(self.rows):
            return [point for _, _, point in found]
        rows = self._without_gaps()[1]
        points: list[Point] = []
        before = None
        for first, last, point in found:
            if before is not None and rows[first] - rows[before] > first - before:
                points.append((point[0], math.nan))
            points.append(point)
            before = last
        return points

    def _along(self, along: Along) -> tuple[array[Any], float]:
        """Where points lie, and what to multiply that with."""
        if along.axis == "time":
            return self.seconds, 1.0
        if along.axis == "clock":
            return self.times, 1.0
        return self.steps, 1.0 / along.steps_per_epoch if along.axis == "epoch" else 1.0

    def _column(self, name: str) -> array[Any]:
        if len(self) < len(self.rows):
            return self._without_gaps()[2][name]
        column: array[Any] = self.rows if name == "values" else getattr(self.track, name)
        return column

    def _without_gaps(self) -> tuple[int, array[int], dict[str, array[Any]]]:
        rows, track = len(self.rows), self.track
        if self._measured is None or self._measured[0] != rows:
            there = array("q", (index for index, value in enumerate(self.rows) if math.isfinite(value)))
            columns: dict[str, array[Any]] = {
                "steps": track.steps,
                "seconds": track.seconds,
                "times": track.times,
                "values": self.rows,
            }
            kept = {name: array(column.typecode, (column[i] for i in there)) for name, column in columns.items()}
            self._measured = rows, there, kept
        return self._measured


def against(xs: Sequence[float], values: Sequence[float], columns: int) -> list[Point]:
    """One figure over another, row by row, in at most `columns` means of as many rows each; rows with a gap are left out."""
    both = [(x, y) for x, y in zip(xs, values, strict=True) if math.isfinite(x) and math.isfinite(y)]
    count = min(columns, len(both))
    found = []
    for index in range(count):
        rows = both[index * len(both) // count : (index + 1) * len(both) // count]
        found.append((sum(x for x, _ in rows) / len(rows), sum(y for _, y in rows) / len(rows)))
    return found


def _placer(along: Along, scale: float) -> Callable[[float], float]:
    return (lambda x: math.log10(x * scale)) if along.log else (lambda x: x * scale)


def _stretch(xs: array[Any], scale: float, along: Along) -> tuple[int, int]:
    """The index range of what is looked at, and a point beside each end."""
    start = max(0, bisect_left(xs, along.low / scale) - 1) if along.low > -math.inf else 0
    end = bisect_right(xs, along.high / scale) + 1 if along.high < math.inf else len(xs)
    if along.log:
        start = max(start, bisect_right(xs, 0))
    return start, max(start, min(end, len(xs)))


def _borders(xs: array[Any], columns: int, start: int, end: int, *, log: bool) -> list[int]:
    """The indices from `start` to `end` at which those of `columns` equal stretches begin that anything falls into."""
    import numpy as np  # noqa: PLC0415 - for charts, which lists of runs do without

    if start >= end or columns < 1:
        return []
    first, last, shares = xs[start], xs[end - 1], np.arange(columns) / columns
    places = first * (last / first) ** shares if log else first + (last - first) * shares
    found = _as_numpy(xs[start:end]).searchsorted(places)
    return sorted({start + border for border in found.tolist()} - {end})


def _as_numpy(column: array[Any]) -> Any:
    """A view of a column that nobody else has, for one that is seen through cannot grow."""
    import numpy as np  # noqa: PLC0415 - for charts, which lists of runs do without

    return np.frombuffer(column, dtype=column.typecode)
