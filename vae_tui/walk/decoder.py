"""The decoder process of a walk: started here, and connected by its stdin and stdout."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from vae_tui.folders import open_scratch
from vae_tui.walk.messages import DecoderDied, Reply, Request
from vae_tui.walk.wire import STARTING, read_message, write_message

Receive = Callable[[int, Reply], object]
"""Takes each reply with the number of its request."""


class Decoder(Protocol):
    """Takes requests; its replies go to the `Receive` that it was made with."""

    def send(self, number: int, request: Request[Any]) -> None:
        """Send a request."""

    def close(self) -> None:
        """End it; it sends no more replies."""


class DecoderProcess:
    """Starts `python -m vae_tui.latent`, which imports torch, and talks to it over its stdin and stdout.

    Each reply reaches `receive`, in a thread of its own. A `DecoderDied` is the last one, unless the process was closed.
    The process ends when this one does.
    """

    def __init__(self, receive: Receive, *, data_root: Path | None = None) -> None:
        self._receive = receive
        self._closed = False
        self._log = open_scratch()
        command = [sys.executable, "-m", "vae_tui.latent"]
        if data_root is not None:
            command.append(str(data_root))
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
            env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ},
        )
        threading.Thread(target=self._read_replies, name="decoder", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def send(self, number: int, request: Request[Any]) -> None:
        """Send a request; one that cannot be sent is lost with the process, whose death is reported."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):
            write_message(self._process.stdin, number, request)

    def close(self) -> None:
        """End the process; nothing is received from it any more."""
        self._closed = True
        self._process.terminate()
        self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._log.close()

    def _read_replies(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            while (received := read_message(stream)) is not None:
                if not self._closed:
                    self._receive(*received)
        if not self._closed:
            self._process.wait()
            self._receive(STARTING, DecoderDied(self._last_line()))

    def _last_line(self) -> str:
        self._log.seek(0)
        lines = [line for line in self._log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1] if lines else f"it ended with exit status {self._process.returncode}"
