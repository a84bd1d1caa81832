"""Whether other programs take the processor from a run that is under way."""

from __future__ import annotations

from collections import deque
from statistics import fmean

_READINGS = 10
_SLOWER = 0.75
_LEAST_TAKEN = 0.5


class Contention:
    """Watches once a second how busy others are and how fast training is, and notes when that changed for long."""

    def __init__(self, cores: int, threads: int) -> None:
        """`threads` of a machine with so many cores are ours; the rest others may have."""
        self._cores = cores
        self._spare = cores - threads
        self._taken: deque[float] = deque(maxlen=_READINGS)
        self._speeds: deque[float] = deque(maxlen=_READINGS)
        self._quiet_speed = 0.0
        """The fastest ten seconds without others in the way."""
        self._crowded = False

    def look(self, taken: float, images_per_second: float) -> str | None:
        """A sentence where it got crowded, or quiet again; `taken` counts the cores that others keep busy."""
        self._taken.append(taken)
        self._speeds.append(images_per_second)
        if len(self._taken) < _READINGS:
            return None
        speed = fmean(self._speeds)
        in_the_way = [each - self._spare > _LEAST_TAKEN for each in self._taken]
        if not any(in_the_way):
            self._quiet_speed = max(self._quiet_speed, speed)
        if not self._crowded and all(in_the_way) and speed < _SLOWER * self._quiet_speed:
            self._crowded = True
            return (
                f"other programs keep {fmean(self._taken):.1f} of {self._cores} cores busy: {speed:,.0f} images/s, "
                f"{self._quiet_speed:,.0f} without them"
            )
        if self._crowded and not any(in_the_way):
            self._crowded = False
            return f"other programs have left the cores: {speed:,.0f} images/s again"
        return None
