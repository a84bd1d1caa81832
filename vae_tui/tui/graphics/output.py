"""The thread that writes to the terminal, so that nothing else waits for a slow one."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable

_BYTES_AT_ONCE = 1024
_SECONDS_OF_STANDSTILL = 5.0


class Output(threading.Thread):
    """Writes what it is given, in order, and calls `on_written` when a frame is written."""

    def __init__(self, fileno: int, on_written: Callable[[], None], *, encoding: str = "utf-8") -> None:
        super().__init__(daemon=True, name="vae-tui-output")
        self._fileno, self._on_written, self._encoding = fileno, on_written, encoding
        self._waiting: list[bytes] = []
        self._changed = threading.Condition()
        self._ended = False
        self._written = 0
        self.frame_waits = False
        """Whether a frame is not written yet."""

    def put(self, text: str, *, is_frame: bool = False) -> None:
        """Write this after all that was put before it."""
        with self._changed:
            self._waiting.append(text.encode(self._encoding, "replace"))
            self.frame_waits |= is_frame
            self._changed.notify()

    def stop(self) -> None:
        """Write what is left and end; a terminal that takes nothing any more is not waited for."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        written = -1
        while self.is_alive() and self._written != written:
            written = self._written
            self.join(_SECONDS_OF_STANDSTILL)

    def _write(self, data: memoryview) -> None:
        while data:
            try:
                count = os.write(self._fileno, data[:_BYTES_AT_ONCE])
                self._written += count
                data = data[count:]
            except BlockingIOError:
                # Another program left the terminal so.
                select.select([], [self._fileno], [])

    def run(self) -> None:
        """Write until it is stopped."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if not self._waiting:
                    return
                data = memoryview(b"".join(self._waiting))
                self._waiting.clear()
            # Where nobody is there any more the input thread notices it.
            with contextlib.suppress(OSError):
                self._write(data)
            with self._changed:
                self.frame_waits = False if not self._waiting else self.frame_waits
            self._on_written()
