"""What a GPU does beside the rest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


class Aside:
    """Has a GPU do beside what follows whatever nothing that follows waits for: small networks leave most of it idle.

    What is read aside must be kept, and left as it is, until `join`. A CPU does one thing after the other.
    """

    def __init__(self, device: torch.device) -> None:
        self.is_any = device.type == "cuda"
        """Whether this device does anything aside."""
        self._streams: dict[str, torch.cuda.Stream] = {}

    @contextlib.contextmanager
    def __call__(self, kind: str) -> Iterator[None]:
        """Do what is within aside, after all that was asked for so far, and after what else is of its kind."""
        if not self.is_any:
            yield
            return
        if kind not in self._streams:
            self._streams[kind] = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream = self._streams[kind]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            yield

    def join(self, *kinds: str) -> None:
        """Have what follows wait for what was done aside since the last time."""
        for kind in kinds:
            if kind in self._streams:
                torch.cuda.current_stream().wait_stream(self._streams[kind])
