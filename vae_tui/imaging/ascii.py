"""Pixels as characters, for terminals without colours: the brighter the pixels, the more ink."""

from __future__ import annotations

import numpy as np
from rich.segment import Segment
from rich.style import Style

from vae_tui.imaging.grid import Pixels

_RAMP = np.array(list(" .:-=+*#%@"))
_LUMA = np.array([0.299, 0.587, 0.114])


def render_ascii(pixels: Pixels) -> list[list[Segment]]:
    """Rows of segments for pixels (H, W, C), C 1 or 3: a character for two pixels, one above the other.

    There are H / 2 rows, rounded up; the pixels below an odd last row are black.
    """
    luminance = pixels @ _LUMA if pixels.shape[2] == 3 else pixels[..., 0].astype(float)
    if luminance.shape[0] % 2:
        luminance = np.concatenate([luminance, np.zeros_like(luminance[:1])])
    brightness = (luminance[0::2] + luminance[1::2]) / 2 / 255
    characters = _RAMP[np.minimum((brightness * len(_RAMP)).astype(int), len(_RAMP) - 1)]
    return [[Segment("".join(row), Style.null())] for row in characters]
