"""How fast frames may follow each other on a line, so that none waits in it."""

from __future__ import annotations

from collections import deque

_SLACK = 0.1
"""Seconds a frame may wait on the line before the next one is held back."""
_LOST = 3.0
"""Seconds after which an acknowledgement is not expected any more, were the line quick."""
_SLOWEST = 400.0
"""Bytes a second of a line that is slow, but not dead."""
_MOST = 16
"""Frames under way, at most."""


class Pace:
    """Holds frames back while those before them are still on their way to the terminal.

    The terminal acknowledges each frame when it has come so far. The quickest acknowledgement tells how far away it is;
    what takes longer waited behind other frames, and tells how many bytes a second the line takes. Where nothing was
    ever acknowledged nothing is held back.
    """

    def __init__(self) -> None:
        self._sent: deque[tuple[float, int]] = deque()
        """When each frame under way was sent, and how many bytes were then under way with it."""
        self._under_way: deque[int] = deque()
        self._round_trip: float | None = None
        self._rate: float | None = None

    def restart(self) -> None:
        """Expect nothing any more of what is under way."""
        self._sent.clear()
        self._under_way.clear()

    def learn(self, round_trip: float) -> None:
        """Learn how long an answer takes; from then on frames are acknowledged."""
        self._round_trip = round_trip if self._round_trip is None else min(self._round_trip, round_trip)

    @property
    def wanted(self) -> bool:
        """Whether frames should ask for an acknowledgement."""
        return self._round_trip is not None

    def send(self, now: float, size: int) -> None:
        """A frame of so many bytes, which asks for one, is on its way."""
        self._under_way.append(size)
        self._sent.append((now, sum(self._under_way)))

    def acknowledge(self, now: float) -> None:
        """The oldest frame under way has come."""
        if not self._sent:
            return
        sent, size = self._sent.popleft()
        self._under_way.popleft()
        self.learn(now - sent)
        assert self._round_trip is not None
        late = now - sent - self._round_trip
        rate = size / max(late, 1e-3)
        # What came in time says that the line takes at least so much.
        self._rate = rate if self._rate is None or late > _SLACK else max(self._rate, rate)

    def holds(self, now: float) -> bool:
        """Whether the next frame should wait."""
        if self._round_trip is None or not self._sent:
            return False
        sent, size = self._sent[0]
        if now - sent > self._round_trip + _LOST + size / _SLOWEST:
            self.restart()
            return False
        crowded = self._rate is not None and sum(self._under_way) / self._rate > _SLACK
        return crowded or len(self._sent) >= _MOST or now - sent > self._round_trip + _SLACK
