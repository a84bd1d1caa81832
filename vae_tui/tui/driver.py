"""A real terminal: asked what it can do as the program starts, written to in whole frames, none of them queued."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import selectors
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from textual import message
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from vae_tui.imaging.replies import PATIENCE, Answers, ReplyFilter
from vae_tui.imaging.terminal import ask_terminal, read_window
from vae_tui.tui.frame import Shown
from vae_tui.tui.pace import Pace

if TYPE_CHECKING:
    from vae_tui.tui.picturing import PictureApp

ACKNOWLEDGE = "\x1b[5n"
"""Asks the terminal to say that it has come so far."""


class TerminalAnswered(message.Message):
    """The terminal said what it can do."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self.answers = answers


class LineFree(message.Message):
    """A frame can be sent again, after `PictureDriver.busy` said that none could."""


class PictureDriver(LinuxDriver):
    """Textual's driver with a way to ask, to send frames in one write each, and to know when the line is free."""

    _app: PictureApp[Any]

    def __init__(self, app: Any, **given: Any) -> None:
        super().__init__(app, **given)
        self._output: _Output | None = None
        self._frame: list[str] | None = None
        self._replies = ReplyFilter()
        self._pace = Pace()
        self.shown = Shown()
        """What the terminal shows."""
        self._lock = threading.Lock()
        self._someone_waits = False
        self._asked = False
        self._answered = threading.Event()

    @property
    def window(self) -> tuple[int, int, int, int]:
        """Rows, columns, height and width in pixels, as the kernel knows them; 0 where it does not."""
        return read_window(self.fileno)

    def start_application_mode(self) -> None:
        """Start as Textual does, and ask the terminal at the end: its last answer is then the last to come."""
        self._output = _Output(self._file.fileno() if self._file is not None else 2, self._free)
        self._output.start()
        self._pace.restart()
        self.shown.forget()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self.input_tty and not self._asked and (question := ask_terminal(os.environ)):
            self._asked = True
            self._replies.ask(time.monotonic())
            self.write(question)

    def stop_application_mode(self) -> None:
        """Stop as Textual does, but not while answers are under way: they would be typed into the shell."""
        if self._replies.outstanding(time.monotonic()):
            self._answered.wait(PATIENCE)
        self.write(self._app.say_farewell())
        super().stop_application_mode()

    def close(self) -> None:
        """End the threads."""
        super().close()
        if self._output is not None:
            self._output.stop()
            self._output = None

    def write(self, data: str) -> None:
        """Write now, or with the frame that is being put together."""
        if self._frame is not None:
            self._frame.append(data)
        elif self._output is not None:
            self._output.put(data)

    @contextlib.contextmanager
    def frame(self) -> Iterator[None]:
        """All that is written within goes out in one write, which the terminal shows at once."""
        self._frame = []
        try:
            yield
        finally:
            parts, self._frame = self._frame, None
            content = "".join(part for part in parts if part not in (SYNC_START, SYNC_END))
            if content and self._output is not None:
                whole = f"{SYNC_START}{content}{SYNC_END}"
                self._output.put(whole + self._ask_for_acknowledgement(len(whole.encode())), is_frame=True)

    @property
    def busy(self) -> bool:
        """Whether a frame is not written yet, or still on its way; if so `LineFree` is sent once it is there."""
        with self._lock:
            writing = self._output is not None and self._output.frame_waits
            held = writing or self._pace.holds(time.monotonic())
            self._someone_waits |= held
            return held

    def _ask_for_acknowledgement(self, size: int) -> str:
        with self._lock:
            if not self._pace.wanted:
                return ""
            self._pace.send(time.monotonic(), size)
            self._replies.await_acknowledgement()
            return ACKNOWLEDGE

    def _free(self) -> None:
        """Tell the app that the line is free, if it waits for it and it is."""
        with self._lock:
            if not self._someone_waits or self._pace.holds(time.monotonic()):
                return
            if self._output is not None and self._output.frame_waits:
                return
            self._someone_waits = False
        self._tell(LineFree())

    def _tell(self, said: message.Message) -> None:
        # Not send_message: its coroutine is never awaited where the app's loop has ended.
        if self._loop.is_running():
            said.set_sender(self._app)
            asyncio.run_coroutine_threadsafe(self._app._post_message(said), self._loop)

    def run_input_thread(self) -> None:
        """Read what is typed, and take out of it what the terminal answers."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        selector = selectors.DefaultSelector()
        selector.register(self.fileno, selectors.EVENT_READ)
        try:
            while not self.exit_event.is_set():
                now = time.monotonic()
                wait = self._replies.next_release(now)
                data = b""
                if selector.select(0.1 if wait is None else min(wait, 0.1)):
                    data = os.read(self.fileno, 4096)
                    if not data:
                        # As when stdin is piped; without the pause it would be read at full speed.
                        time.sleep(0.1)
                self._hear(parser, decode, data)
        finally:
            selector.close()
            try:
                for _ in parser.feed(""):
                    pass
            except (EOFError, ParseError):
                pass

    def _hear(self, parser: XTermParser, decode: Callable[[bytes], str], data: bytes) -> None:
        now = time.monotonic()
        known, acknowledged = self._replies.answers, self._replies.acknowledged
        with self._lock:
            typed = self._replies.release(now) + self._replies.feed(data, now)
        if text := decode(typed):
            for event in parser.feed(text):
                self.process_message(event)
        for event in parser.tick():
            self.process_message(event)
        answers = self._replies.answers
        if answers != known:
            if answers.complete and answers.seconds is not None:
                with self._lock:
                    self._pace.know(answers.seconds)
                self._answered.set()
            self._tell(TerminalAnswered(answers))
        with self._lock:
            for _ in range(self._replies.acknowledged - acknowledged):
                self._pace.acknowledge(now)
        self._free()


_BYTES_AT_ONCE = 1024
_SECONDS_OF_STANDSTILL = 5.0


class _Output(threading.Thread):
    """Writes what it is given, in order, and says when a frame is written."""

    def __init__(self, fileno: int, on_written: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="vae-tui-output")
        self._fileno, self._on_written = fileno, on_written
        self._waiting: list[bytes] = []
        self._changed = threading.Condition()
        self._ended = False
        self._written = 0
        self.frame_waits = False

    def put(self, text: str, *, is_frame: bool = False) -> None:
        with self._changed:
            self._waiting.append(text.encode("utf-8", "replace"))
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
