"""What a terminal answers when it is asked what it can do, taken out of what is typed at it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

PATIENCE = 1.0
"""Seconds after which a terminal that says nothing is taken not to know the question."""
_LONGEST_WAIT = 10.0
"""Seconds after which not even a very late answer is expected."""
_GAP = 0.5
"""Seconds within which the rest of an answer follows its beginning, while answers are expected."""
_SHORT_GAP = 0.1
"""The same, when answers are late or none are expected."""
_LONG_GAP = 3.0
"""The same, once so much of an answer came that nobody can have typed it."""
_LONGEST = 4096
"""Bytes; what is longer is no answer."""
_LONGEST_CSI = 64
_LARGEST_SIZE = {4: 32_768, 6: 512}
"""Pixels of a text area and of a cell; what is larger is not believed."""


@dataclass(frozen=True)
class Answers:
    """What a terminal has answered so far; None where it did not."""

    complete: bool = False
    """Whether the last question was answered: terminals answer in order."""
    name: str = ""
    kitty: bool = False
    attributes: tuple[int, ...] = ()
    """Primary device attributes; 4 is sixel."""
    truecolor: bool = False
    cell: tuple[int, int] | None = None
    """Height and width of a cell in pixels."""
    text_area: tuple[int, int] | None = None
    """Height and width of the text area in pixels."""
    octants: bool | None = None
    """Whether what is written in octants stays there: tmux drops what its machine's C library does not know."""
    seconds: float | None = None
    """From the question to the last answer."""


class ReplyFilter:
    """Takes answers out of a terminal's input, however they are split, and lets keys, clicks and pastes through in order.

    Times are seconds of a clock that only goes forward. What may be the beginning of an answer is held back until it
    is known to be none, or until `release` finds that nothing followed it; so an Escape key gets through. What nobody
    asked for and no key sends, such as the colour of the ground, is dropped: its letters would be taken for keys.
    """

    def __init__(self) -> None:
        self.answers = Answers()
        self.acknowledged = 0
        """How often the terminal acknowledged that it has come so far (CSI 0 n)."""
        self._held = bytearray()
        self._held_since = 0.0
        self._skips = False
        """Whether a string that is too long goes on."""
        self._asked: float | None = None
        self._awaited = 0

    def ask(self, now: float) -> None:
        """Say that the questions are on their way."""
        self._asked = now
        self.answers = Answers()

    def await_acknowledgement(self) -> None:
        """Note that the terminal was asked to acknowledge when it has come so far."""
        self._awaited += 1

    def outstanding(self, now: float) -> bool:
        """Whether answers are still expected."""
        return self._asked is not None and not self.answers.complete and now - self._asked < PATIENCE

    def feed(self, data: bytes, now: float) -> bytes:
        """Take what was read; returns what is not of answers."""
        if not self._held and not self._skips and b"\x1b" not in data:
            return data
        passed = bytearray()
        for value in data:
            if self._skips:
                self._skip(value, now)
                continue
            if self._held and value == 0x1B and not self._ends_a_string():
                passed += self._held
                self._held.clear()
            if not self._held and value != 0x1B:
                passed.append(value)
                continue
            self._held.append(value)
            # Since its last byte: each that comes shows that the line is alive.
            self._held_since = now
            kind = _classify(self._held)
            if kind == "answer":
                self._take(bytes(self._held), now)
            if kind == "other":
                passed += self._held
            self._skips = kind == "overlong"
            if kind != "beginning":
                self._held.clear()
        if bytes(self._held) == b"\x1b" and not self._expects(now):
            passed += self._held
            self._held.clear()
        return bytes(passed)

    def release(self, now: float) -> bytes:
        """What was held back for so long that it is no answer."""
        if self._skips and now - self._held_since >= _GAP:
            self._skips = False
        if not self._held or now - self._held_since < self._gap(now):
            return b""
        passed = bytes(self._held)
        self._held.clear()
        return passed if passed in _TYPED else b""

    def next_release(self, now: float) -> float | None:
        """Seconds until `release` may have something."""
        return max(0.0, self._held_since + self._gap(now) - now) if self._held else None

    def _skip(self, value: int, now: float) -> None:
        """Drop a byte of a string that is too long, which its end or a pause ends."""
        if now - self._held_since >= _GAP or value in (0x07, 0x18, 0x1A, 0x5C):
            self._skips = False
        self._held_since = now

    def _ends_a_string(self) -> bool:
        """Whether an escape now can only be the first half of what ends a string."""
        return _STRING.match(self._held) is not None and not self._held.endswith(b"\x1b")

    def _expects(self, now: float) -> bool:
        """Whether an escape may be the beginning of an answer."""
        late = self._asked is not None and not self.answers.complete and now - self._asked < _LONGEST_WAIT
        return late or self.acknowledged < self._awaited

    def _gap(self, now: float) -> float:
        if bytes(self._held) not in _TYPED:
            return _LONG_GAP if _EXPECTED.match(self._held) else _GAP
        return _GAP if self.outstanding(now) or self.acknowledged < self._awaited else _SHORT_GAP

    def _take(self, answer: bytes, now: float) -> None:
        if answer == b"\x1b[0n":
            self.acknowledged += 1
            return
        self.answers = understand(self.answers, answer)
        if self.answers.complete and self.answers.seconds is None and self._asked is not None:
            self.answers = replace(self.answers, seconds=now - self._asked)


_TYPED = (b"\x1b", b"\x1b[", b"\x1b_", b"\x1bP", b"\x1b]", b"\x1b^", b"\x1bX")
"""Beginnings that are keys as well: escape, and with alt held."""
_STRING = re.compile(rb"\x1b[_P\]^X].")
"""Any string: of an application, a device, the operating system, for privacy or none."""
_EXPECTED = re.compile(rb"\x1b(_G|P>\||P[01][$+]r|\[\?|\[[468](;|\Z))")
"""What answers begin with."""
_ANSWER_STRING = re.compile(rb"\x1b(_G|P>\||P[01][$+]r)")
_CSI = re.compile(rb"\x1b\[[0-?]*[ -/]*(?P<final>[@-~])?\Z")
_KEY_CSI = re.compile(rb"\x1b\[(|<-?\d+;-?\d+;-?\d+[Mm]|[\d;:]*[~u^@ABCDEFHPQRSZIO]|\?[\d;]*\$y|48;[\d;:]*t|[@-~])\Z")
"""Keys, clicks, changes of focus and of the size, and the reports of modes that Textual asks for."""
_CSI_ANSWER = re.compile(rb"\x1b\[(\?[\d;]*[cS]|[468];\d+;\d+t|0n|\d+;2[01]R)\Z")
_OCTANT_COLUMN = 20
"""Farther to the right than F3 with any modifiers, which is sent as such a report of a cursor in the first row would be."""
OCTANT_QUERY = f"\x1b7\x1b[{_OCTANT_COLUMN}G\U0001cd01\x1b[6n\x1b[{_OCTANT_COLUMN}G \x1b8"
"""Writes an octant, asks where the cursor is then, and writes over it."""
_COLOR = re.compile(rb"48[:;]2[:;]{1,2}1[:;]2[:;]3(?!\d)")


def _classify(held: bytearray) -> str:
    """Whether bytes from an escape on are an "answer", a key or the like ("other"), the "beginning" of one of them, or
    "noise"; an "overlong" string is noise that goes on."""
    if bytes(held) in _TYPED:
        return "beginning"
    if _STRING.match(held):
        if held.endswith((b"\x1b\\", b"\x07")):
            return "answer" if _ANSWER_STRING.match(held) else "noise"
        return "beginning" if len(held) < _LONGEST else "overlong"
    if _CSI_ANSWER.match(held):
        return "answer"
    if not held.startswith(b"\x1b["):
        return "other"
    csi = _CSI.match(held)
    if csi is None or len(held) > _LONGEST_CSI:
        return "noise"
    if csi["final"] is None:
        return "beginning"
    return "other" if _KEY_CSI.match(held) else "noise"


def understand(answers: Answers, answer: bytes) -> Answers:
    """What is known with one more answer, a whole escape sequence."""
    body = answer[2:].removesuffix(b"\x07").removesuffix(b"\x1b\\")
    if answer.startswith(b"\x1b_G"):
        # Only "OK" to the question; what comes about pictures later is nothing new.
        return replace(answers, kitty=True) if body.endswith(b";OK") else answers
    if answer.startswith(b"\x1bP>|"):
        return replace(answers, name=body[2:].decode("utf-8", "replace"))
    if answer.startswith(b"\x1bP"):
        return replace(answers, truecolor=True) if body.startswith(b"1$r") and _COLOR.search(body) else answers
    if answer.endswith(b"c"):
        numbers = tuple(int(number) for number in body[1:-1].split(b";") if number)
        return replace(answers, attributes=numbers, complete=True)
    if answer.endswith(b"R"):
        return replace(answers, octants=int(body[:-1].split(b";")[1]) > _OCTANT_COLUMN)
    if answer.endswith(b"t"):
        kind, height, width = (int(number) for number in body[:-1].split(b";"))
        largest = _LARGEST_SIZE.get(kind, 0)
        size = (height, width) if 0 < height <= largest and 0 < width <= largest else None
        if kind == 6:
            return replace(answers, cell=size)
        if kind == 4:
            return replace(answers, text_area=size)
    return answers
