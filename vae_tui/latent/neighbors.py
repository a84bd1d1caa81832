"""The images of a set that are nearest to one image."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data import AnyPixels, in_slices
from vae_tui.imaging.grid import Pixels

_VALUES_AT_ONCE = 1 << 22


def find_neighbors(
    image: Pixels, pixels: AnyPixels, count: int, channels: list[int] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The `count` images of `pixels` (N, C, H, W) nearest to `image` (H, W, C), both uint8: indexes and distances.

    Where only some `channels` of the images are shown, the image has those alone.

    The distance is the mean squared difference of pixels in [0, 1]; the nearest comes first, and of equal ones the
    first in the set. Needs memory for some images at a time only.
    """
    wanted = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float()
    rows = max(1, _VALUES_AT_ONCE // wanted.numel())
    seen = slice(None) if channels is None else channels
    parts = [(part[:, seen].float() - wanted).square().flatten(1).mean(1) for part in in_slices(pixels, rows)]
    distances = torch.cat(parts).numpy() / 255**2
    nearest = np.argsort(distances, kind="stable")[:count]
    return nearest.astype(np.int64), distances[nearest].astype(np.float32)
