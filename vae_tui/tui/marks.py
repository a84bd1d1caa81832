"""Marks at the foot of charts, of what happened."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vae_tui.runs.history import History
from vae_tui.tui.chart_spec import Curve
from vae_tui.tui.look import FIGURE_AXES, Stretch, place_of_step

MARKS = {
    "saved": ("╵", "'", "faint"),
    "paused": ("‖", "=", "foreground"),
    "changed": ("▲", "^", "changed"),
    "alarm": ("!", "!", "error"),
    "not finite": ("✕", "x", "error"),
}
"""What stands for each, also where only ASCII characters are drawn, and its color; the later over the earlier."""
_COLUMNS_APART = 4
"""Checkpoints are saved often: of those nearer to each other only the last is marked."""


def steps_of(history: History) -> dict[str, Sequence[int]]:
    """At which steps each mark is due; those that are due nowhere are left out."""
    steps: dict[str, Sequence[int]] = {
        "saved": history.saved,
        "paused": history.pauses,
        "changed": [change.step for change in history.changes],
        "alarm": history.alarms,
        "not finite": history.not_finite,
    }
    return {mark: found for mark, found in steps.items() if len(found)}


def mark_events(history: History, stretch: Stretch, columns: int) -> list[Curve]:
    """The marks of what is shown of a run; none where the axis is a figure."""
    marks: list[Curve] = []
    if stretch.axis in FIGURE_AXES:
        return marks
    for mark, steps in steps_of(history).items():
        marker, sign, color = MARKS[mark]
        places = _places(history, steps, stretch, columns, _COLUMNS_APART if mark == "saved" else 1)
        if places:
            marks.append(Curve((), color, sign, marker=marker, signed_at=[(x, -math.inf) for x in places]))
    return marks


def _places(history: History, steps: Sequence[int], stretch: Stretch, columns: int, apart: int) -> list[float]:
    """Where steps stand in a chart, the last of those in the same few columns."""
    low, high = stretch.across
    width = (high - low) * apart / max(1, columns)
    # Where steps are many, finding each one's time would take longer than drawing all.
    every = max(1, len(steps) // (8 * max(1, columns)))
    found: dict[int, float] = {}
    for step in (*steps[::every], steps[-1]):
        x = stretch.place(place_of_step(history, step, stretch.axis))
        if low <= x <= high:
            found[int((x - low) / width)] = x
    return list(found.values())
