"""How fast frames may follow each other on a line, so that none waits in it."""

from __future__ import annotations

from collections import deque

_SLACK = 0.1
"""Seconds a frame may wait on the line before the next one is held back."""
_LOST = 3.0
"""Seconds after which an acknowledgement is not expected any more."""
_MOST = 16
"""Frames under way, at most."""


class Pace:
    """Holds frames back while those before them are still on their way to the terminal.

    The terminal acknowledges each frame when it has come so far. The quickest acknowledgement tells how far away it is;
    what takes longer waited behind other frames. Where nothing was ever acknowledged nothing is held back.
    """

    def __init__(self) -> None:
        self._sent: deque[float] = deque()
        self._round_trip: float | None = None

    def know(self, round_trip: float) -> None:
        """Learn how long an answer takes; from then on frames are acknowledged."""
        self._round_trip = round_trip if self._round_trip is None else min(self._round_trip, round_trip)

    @property
    def wanted(self) -> bool:
        """Whether frames should ask for an acknowledgement."""
        return self._round_trip is not None

    def send(self, now: float) -> None:
        """A frame that asks for one is on its way."""
        self._sent.append(now)

    def acknowledge(self, now: float) -> None:
        """The oldest frame under way has come."""
        if self._sent:
            self.know(now - self._sent.popleft())

    def holds(self, now: float) -> bool:
        """Whether the next frame should wait."""
        if self._round_trip is None or not self._sent:
            return False
        if now - self._sent[0] > self._round_trip + _LOST:
            self._sent.clear()
            return False
        return len(self._sent) >= _MOST or now - self._sent[0] > self._round_trip + _SLACK
