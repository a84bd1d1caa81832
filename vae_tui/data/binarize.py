"""Grey pixels as floats, and as draws of black or white."""

from __future__ import annotations

import torch

from vae_tui.data.seeds import seeded
from vae_tui.data.sets import Images

_DRAWS_AT_ONCE = 1 << 22


def as_floats(pixels: torch.Tensor) -> torch.Tensor:
    """Turn uint8 pixels into float32 in [0, 1], on the device they are on."""
    return pixels.to(torch.float32) / 255


def draw_bits(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Random int16 of any shape on the generator's device, all 65,536 values alike; a fifth of the time of as many floats."""
    count = shape.numel()
    bits = torch.empty((count + 3) // 4, dtype=torch.int64, device=generator.device)
    return bits.random_(-(2**63), None, generator=generator).view(torch.int16)[:count].view(shape)


def binarize(pixels: torch.Tensor, bits: torch.Tensor) -> torch.Tensor:
    """Draw each uint8 pixel as 0 or 1 in float32, with its grey value over 255 as probability of 1, to 2^-17.

    `bits` are draws of `draw_bits` in the shape of `pixels`. Pixels that are 0 or 255 are always 0 or 1.
    """
    chance = pixels.to(torch.float32).mul_(2**16 / 255).sub_(2**15 + 0.5)
    # Into floats at once: comparing into booleans and turning those into floats takes seven times as long.
    return torch.lt(bits.to(torch.float32), chance, out=chance)


def binarize_once(images: Images, *, seed: int, split: str) -> Images:
    """Draw a whole split; the draws depend on the seed and on the split's name alone."""
    generator = seeded(seed, f"binarize {split}")
    drawn = torch.empty_like(images.pixels)
    rows = max(1, _DRAWS_AT_ONCE // images.pixels[0].numel())
    for start in range(0, len(images), rows):
        grey = images.pixels[start : start + rows]
        drawn[start : start + rows] = binarize(grey, draw_bits(grey.shape, generator)).mul_(255)
    return Images(drawn, images.labels)
