"""Pixels as characters, for terminals without colours: the brighter the pixels, the more ink."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style

from vae_tui.imaging.grid import Pixels

_RAMP = np.array([ord(character) for character in " .:-=+*#%@"])
_LUMA = np.array([0.299, 0.587, 0.114])


def to_ascii(pixels: Pixels) -> NDArray[np.int64]:
    """The cells for pixels (H, W, C), C 1 or 3: (H / 2 rounded up, W, 1) code points, one for two pixels.

    The pixels below an odd last row are black.
    """
    luminance = pixels @ _LUMA if pixels.shape[2] == 3 else pixels[..., 0].astype(float)
    if luminance.shape[0] % 2:
        luminance = np.concatenate([luminance, np.zeros_like(luminance[:1])])
    brightness = (luminance[0::2] + luminance[1::2]) / 2 / 255
    cells: NDArray[np.int64] = _RAMP[np.minimum((brightness * len(_RAMP)).astype(int), len(_RAMP) - 1)]
    return cells[..., None]


def render_ascii_row(cells: NDArray[np.int64]) -> list[Segment]:
    """The segment for a row of cells (W, 1)."""
    return [Segment("".join(map(chr, cells[:, 0].tolist())), Style.null())]


def render_ascii(pixels: Pixels) -> list[list[Segment]]:
    """Rows of segments for pixels (H, W, C), C 1 or 3: H / 2 rows, rounded up, of W cells."""
    return [render_ascii_row(row) for row in to_ascii(pixels)]
