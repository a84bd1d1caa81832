"""Grey pixels as floats, and as draws of black or white."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import torch

from vae_tui.data import decoded_cache
from vae_tui.data.progress import Progress
from vae_tui.data.seeds import seeded
from vae_tui.data.sets import PackedImages
from vae_tui.data.streamed import AnyPixels, StreamedPixels

_DRAWS_AT_ONCE = 1 << 22
_PARTS = 16
_DRAWING = 1
"""To be raised whenever the same seed is to draw other pixels."""


def as_floats(pixels: torch.Tensor) -> torch.Tensor:
    """Turn uint8 pixels into float32 in [0, 1], on the device they are on."""
    # A GPU does both at once; a CPU takes longer for that than for one after the other.
    return pixels / 255 if pixels.is_cuda else pixels.to(torch.float32).div_(255)


def draw_bits(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Random int16 of any shape on the generator's device, all 65,536 values alike; a fifth of the time of as many floats."""
    count = shape.numel()
    bits = torch.empty((count + 3) // 4, dtype=torch.int64, device=generator.device)
    return bits.random_(-(2**63), None, generator=generator).view(torch.int16)[:count].view(shape)


def binarize(pixels: torch.Tensor, bits: torch.Tensor) -> torch.Tensor:
    """Draw each uint8 pixel as 0 or 1 in float32, with its gray value over 255 as probability of 1, to 2^-17.

    `bits` are draws of `draw_bits` in the shape of `pixels`. Pixels that are 0 or 255 are always 0 or 1.
    """
    chance = pixels.to(torch.float32).mul_(2**16 / 255).sub_(2**15 + 0.5)
    # Into floats at once: comparing into booleans and turning those into floats takes seven times as long.
    return torch.lt(bits.to(torch.float32), chance, out=chance)


def binarize_once(images: PackedImages, *, seed: int, split: str) -> PackedImages:
    """Draw a whole split; the draws depend on the seed and on the split's name alone."""
    drawn = torch.empty(images.pixels.shape, dtype=torch.uint8)
    for start, part in _draw(images.pixels, seed, split):
        drawn[start : start + len(part)] = part
    return replace(images, pixels=drawn)


def binarize_on_disk(images: PackedImages, *, seed: int, split: str, progress: Progress) -> PackedImages:
    """Draw a whole split that is streamed, as `binarize_once` does, into a file; only once for the same images.

    Raises CacheUnavailable where there is no room for it on disk.
    """
    pixels = images.pixels
    assert isinstance(pixels, StreamedPixels)
    shape = (len(pixels), *pixels.source.shape[1:])
    key = f"drawn-{hashlib.sha256(pixels.digest() + f'{_DRAWING} {seed} {split}'.encode()).hexdigest()}"
    file = decoded_cache.open(shape, key)
    if file is None:
        with decoded_cache.create(shape) as writer:
            stage = f"drawing {split} in black and white"
            progress(stage, 0, len(pixels))
            for start, part in _draw(pixels, seed, split):
                writer.write(start, part.numpy())
                progress(stage, start + len(part), len(pixels))
            file = writer.finish(decoded_cache.cache_name(shape, key), {})
    return replace(images, pixels=StreamedPixels(file))


def _draw(pixels: AnyPixels, seed: int, split: str) -> Iterator[tuple[int, torch.Tensor]]:
    """The draws of some images at a time as 0 and 255, uint8, and the index of the first of them."""
    generator = seeded(seed, f"binarize {split}")
    rows = max(1, _DRAWS_AT_ONCE // pixels.shape[1:].numel())
    for start in range(0, len(pixels), rows):
        gray = pixels[start : start + rows]
        bits = draw_bits(gray.shape, generator)
        drawn = torch.empty_like(gray)
        # In parts, as floats take four times as much.
        for some in zip(*(torch.tensor_split(whole, _PARTS) for whole in (drawn, gray, bits)), strict=True):
            some[0].copy_(binarize(*some[1:]).mul_(255))
        yield start, drawn
