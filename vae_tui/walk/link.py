"""The link from a walk to its decoder: numbers requests, hands each reply to who waits for it, drops the stale ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vae_tui.walk.decoder import Decoder
from vae_tui.walk.messages import (
    CheckpointOpened,
    Failed,
    OpenCheckpoint,
    Progressed,
    R,
    Reply,
    Request,
)
from vae_tui.walk.wire import STARTING


@dataclass(frozen=True)
class _Pending:
    """A request that was not replied to yet, and who takes its reply or the reason why there is none."""

    request: Request[Any]
    then: Callable[[Any], object]
    failed: Callable[[str], object]


class DecoderLink:
    """Starts a decoder by `start` for the first checkpoint to open, and again after `reset`.

    Until that is open, other requests wait here.
    """

    def __init__(self, start: Callable[[], Decoder]) -> None:
        self._start = start
        self._decoder: Decoder | None = None
        self._number = STARTING
        self._pending: dict[int, _Pending] = {}
        self._early: list[int] = []
        """Requests that wait for a checkpoint to be open."""
        self._progress: dict[int, str] = {}
        self._started_at = 0.0
        self.is_open = False

    @property
    def is_running(self) -> bool:
        """Whether there is a decoder."""
        return self._decoder is not None

    @property
    def waited_seconds(self) -> float:
        """How long ago the decoder was started."""
        return time.monotonic() - self._started_at

    def send(
        self,
        request: Request[R],
        then: Callable[[R], object],
        failed: Callable[[str], object],
        *,
        progress: str = "",
    ) -> None:
        """Send a request; `then` takes its reply, or `failed` why there is none. `progress` is what it does at first."""
        self._number += 1
        self._pending[self._number] = _Pending(request, then, failed)
        if progress:
            self._progress[self._number] = progress
        if self._decoder is None and isinstance(request, OpenCheckpoint):
            self._decoder, self._started_at = self._start(), time.monotonic()
        if self._decoder is not None and (self.is_open or isinstance(request, OpenCheckpoint)):
            self._decoder.send(self._number, request)
        else:
            self._early.append(self._number)

    def receive(self, number: int, reply: Reply) -> None:
        """Hand a reply to who waits for it; replies that nobody waits for any more are dropped."""
        if isinstance(reply, Progressed):
            if number in self._pending or number == STARTING:
                share = f" {reply.done / reply.total:.0%}" if reply.total else ""
                self._progress[number] = f"{reply.stage}{share}"
            return
        pending = self._pending.pop(number, None)
        self._progress.pop(number, None)
        if pending is None:
            return
        if pending.request.newest_only:
            # What waited before it was replaced by it, or has been replied to.
            self._forget(lambda other, request: other < number and type(request) is type(pending.request))
        if isinstance(reply, Failed):
            pending.failed(reply.message)
            return
        if isinstance(reply, CheckpointOpened):
            self._progress.pop(STARTING, None)
            self.is_open = True
            self._send_early()
        pending.then(reply)

    def _send_early(self) -> None:
        early, self._early = self._early, []
        for number in early:
            if number in self._pending and self._decoder is not None:
                self._decoder.send(number, self._pending[number].request)

    def is_waiting_for(self, kind: type[Request[Any]]) -> bool:
        """Whether a request of that kind was not replied to yet."""
        return any(isinstance(pending.request, kind) for pending in self._pending.values())

    def cancel(self, *kinds: type[Request[Any]]) -> None:
        """Wait no longer for replies to requests of these kinds."""
        self._forget(lambda _, request: isinstance(request, kinds))

    def _forget(self, unwanted: Callable[[int, Request[Any]], bool]) -> None:
        for number in [number for number, pending in self._pending.items() if unwanted(number, pending.request)]:
            del self._pending[number]
            self._progress.pop(number, None)

    def progress_of(self, *kinds: type[Request[Any]]) -> str:
        """What the decoder does for a request of these kinds, in words; empty where it does nothing."""
        for number, text in self._progress.items():
            opening = number == STARTING and OpenCheckpoint in kinds
            if opening or (number in self._pending and isinstance(self._pending[number].request, kinds)):
                return text
        return ""

    def reset(self) -> None:
        """Give up the decoder, which died; what it was sent is lost, what waits for a checkpoint is not."""
        self.close()
        self._decoder, self.is_open = None, False
        self._forget(lambda number, _: number not in self._early)
        self._progress.clear()

    def close(self) -> None:
        """End the decoder, where there is one, for good."""
        if self._decoder is not None:
            self._decoder.close()
