"""The kitty graphics protocol (https://sw.kovidgoyal.net/kitty/graphics-protocol/): own pixels, scaled by the terminal.

Pictures are named by numbers of ours and replaced or deleted by them, and placed at the cursor, which stays where it is.
Nothing is answered (q=2). Inside tmux, which moves text and nothing else, see `placeholders`.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable

import numpy as np

from vae_tui.imaging.grid import Pixels

_CHUNK = 4096


def transmit_picture(number: int, pixels: Pixels, *, rows: int, columns: int) -> str:
    """Send pixels (H, W, C), C 1 or 3, as picture `number` and show them at the cursor, over rows x columns cells.

    A picture of that number that was there before is replaced.
    """
    keys = f"a=T,i={number},p=1,c={columns},r={rows},C=1"
    return "".join(transmit_in_chunks(keys, pixels))


def transmit_in_chunks(keys: str, pixels: Pixels) -> list[str]:
    """The commands that send pixels (H, W, C), C 1 or 3, for what `keys` say is to become of them."""
    height, width, _ = pixels.shape
    wide = np.ascontiguousarray(np.broadcast_to(pixels, (height, width, 3)))
    payload = base64.standard_b64encode(zlib.compress(wide.tobytes(), 6)).decode("ascii")
    chunks = [payload[start : start + _CHUNK] for start in range(0, len(payload), _CHUNK)]
    sent = []
    for index, chunk in enumerate(chunks):
        more = f"q=2,m={int(index < len(chunks) - 1)}"
        sent.append(f"\x1b_G{f'{keys},f=24,o=z,s={width},v={height},{more}' if index == 0 else more};{chunk}\x1b\\")
    return sent


def place_picture(number: int, *, rows: int, columns: int) -> str:
    """Move a picture that was sent to the cursor, over rows x columns cells."""
    return f"\x1b_Ga=p,q=2,i={number},p=1,c={columns},r={rows},C=1\x1b\\"


def delete_pictures(numbers: Iterable[int]) -> str:
    """Remove pictures and free what they take."""
    return "".join(f"\x1b_Ga=d,d=I,q=2,i={number}\x1b\\" for number in numbers)
