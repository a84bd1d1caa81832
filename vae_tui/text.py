"""What comes from outside, as text that can be shown, logged and written down.

Names of files, classes and runs, recipes, metadata, lines of logs, variables, arguments and words of libraries may hold
anything. Whatever a terminal, a line of text or a picture gets of them has gone through `printable`, and JSON through
`printable_json`. Bytes that are no UTF-8 are carried as Python does, by surrogateescape, so that files are still found.
"""

from __future__ import annotations

import codecs
import os
import re
import unicodedata
from pathlib import Path
from urllib.parse import unquote_to_bytes

PLAIN_SIGNS = str.maketrans(
    "─│┼╋╭╮╰╯┌┐└┘├┤┬┴━┃▸◆●○■▶→←↑↓−…·×±–╸✓✗",
    "-|++++++++++++++-|>@o.#>><^v-~-x~--+x",
)
"""Lines, arrows and marks of ours, for terminals and streams that know none."""

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Categories of characters that are no signs: controls, formats such as bidi marks, lone surrogates, line separators."""
_JOINERS = "\u200c\u200d"
"""They hide nothing between letters of scripts that need them, and in emoji."""
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs without ink."""
_URI = "file://"
_LONE = re.compile("[\ud800-\udfff]")
_SPELLED_BYTE = re.compile(r"\\udc([89a-f][0-9a-f])")
"""As repr spells a byte that was no UTF-8."""


def printable(text: str, *, lines: bool = False) -> str:
    r"""The text with everything in it that is no visible sign written out, as \x1b, \n or \u202e; with `lines` it may
    have several.

    A byte that was no UTF-8 is written as \xe9. What was made printable once stays as it is.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(
            character if _is_visible(text, index) or (lines and character == "\n") else _spell(character)
            for index, character in enumerate(text)
        )
    return _SPELLED_BYTE.sub(r"\\x\1", text)


def printable_json(text: str) -> str:
    """JSON whose strings write out what `printable` would; it means the same."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(
        character if character in "\n\r\t" or _is_visible(text, index) else _spell_json(character)
        for index, character in enumerate(text)
    )


def is_printable(text: str) -> bool:
    """Whether nothing in a text is hidden."""
    return printable(text) == text


def _is_visible(text: str, index: int) -> bool:
    character = text[index]
    if character in _BLANKS:
        return False
    if unicodedata.category(character) not in _HIDDEN:
        return True
    around = text[index - 1 : index] + text[index + 1 : index + 2]
    return character in _JOINERS and len(around) == 2 and not around.isascii() and around.isprintable()


def _spell(character: str) -> str:
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _spell_json(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def _spell_unknown(error: UnicodeError) -> tuple[str, int]:
    """What a stream writes in place of what its encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unknown = error.object[error.start : error.end]
    return "".join(chr(PLAIN_SIGNS.get(ord(sign), 0)).strip("\0") or _spell(sign) for sign in unknown), error.end


SPELLED = "vae-tui-spelled"
"""An error handler of streams: what their encoding lacks is written out."""
codecs.register_error(SPELLED, _spell_unknown)


def path_as_text(path: str) -> str:
    """A path as TOML can hold it: as it is, or where its bytes are no UTF-8 as a URI, file:///photos/caf%E9."""
    if _LONE.search(path) is None:
        return path
    return Path(os.path.abspath(os.path.expanduser(path))).as_uri()  # noqa: PTH100, PTH111 - they never raise


def text_as_path(text: str) -> str:
    """The path that `path_as_text` wrote, as Python names files."""
    if not text.startswith(_URI + "/"):
        return text
    return os.fsdecode(unquote_to_bytes(text.removeprefix(_URI)))
