"""Where the time of training goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from time import perf_counter
from typing import Literal

Part = Literal["data", "gradients", "update", "wait", "validation", "rest"]
"""`wait`: what reading figures takes, for which a GPU must have caught up."""


class Stopwatch:
    """Adds up what each part of training takes, in the process that looks at it; a lap takes some 0.1 us.

    A GPU works on while the process goes ahead. So of steps that are `whole` gradients and update are known together, as
    `step`, and what the process waits for the device is of the step as well.
    """

    __slots__ = ("_names", "_seconds", "_since")

    def __init__(self, *, whole: bool = False) -> None:
        together = dict.fromkeys(("gradients", "update", "wait"), "step")
        self._names: Mapping[str, str] = together if whole else {"wait": "rest"}
        self._seconds = defaultdict[str, float](float)
        self._since = perf_counter()

    def lap(self, part: Part) -> None:
        """What passed since the last lap was of that part."""
        now = perf_counter()
        self._seconds[part] += now - self._since
        self._since = now

    def leave_out(self) -> None:
        """What passed since the last lap was no training, as a pause is none."""
        self._since = perf_counter()

    def take(self, steps: int) -> Mapping[str, float | None]:
        """Seconds a step of each part, over so many steps since the last call."""
        taken: dict[str, float | None] = {}
        for part, seconds in self._seconds.items():
            name = self._names.get(part, part)
            taken[name] = round((taken.get(name) or 0.0) + seconds / max(1, steps), 7)
        self._seconds.clear()
        return taken
