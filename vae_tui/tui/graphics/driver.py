"""A real terminal: asked what it can do as the program starts, written to in whole frames, none of them queued."""

from __future__ import annotations

import asyncio
import contextlib
import os
import selectors
import signal
import sys
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

from textual import message
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.messages import InBandWindowResize

from vae_tui.imaging.replies import PATIENCE, Answers, ReplyFilter
from vae_tui.imaging.terminal import ask_terminal, detect_encoding, read_window
from vae_tui.tui.graphics.flood import Flood, OpenPaste
from vae_tui.tui.graphics.frame import ShownCells
from vae_tui.tui.graphics.output import Output
from vae_tui.tui.graphics.pace import Pace

_LEAVING = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGABRT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
"""Signals that would end the process with the terminal as a screen needs it."""
ACKNOWLEDGE = "\x1b[5n"
"""Asks the terminal to acknowledge that it has come so far."""
_SYNC_START, _SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
"""What is written between them the terminal shows at once; Textual writes them too."""


class TerminalAnswered(message.Message):
    """The terminal answered what it can do."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self.answers = answers


class LineLost(message.Message):
    """There is no terminal any more."""


class LineFree(message.Message):
    """A frame can be sent again, after `PictureDriver.busy` was true."""


class LineOwner(Protocol):
    """The app that a driver serves."""

    line: PictureDriver | None

    @property
    def takes_text(self) -> bool:
        """Whether there is something to type into."""

    def leave(self) -> None:
        """End as where the user leaves, whatever is on the screen; what was started goes on."""

    def cleanup_sequence(self) -> str:
        """What to write to a terminal before it is given back."""


class PictureDriver(LinuxDriver):
    """Textual's driver with a way to ask, to send frames in one write each, and to know when the line is free."""

    def __init__(self, app: App[Any], **given: Any) -> None:
        super().__init__(app, **given)
        self._picture_app, self._event_loop = app, asyncio.get_running_loop()
        self._owner = cast(LineOwner, app)
        self._owner.line = self
        self._output: Output | None = None
        self._frame: list[str] | None = None
        self._frame_thread = 0
        """Which thread puts a frame together: what others write is no part of it."""
        self._parser = XTermParser()
        self._replies, self._flood, self._paste = ReplyFilter(), Flood(), OpenPaste()
        self._pace = Pace()
        self.shown = ShownCells()
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
        fileno = sys.__stderr__.fileno() if sys.__stderr__ is not None else 2
        self._output = Output(fileno, self._free, encoding=detect_encoding(os.environ))
        self._output.start()
        for number in _LEAVING:
            # What nohup has ignored stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._event_loop.add_signal_handler(number, self._owner.leave)
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
        self.write(self._owner.cleanup_sequence())
        super().stop_application_mode()

    def close(self) -> None:
        """End the threads."""
        super().close()
        if self._output is not None:
            self._output.stop()
            self._output = None

    def write(self, data: str) -> None:
        """Write now, or with the frame that is being put together."""
        if self._frame is not None and threading.get_ident() == self._frame_thread:
            self._frame.append(data)
        elif self._output is not None:
            self._output.put(data)

    @contextlib.contextmanager
    def frame(self) -> Iterator[list[str]]:
        """All that is written within goes out in one write, which the terminal shows at once.

        What was written so far is in the list; it is not sent if the list is cleared.
        """
        parts: list[str] = []
        self._frame, self._frame_thread = parts, threading.get_ident()
        try:
            yield parts
        finally:
            self._frame = None
            content = "".join(part for part in parts if part not in (_SYNC_START, _SYNC_END))
            if content and self._output is not None:
                whole = f"{_SYNC_START}{content}{_SYNC_END}"
                self._output.put(
                    whole + self._request_acknowledgement(len(whole.encode(errors="replace"))), is_frame=True
                )

    @property
    def busy(self) -> bool:
        """Whether a frame is not written yet, or still on its way; if so `LineFree` is sent once it is there."""
        with self._lock:
            writing = self._output is not None and self._output.frame_waits
            held = writing or self._pace.holds(time.monotonic())
            self._someone_waits |= held
            return held

    def _request_acknowledgement(self, size: int) -> str:
        with self._lock:
            if not self._pace.wanted:
                return ""
            self._pace.send(time.monotonic(), size)
            self._replies.await_acknowledgement()
            return ACKNOWLEDGE

    def _free(self) -> None:
        """Let the app know that the line is free, if it waits for it and it is."""
        with self._lock:
            if not self._someone_waits or self._pace.holds(time.monotonic()):
                return
            if self._output is not None and self._output.frame_waits:
                return
            self._someone_waits = False
        self._post(LineFree())

    def _post(self, posted: message.Message) -> None:
        """Give the app a message, from any thread."""
        # Not send_message: its coroutine is never awaited where the app's loop has ended.
        if self._event_loop.is_running():
            posted.set_sender(self._picture_app)
            with contextlib.suppress(RuntimeError):  # closed just now
                self._event_loop.call_soon_threadsafe(self._picture_app.post_message, posted)

    def run_input_thread(self) -> None:
        """Read what is typed, and take out of it what the terminal answers."""
        self._flood = Flood()
        decode = getincrementaldecoder(detect_encoding(os.environ))("replace").decode
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                now = time.monotonic()
                waits = (self._replies.next_release(now), self._flood.next_release(now), 0.1)
                data = b""
                if selector.select(min(wait for wait in waits if wait is not None)):
                    data = self._read()
                    if not data:
                        if self.input_tty:
                            self._post(LineLost())
                            return
                        # As when stdin is piped; without the pause it would be read at full speed.
                        time.sleep(0.1)
                self._take_input(decode, data)

    def _read(self) -> bytes:
        """What was typed; nothing at the end of the line."""
        try:
            return os.read(self.fileno, 65536)
        except OSError:
            return b""

    def _take_input(self, decode: Callable[[bytes], str], data: bytes) -> None:
        now = time.monotonic()
        data = self._flood.feed(data, now, text=self._owner.takes_text) if data else self._flood.release(now)
        known, acknowledged = self._replies.answers, self._replies.acknowledged
        with self._lock:
            typed = self._paste.release(now) + self._replies.release(now) + self._replies.feed(data, now)
        self._paste.feed(typed, now)
        self._parse(decode(typed))
        answers = self._replies.answers
        if answers != known:
            if answers.complete and answers.seconds is not None:
                with self._lock:
                    self._pace.learn(answers.seconds)
                self._answered.set()
            self._post(TerminalAnswered(answers))
        with self._lock:
            for _ in range(self._replies.acknowledged - acknowledged):
                self._pace.acknowledge(now)
        self._free()

    def _parse(self, text: str) -> None:
        """Make keys and clicks of a text; where Textual cannot, such as of a click at infinity, they are lost."""
        try:
            if text:
                for event in self._parser.feed(text):
                    self.process_message(event)
            for event in self._parser.tick():
                self.process_message(event)
        except Exception:  # it takes what a terminal sends for well-formed
            self._parser = XTermParser()

    def process_message(self, message: message.Message) -> None:
        """Pass on what was typed, but no size: the kernel knows it, and says so by a signal."""
        if not isinstance(message, InBandWindowResize | Resize):
            super().process_message(message)
        self._parser.mouse_pixels = False
