"""What a chart is to show: curves with their signs and names, and the ranges of its axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vae_tui.runs.series import Point
from vae_tui.tui.axes import Range


@dataclass(frozen=True)
class Curve:
    """Points, joined or each with a `marker`; `color` is a meaning or as in CSS, `faint` sets it back, `right` has its own axis.

    `sign` stands for it where only ASCII characters are drawn. Its `marker`, or without one its sign, is written over all that is
    drawn where it is `signed_at`, -inf being the lowest row. A value that is not finite leaves a gap. Beside its last point stands its `ending`, such as its last value, and
    where curves have no colors its `name`.
    """

    points: Sequence[Point]
    color: str
    sign: str
    faint: bool = False
    right: bool = False
    marker: str | None = None
    name: str = ""
    ending: str = ""
    signed_at: Sequence[Point] = ()


@dataclass(frozen=True)
class ChartSpec:
    """Curves, drawn in their order, and what their axes must show; `right` is there where a curve has it.

    With `log` values and the left range are log10 of what the axis is labelled with; so are places along the horizontal
    axis, `across` and the time cursor with `log_across`.
    """

    curves: Sequence[Curve]
    axis: str
    across: Range
    left: Range
    right: Range | None = None
    log: bool = False
    log_across: bool = False
    cursor: float | None = None


Specify = Callable[[int], ChartSpec | None]
"""What to show in a chart of so many columns; None while there is nothing to show."""
