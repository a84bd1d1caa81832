"""The embedded set: 1,797 handwritten digits that come with scikit-learn."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from vae_tui.data.progress import Progress
from vae_tui.data.sets import PackedImages, StoredSets

_HIGHEST = 16
"""The digits' 8 x 8 pixels count the set bits in a 4 x 4 block of the scan."""


def read_digits(height: int, width: int, progress: Progress) -> StoredSets:
    """Read the digits, enlarged bicubically to `height` x `width`."""
    progress("reading digits", 0, None)
    images, targets = _read_table()
    small = np.rint(images * (255 / _HIGHEST)).astype(np.uint8)
    pixels = np.empty((len(small), 1, height, width), np.uint8)
    for index, digit in enumerate(small):
        # Pillow resizes bytes in whole numbers, so that every machine gets the same pixels.
        enlarged = Image.fromarray(digit).resize((width, height), Image.Resampling.BICUBIC)
        pixels[index, 0] = np.asarray(enlarged)
    progress("reading digits", len(small), len(small))
    labels = torch.from_numpy(targets.astype(np.int64))
    return StoredSets(PackedImages(torch.from_numpy(pixels), labels), class_names=tuple("0123456789"))


def _read_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The digits (N, 8, 8) and their classes (N,): what sklearn.datasets.load_digits reads, without its second of imports."""
    package = importlib.util.find_spec("sklearn")
    assert package is not None, "vae-tui depends on scikit-learn"
    assert package.submodule_search_locations is not None
    table = Path(package.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz"
    with gzip.open(table) as file:
        values = np.loadtxt(file, delimiter=",")
    return values[:, :-1].reshape(-1, 8, 8), values[:, -1]
