"""What tells the curves of several runs apart: a color and a line style each, the same in every figure and on every screen.

The colors are those that Okabe and Ito chose for color blindness (Color Universal Design, 2008), without black and yellow,
which a dark or a light ground swallows, and with a grey for them. The line styles differ from run to run, so that curves
are told apart without colors too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LineStyle = Literal["solid", "dashed", "dotted", "dash-dotted"]

COLORS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#999999")
"""Blue, orange, bluish green, vermilion, sky blue, reddish purple, grey."""
LINE_STYLES: tuple[LineStyle, ...] = ("solid", "dashed", "dotted", "dash-dotted")


@dataclass(frozen=True)
class RunStyle:
    """How a run's curves are drawn; `color` is as in CSS."""

    color: str
    line: LineStyle


def style_of(index: int) -> RunStyle:
    """The style of the run at an index, from 0; the first 28 are all different."""
    return RunStyle(COLORS[index % len(COLORS)], LINE_STYLES[index % len(LINE_STYLES)])
