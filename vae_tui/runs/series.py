"""One figure over a run, held exactly and read in a bounded number of points."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Literal

Axis = Literal["step", "epoch", "time"]
Point = tuple[float, float]


class Series:
    """One figure against steps and against seconds of training; both only ever grow."""

    def __init__(self) -> None:
        self.steps = array("q")
        self.seconds = array("d")
        self.values = array("d")

    def __len__(self) -> int:
        return len(self.values)

    def append(self, step: int, seconds: float, value: float | None) -> None:
        """Add a point; a figure that is not finite leaves a gap."""
        if value is not None and math.isfinite(value):
            self.steps.append(step)
            self.seconds.append(seconds)
            self.values.append(value)

    def at(self, step: int) -> float | None:
        """The value at exactly this step; None where there is a gap."""
        index = bisect_left(self.steps, step)
        return self.values[index] if index < len(self.steps) and self.steps[index] == step else None

    def truncate(self, step: int) -> None:
        """Forget what came after `step`."""
        end = bisect_right(self.steps, step)
        del self.steps[end:], self.seconds[end:], self.values[end:]

    def points(self, axis: Axis = "step", *, steps_per_epoch: int = 1) -> list[Point]:
        """Every point, as (x, value)."""
        return self.thin(len(self), axis, steps_per_epoch=steps_per_epoch) if len(self) else []

    def thin(self, columns: int, axis: Axis = "step", *, steps_per_epoch: int = 1) -> list[Point]:
        """At most two points a column: the least and the greatest of what falls there, in their order."""
        xs, scale = self._along(axis, steps_per_epoch)
        if len(self) <= 2 * columns:
            return [(x * scale, value) for x, value in zip(xs, self.values, strict=True)]
        found: list[Point] = []
        for start, end in self._columns(xs, columns):
            inside = self.values[start:end]
            least, greatest = inside.index(min(inside)), inside.index(max(inside))
            for index in sorted({start + least, start + greatest}):
                found.append((xs[index] * scale, self.values[index]))
        return found

    def column_means(self, columns: int, axis: Axis = "step", *, steps_per_epoch: int = 1) -> list[Point]:
        """At most one point a column: the mean of what falls there, at the mean of where it lies."""
        xs, scale = self._along(axis, steps_per_epoch)
        found: list[Point] = []
        for start, end in self._columns(xs, columns):
            inside = end - start
            found.append((sum(xs[start:end]) / inside * scale, sum(self.values[start:end]) / inside))
        return found

    def _along(self, axis: Axis, steps_per_epoch: int) -> tuple[array[int] | array[float], float]:
        if axis == "time":
            return self.seconds, 1.0
        return self.steps, 1.0 / steps_per_epoch if axis == "epoch" else 1.0

    def _columns(self, xs: array[int] | array[float], columns: int) -> Iterable[tuple[int, int]]:
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
