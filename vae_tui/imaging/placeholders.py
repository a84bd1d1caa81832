"""Pictures of kitty's protocol that stand where characters of a text do, so that tmux may move them as it moves text.

Each cell is the placeholder U+10EEEE, and the first of a row has three combining characters: the row and the column of the
picture that it shows, and the first byte of the picture's number, whose last is the ink, as one of 256 colours
(https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders). Those that follow show what follows: tmux writes
a cell anew for every mark it has. Known to kitty from 0.28 on, and to Ghostty.
"""

from __future__ import annotations

from vae_tui.imaging.grid import Pixels
from vae_tui.imaging.kitty import delete_pictures, transmit_in_chunks
from vae_tui.imaging.tmux import pass_through

_PLACEHOLDER = "\U0010eeee"
_FIRST_INK, _INKS = 16, 240
"""The colours before are the user's sixteen, which tmux writes in another way."""
_COMBINING = (
    "0305 030D 030E 0310 0312 033D-033F 0346 034A-034C 0350-0352 0357 035B 0363-036F 0483-0487 0592-0595 0597-0599 "
    "059C-05A1 05A8 05A9 05AB 05AC 05AF 05C4 0610-0617 0657-065B 065D 065E 06D6-06DC 06DF-06E2 06E4 06E7 06E8 06EB 06EC "
    "0730 0732 0733 0735 0736 073A 073D 073F-0741 0743 0745 0747 0749 074A 07EB-07F1 07F3 0816-0819 081B-0823 0825-0827 "
    "0829-082D 0951 0953 0954 0F82 0F83 0F86 0F87 135D-135F 17DD 193A 1A17 1A75-1A7C 1B6B 1B6D-1B73 1CD0-1CD2 1CDA 1CDB "
    "1CE0 1DC0 1DC1 1DC3-1DC9 1DCB 1DCC 1DD1-1DE6 1DFE 20D0 20D1 20D4-20D7 20DB 20DC 20E1 20E7 20E9 20F0 2CEF-2CF1 "
    "2DE0-2DFF A66F A67C A67D A6F0 A6F1 A8E0-A8F1 AAB0 AAB2 AAB3 AAB7 AAB8 AABE AABF AAC1 FE20-FE26 10A0F 10A38 "
    "1D185-1D189 1D1AA-1D1AD 1D242-1D244"
)
"""The marks above letters of Unicode 6.0 that no letter is composed with."""


def _expand(ranges: str) -> list[str]:
    ends = ([int(end, 16) for end in one.split("-")] for one in ranges.split())
    return [chr(code) for pair in ends for code in range(pair[0], pair[-1] + 1)]


MARKS = _expand(_COMBINING)
"""What stands for 0, 1, ...: more rows and columns than any screen has."""


def number_picture(count: int) -> int:
    """A number for the picture `count`, such that its cells can name it by one colour and one mark; after 61,440 they come again."""
    return (count // _INKS % 256) << 24 | (_FIRST_INK + count % _INKS)


def transmit_placed(number: int, pixels: Pixels, *, rows: int, columns: int) -> str:
    """Send pixels (H, W, C), C 1 or 3, through tmux, to be seen where cells of rows x columns name picture `number`."""
    keys = f"a=T,U=1,i={number},c={columns},r={rows}"
    return "".join(map(pass_through, transmit_in_chunks(keys, pixels)))


def write_row(number: int, row: int, columns: int, ground: str) -> str:
    """The cells of a row of a picture at the cursor; `ground`, parameters of CSI m, is around what does not fill them."""
    first = f"{_PLACEHOLDER}{MARKS[row]}{MARKS[0]}{MARKS[number >> 24]}"
    return f"\x1b[38;5;{number & 0xFF};{ground}m{first}{_PLACEHOLDER * (columns - 1)}\x1b[m"


def delete_placed(numbers: list[int]) -> str:
    """Remove pictures from the terminals around tmux, and free what they take."""
    return pass_through(delete_pictures(numbers)) if numbers else ""
