"""Places along an axis as people type them: 1200, 3.5, 1:20, 14:05."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta

from vae_tui.tui.look import FIGURE_AXES

_OF_DAY = re.compile(r"(?:(\d{1,2})-(\d{1,2})\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?")
_HINTS = {
    "step": "a step, such as 1200",
    "epoch": "an epoch, such as 3",
    "time": "seconds, or 1:20",
    "clock": "a time of day, such as 14:05, or 11-26 14:05",
}


def hint_of(axis: str) -> str:
    """What to type for a place on an axis."""
    return _HINTS.get(axis, f"a value of {FIGURE_AXES.get(axis, axis)}, such as 12.5")


def parse_place(text: str, axis: str, last: float) -> float:
    """What was typed, as a place on an axis; a time of day is the last such one before `last`, in Unix seconds.

    Raises ValueError for what is no such place.
    """
    if axis == "clock":
        return _parse_time_of_day(text.strip(), last)
    number = 0.0
    for part in text.replace(",", "").split(":"):
        number = 60 * number + float(part)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _parse_time_of_day(text: str, last: float) -> float:
    found = _OF_DAY.fullmatch(text)
    if found is None:
        raise ValueError(text)
    month, day, hour, minute, second = (None if part is None else int(part) for part in found.groups())
    end = datetime.fromtimestamp(last).astimezone()
    moment = end.replace(hour=hour or 0, minute=minute or 0, second=second or 0, microsecond=0)
    if month is not None and day is not None:
        moment = moment.replace(month=month, day=day)
        return (moment if moment <= end else moment.replace(year=moment.year - 1)).timestamp()
    return (moment if moment <= end else moment - timedelta(days=1)).timestamp()
