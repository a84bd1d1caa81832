"""Grey pixels as floats, and as draws of black or white."""

from __future__ import annotations

import torch

from vae_tui.data.seeds import seeded
from vae_tui.data.sets import Images

_DRAWS_AT_ONCE = 1 << 22


def as_floats(pixels: torch.Tensor) -> torch.Tensor:
    """Turn uint8 pixels into float32 in [0, 1], on the device they are on."""
    return pixels.to(torch.float32) / 255


def binarize(pixels: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Draw each uint8 pixel as 0 or 255, with its grey value over 255 as probability of 255.

    `uniform` has the shape of `pixels` and holds the draws, in [0, 1). Pixels that are 0 or 255 stay as they are.
    """
    return (uniform < as_floats(pixels)).to(torch.uint8) * 255


def binarize_once(images: Images, *, seed: int, split: str) -> Images:
    """Draw a whole split; the draws depend on the seed and on the split's name alone."""
    generator = seeded(seed, f"binarize {split}")
    drawn = torch.empty_like(images.pixels)
    rows = max(1, _DRAWS_AT_ONCE // images.pixels[0].numel())
    for start in range(0, len(images), rows):
        grey = images.pixels[start : start + rows]
        uniform = torch.rand(grey.shape, generator=generator, dtype=torch.float32)
        drawn[start : start + rows] = binarize(grey, uniform)
    return Images(drawn, images.labels)
