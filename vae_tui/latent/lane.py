"""Requests that wait for a thread of the decoder process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from vae_tui.walk.messages import Request

Numbered = tuple[int, Request[Any]]


class Lane:
    """Requests that wait, the oldest first; where only the newest of a kind counts, it takes the place of the last."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[object, Numbered] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, number: int, request: Request[Any]) -> None:
        """Let a request wait, last in the row."""
        key = type(request) if request.newest_only else number
        with self._changed:
            self._waiting.pop(key, None)
            self._waiting[key] = number, request
            self._changed.notify()

    def close(self) -> None:
        """Forget what waits, and take no more."""
        with self._changed:
            self._waiting.clear()
            self._closed = True
            self._changed.notify()

    def take(self) -> Numbered | None:
        """Wait for the next request and its number; None once the lane is closed."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return None if self._closed else self._waiting.popitem(last=False)[1]
