"""A walk without a terminal, on a decoder that stands in for the process and replies when it is told to."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from fake_decoder import RATES, FakeDecoder

from vae_tui.runs.layout import Run, weights_name
from vae_tui.walk.messages import Reply, Request
from vae_tui.walk.session import WalkSession
from vae_tui.walk.walk import Walk


class Walking:
    """A session and its decoders, of which the last is the present one."""

    def __init__(self, checkpoint: Path, follow: Run | None, *, beside: Path | None = None) -> None:
        self.decoders: list[FakeDecoder] = []
        self.inbox: list[tuple[int, Reply]] = []
        self.of_other: list[tuple[int, Reply]] = []
        self.other = FakeDecoder(lambda number, reply: self.of_other.append((number, reply)))
        second = None if beside is None else (beside, lambda: self.other)
        self.session = WalkSession(checkpoint, self._start, follow=follow, beside=second)

    def _start(self) -> FakeDecoder:
        self.decoders.append(FakeDecoder(lambda number, reply: self.inbox.append((number, reply))))
        return self.decoders[-1]

    @property
    def walk(self) -> Walk:
        return self.session.walk

    @property
    def z(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        return self.walk.z

    @property
    def notice(self) -> str:
        return "" if self.walk.notice is None else self.walk.notice.text

    def deliver(self) -> None:
        """Let every reply arrive, and those to what is sent because of them."""
        while self.inbox or self.of_other:
            if self.inbox:
                self.session.receive(*self.inbox.pop(0))
            else:
                self.session.receive_from_other(*self.of_other.pop(0))

    def sent(self, kind: type[Request[Any]] = Request) -> list[Any]:
        """What was sent to the present decoder since this was called last."""
        sent, self.decoders[-1].sent = self.decoders[-1].sent, []
        return [request for request in sent if isinstance(request, kind)]


def write_checkpoint(path: Path, *, latent_dim: int = 5) -> Path:
    """A checkpoint with nothing but its metadata."""
    metadata = {"recipe": {"model": {"latent_dim": latent_dim}}, "rate_per_dimension": list(RATES)}
    header = json.dumps({"__metadata__": {"vae_tui": json.dumps(metadata)}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


def write_at_step(checkpoint: Path, step: int) -> Path:
    """Write the weights of a checkpoint as those of another step beside it."""
    from vae_tui.model.checkpoint import encode_tensors, read_tensors

    tensors, metadata = read_tensors(checkpoint)
    path = checkpoint.with_name(weights_name(step))
    path.write_bytes(encode_tensors(tensors, {**metadata, "step": step}))
    return path
