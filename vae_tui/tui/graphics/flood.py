"""What comes faster than anyone types, cut down to what a screen can take in."""

from __future__ import annotations

import re

_PASTE_BEGINS, _PASTE_ENDS = b"\x1b[200~", b"\x1b[201~"
_MOST_AT_ONCE = 1024
"""Bytes: more than a handful of lines, or of moves of the mouse."""
_MOST_A_SECOND = 2000
_MOST_KEYS = 128
"""Keys at once, where nothing is typed into: what has more is no keys."""
_SEQUENCE = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|O.|.)?", re.DOTALL)
_MOST_PASTED = 4096
_PAUSE = 0.05
"""Seconds without a byte after which a flood is over."""
_LONGEST_PAUSE_IN_PASTE = 0.5
"""The same for what is pasted, whose end may have been lost."""
_LONGEST_PAUSE_OF_OPEN_PASTE = 2.0
_TAIL = 64


class Flood:
    """Lets through what people type, and of what comes faster only the beginning and the last key.

    A megabyte at a prompt, a file sent by mistake or a key that is stuck would keep a screen busy for minutes, and fill
    its memory. Of a bracketed paste the beginning is kept, whose end is always told. Times only go forward.
    """

    def __init__(self) -> None:
        self._allowance, self._counted_at = float(_MOST_AT_ONCE), 0.0
        self._last_at = 0.0
        self._tail = b""
        """The end of what was left out."""
        self._text = False
        """Whether there is something to type into."""
        self._carried = b""
        """What may be the beginning of a mark of a paste."""
        self._pasted: int | None = None
        """How much of a paste came already; None outside of one."""

    def feed(self, data: bytes, now: float, *, text: bool = True) -> bytes:
        """Take what was read; returns what is let through. Without a `text` to type into many keys at once are none."""
        passed, self._text = self.release(now), text
        self._last_at = now
        data, self._carried = self._carried + data, b""
        while data:
            mark = _PASTE_BEGINS if self._pasted is None else _PASTE_ENDS
            before, found, data = data.partition(mark)
            if not found:
                kept = _length_of_beginning(before, mark, least=2 if self._pasted is None else 1)
                before, self._carried = before[: len(before) - kept], before[len(before) - kept :]
            passed += self._limit(before, now)
            if found:
                passed += mark
                self._pasted = 0 if self._pasted is None else None
                self._tail = b""
        return passed

    def release(self, now: float) -> bytes:
        """What was held back until a pause."""
        pause = _PAUSE if self._pasted is None else _LONGEST_PAUSE_IN_PASTE
        if now - self._last_at < pause:
            return b""
        released, self._carried = self._carried, b""
        if self._pasted is not None:
            self._pasted = None
            return released.replace(b"\x1b", b"") + _PASTE_ENDS
        last, self._tail = self._tail, b""
        return _last_key(last) + released

    def next_release(self, now: float) -> float | None:
        """Seconds until `release` may have something."""
        if not self._tail and not self._carried and self._pasted is None:
            return None
        pause = _PAUSE if self._pasted is None else _LONGEST_PAUSE_IN_PASTE
        return max(0.0, self._last_at + pause - now)

    def _limit(self, data: bytes, now: float) -> bytes:
        if self._pasted is not None:
            kept = data[: max(0, _MOST_PASTED - self._pasted)]
            self._pasted += len(data)
            # A sequence in it would be taken for an answer that the paste's end belongs to.
            return kept.replace(b"\x1b", b"")
        self._allowance = min(_MOST_AT_ONCE, self._allowance + (now - self._counted_at) * _MOST_A_SECOND)
        self._counted_at = now
        no_keys = not self._text and (self._tail or len(_SEQUENCE.sub(b"", data)) > _MOST_KEYS)
        kept = b"" if no_keys else data[: int(self._allowance)]
        self._allowance -= len(kept)
        if len(kept) == len(data):
            self._tail = b""
            return kept
        # A sequence that is cut would be taken for keys.
        cut = kept.rfind(b"\x1b", -16)
        kept = kept if cut < 0 else kept[:cut]
        self._tail = (self._tail + data[len(kept) :])[-_TAIL:]
        return kept


def _length_of_beginning(data: bytes, mark: bytes, *, least: int) -> int:
    """How many bytes at the end may be the beginning of a mark, at least so many: a lone escape may be a key."""
    return next((length for length in range(len(mark) - 1, least - 1, -1) if data.endswith(mark[:length])), 0)


def _last_key(tail: bytes) -> bytes:
    """The last key or sequence of what was left out."""
    start = tail.rfind(b"\x1b")
    if start >= 0 and len(tail) - start <= 16 and not tail[start + 1 :].isalpha():
        return tail[start:]
    return tail[-1:] if tail[-1:].isascii() else b""


class OpenPaste:
    """Knows whether a paste is open in what was let through, and when its end is overdue: lost, or taken for another's."""

    def __init__(self) -> None:
        self._open, self._last_at, self._carried = False, 0.0, b""

    def feed(self, data: bytes, now: float) -> None:
        """Take what was let through."""
        if data:
            seen, self._last_at = self._carried + data, now
            began, ended = seen.rfind(_PASTE_BEGINS), seen.rfind(_PASTE_ENDS)
            if began != ended:
                self._open = began > ended
            self._carried = seen[-len(_PASTE_BEGINS) + 1 :]

    def release(self, now: float) -> bytes:
        """The end of a paste that is overdue."""
        if not self._open or now - self._last_at < _LONGEST_PAUSE_OF_OPEN_PASTE:
            return b""
        self._open = False
        return _PASTE_ENDS
