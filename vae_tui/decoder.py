"""The decoder process of a walk, seen from the screen: started here, asked by number, heard in a thread."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from vae_tui.exchange import Message, read_message, write_message


class Decoder:
    """Starts `python -m vae_tui.latent`, which imports torch, and talks to it over its stdin and stdout.

    Each answer reaches `hear`, in a thread of its own; a message of the kind `died`, with the process's last words in
    the fact `message`, is the last one unless the process was closed. The process ends when this one does.
    """

    def __init__(self, hear: Callable[[Message], object], *, data_root: Path | None = None) -> None:
        self._hear = hear
        self._closed = False
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 it lives as long as the process
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
        threading.Thread(target=self._listen, name="decoder", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def ask(
        self, kind: str, facts: Mapping[str, Any] | None = None, arrays: Mapping[str, NDArray[Any]] | None = None
    ) -> None:
        """Send a request; one that cannot be sent is lost with the process, whose death is heard of."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):
            write_message(self._process.stdin, Message(kind, facts or {}, arrays or {}))

    def close(self) -> None:
        """End the process; nothing is heard from it any more."""
        self._closed = True
        self._process.terminate()
        self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._log.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            while (message := read_message(stream)) is not None:
                if not self._closed:
                    self._hear(message)
        if not self._closed:
            self._process.wait()
            self._hear(Message("died", {"message": self._last_words()}))

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = [line for line in self._log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1] if lines else f"it ended with exit status {self._process.returncode}"
