"""Sixel: pictures as printable characters, six rows of pixels a line (DEC VT330/VT340 Graphics Programming, 1987)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vae_tui.imaging.grid import Pixels

REGISTERS = 256
USE_REGISTERS = "\x1b[?1;3;256S"
"""Asks xterm for so many colour registers; a VT340 had 16. It answers with a CSI sequence of its own."""
_MOST_AT_ONCE = 1 << 23
"""Entries of the array of bits made at a time."""


def whole_bands(height: int) -> int:
    """How many of so many rows of pixels are lines of six; all where there is no such line."""
    return height - height % 6 if height >= 6 else height


def encode_sixel(pixels: Pixels) -> str:
    """The sixel sequence for pixels (H, W, C), C 1 or 3, drawn from the cursor to the right and down.

    Grey pictures keep their greys, and pictures of at most 256 colours their colours, as far as sixel can express them: a
    channel is a percentage. Others get 256 colours chosen for them. Below the last row nothing is drawn.
    """
    height, width, _ = pixels.shape
    indices, palette = _choose_colors(pixels)
    percents = ((palette.astype(int) * 100 + 127) // 255).tolist()
    registers = "".join(f"#{number};2;{r};{g};{b}" for number, (r, g, b) in enumerate(percents))
    bands = -(-height // 6)
    padded = np.full((bands * 6, width), -1)
    padded[:height] = indices
    at_once = max(1, _MOST_AT_ONCE // (len(palette) * width))
    lines: list[str] = []
    for first in range(0, bands, at_once):
        lines += _encode_bands(padded[first * 6 : (first + at_once) * 6].reshape(-1, 6, width), len(palette))
    return f'\x1bP0;1;0q"1;1;{width};{height}{registers}{"-".join(lines)}\x1b\\'


def _choose_colors(pixels: Pixels) -> tuple[NDArray[np.int64], Pixels]:
    """The register of each pixel (H, W), and the colours (N, 3) of the registers."""
    if pixels.shape[2] == 1 or (pixels == pixels[..., :1]).all():
        # Levels that are the same percentage are one colour.
        percents = (pixels[..., 0].astype(int) * 100 + 127) // 255
        levels, indices = np.unique(percents, return_inverse=True)
        return indices.reshape(percents.shape), ((levels * 255 + 50) // 100).astype(np.uint8)[:, None].repeat(3, axis=1)
    wide = pixels.astype(np.int64)
    packed = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    colors, indices = np.unique(packed, return_inverse=True)
    if len(colors) > REGISTERS:
        chosen = Image.fromarray(pixels).quantize(REGISTERS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        palette = np.asarray(chosen.getpalette(), np.uint8).reshape(-1, 3)
        return np.asarray(chosen).astype(np.int64), palette
    palette = np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=1).astype(np.uint8)
    return indices.reshape(packed.shape), palette


def _encode_bands(bands: NDArray[np.int64], registers: int) -> list[str]:
    """A line of text for each band (N, 6, W) of register numbers, -1 where nothing is drawn."""
    count, _, width = bands.shape
    bits = np.zeros((count, registers, width), np.uint8)
    for row in range(6):
        at_band, at_column = np.nonzero(bands[:, row] >= 0)
        bits[at_band, bands[at_band, row, at_column], at_column] |= 1 << row
    used_band, used_register = np.nonzero(bits.any(axis=2))
    lines = bits[used_band, used_register]
    texts = _encode_runs(lines)
    encoded: list[list[str]] = [[] for _ in range(count)]
    for band, register, text in zip(used_band.tolist(), used_register.tolist(), texts, strict=True):
        encoded[band].append(f"#{register}{text}")
    return ["$".join(line) for line in encoded]


def _encode_runs(lines: NDArray[np.uint8]) -> list[str]:
    """Lines of bits (N, W) as characters, those that repeat as a count; what is empty at the end is left out."""
    count, width = lines.shape
    starts = np.ones((count, width), bool)
    starts[:, 1:] = lines[:, 1:] != lines[:, :-1]
    at_line, at_column = np.nonzero(starts)
    ends = np.append(at_column[1:], width)
    ends[ends == 0] = width
    values = lines[at_line, at_column]
    kept = (values != 0) | (ends != width)
    texts: list[list[str]] = [[] for _ in range(count)]
    runs = zip(at_line[kept].tolist(), (ends - at_column)[kept].tolist(), (values[kept] + 63).tolist(), strict=True)
    for line, length, code in runs:
        character = chr(code)
        texts[line].append(character * length if length < 4 else f"!{length}{character}")
    return ["".join(text) for text in texts]
