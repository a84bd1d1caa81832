"""The embedded set: 1,797 handwritten digits that come with scikit-learn."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from vae_tui.data.progress import Progress
from vae_tui.data.sets import Images, StoredSets

_HIGHEST = 16
"""The digits' 8 x 8 pixels count the set bits in a 4 x 4 block of the scan."""


def read_digits(height: int, width: int, progress: Progress) -> StoredSets:
    """Read the digits, enlarged bicubically to `height` x `width`."""
    progress("reading digits", 0, None)
    from sklearn.datasets import load_digits  # noqa: PLC0415  a second to import, and only this set needs it

    digits = load_digits()
    small = np.rint(digits.images * (255 / _HIGHEST)).astype(np.uint8)
    pixels = np.empty((len(small), 1, height, width), np.uint8)
    for index, digit in enumerate(small):
        # Pillow resizes bytes in whole numbers, so that every machine gets the same pixels.
        enlarged = Image.fromarray(digit).resize((width, height), Image.Resampling.BICUBIC)
        pixels[index, 0] = np.asarray(enlarged)
    progress("reading digits", len(small), len(small))
    labels = torch.from_numpy(digits.target.astype(np.int64))
    return StoredSets(Images(torch.from_numpy(pixels), labels), class_names=tuple("0123456789"))
