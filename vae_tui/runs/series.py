"""Figures over a run, held exactly and read in a bounded number of points."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

Axis = Literal["step", "epoch", "time"]
Point = tuple[float, float]


class Track:
    """Figures measured together: one row of `names` a step, 8 bytes a figure, against steps and seconds of training.

    Both only ever grow. A figure that was not measured or is not finite leaves a gap.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.steps = array("q")
        self.seconds = array("d")
        self.series = {name: Series(self) for name in names}
        self._columns = [series.rows for series in self.series.values()]

    def __len__(self) -> int:
        return len(self.steps)

    def append(self, step: int, seconds: float, row: Iterable[float | None]) -> None:
        """Add a row, in the order of the names."""
        self.steps.append(step)
        self.seconds.append(seconds)
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
            del self.steps[end:], self.seconds[end:]
            for series in self.series.values():
                series.truncate(end)


class Series:
    """One figure of a track; its points are those that were measured and finite."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self.rows = array("d")
        """The value in each row of the track, NaN or infinite for a gap."""
        self._finite: list[int] = [0, 0]
        """Of how many rows, how many are finite."""
        self._measured: tuple[int, array[int], array[float], array[float]] | None = None
        """For a series with gaps: how many rows there were, and steps, seconds and values without the gaps."""

    def truncate(self, count: int) -> None:
        """Keep the first `count` rows."""
        del self.rows[count:]
        self._finite, self._measured = [0, 0], None

    def value(self, index: int) -> float | None:
        """The value of a row of the track; None for a gap."""
        value = self.rows[index]
        return value if math.isfinite(value) else None

    @property
    def steps(self) -> array[int]:
        """The step of each point."""
        return self._without_gaps()[1] if self._has_gaps else self._track.steps

    @property
    def seconds(self) -> array[float]:
        """The seconds of training of each point."""
        return self._without_gaps()[2] if self._has_gaps else self._track.seconds

    @property
    def values(self) -> array[float]:
        """The value of each point."""
        return self._without_gaps()[3] if self._has_gaps else self.rows

    def __len__(self) -> int:
        known, finite = self._finite
        if known < len(self.rows):
            finite += sum(map(math.isfinite, self.rows[known:]))
            self._finite = [len(self.rows), finite]
        return finite

    @property
    def _has_gaps(self) -> bool:
        return len(self) < len(self.rows)

    def points(self, axis: Axis = "step", *, steps_per_epoch: int = 1) -> list[Point]:
        """Every point, as (x, value)."""
        return self.thin(len(self), axis, steps_per_epoch=steps_per_epoch) if len(self) else []

    def thin(self, columns: int, axis: Axis = "step", *, steps_per_epoch: int = 1) -> list[Point]:
        """At most two points a column: the least and the greatest of what falls there, in their order."""
        xs, scale = self._along(axis, steps_per_epoch)
        values = self.values
        if len(self) <= 2 * columns:
            return [(x * scale, value) for x, value in zip(xs, values, strict=True)]
        found: list[Point] = []
        for start, end in _columns(xs, columns):
            inside = values[start:end]
            least, greatest = inside.index(min(inside)), inside.index(max(inside))
            for index in sorted({start + least, start + greatest}):
                found.append((xs[index] * scale, values[index]))
        return found

    def column_means(self, columns: int, axis: Axis = "step", *, steps_per_epoch: int = 1) -> list[Point]:
        """At most one point a column: the mean of what falls there, at the mean of where it lies."""
        xs, scale = self._along(axis, steps_per_epoch)
        values = self.values
        found: list[Point] = []
        for start, end in _columns(xs, columns):
            inside = end - start
            found.append((sum(xs[start:end]) / inside * scale, sum(values[start:end]) / inside))
        return found

    def _along(self, axis: Axis, steps_per_epoch: int) -> tuple[array[int] | array[float], float]:
        if axis == "time":
            return self.seconds, 1.0
        return self.steps, 1.0 / steps_per_epoch if axis == "epoch" else 1.0

    def _without_gaps(self) -> tuple[int, array[int], array[float], array[float]]:
        rows = len(self.rows)
        if self._measured is None or self._measured[0] != rows:
            there = [index for index, value in enumerate(self.rows) if math.isfinite(value)]
            steps, seconds = self._track.steps, self._track.seconds
            self._measured = (
                rows,
                array("q", (steps[index] for index in there)),
                array("d", (seconds[index] for index in there)),
                array("d", (self.rows[index] for index in there)),
            )
        return self._measured


def _columns(xs: array[int] | array[float], columns: int) -> Iterator[tuple[int, int]]:
    """The index ranges that fall into each of `columns` equal stretches, empty ones left out."""
    if not xs or columns < 1:
        return
    first, last = xs[0], xs[-1]
    start = 0
    for column in range(1, columns):
        end = bisect_left(xs, first + (last - first) * column / columns, start)
        if end > start:
            yield start, end
        start = end
    if start < len(xs):
        yield start, len(xs)
