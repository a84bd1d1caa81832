"""Training images seen differently in every epoch: mirrored, moved, cut to a part, in other colours, as their recipe has it.

Draws are arguments, so that a step can be compiled or recorded, and so that each is the same on any device and number of ranks.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from vae_tui.recipe import DataTable, Recipe

VIEW_DRAWS = 8
"""Uniform draws for an image: two for where it is moved, three for its part, three for its colours."""


def draws_views(table: DataTable) -> bool:
    """Whether images are moved, cut or coloured at random."""
    return bool(table.shift or table.crop or table.color_jitter)


def shift_errors(recipe: Recipe, size: tuple[int, int]) -> Iterator[str]:
    """What is wrong with how far images (height, width) are moved, at first or from some step on."""
    most = min(size) // 2
    for step in (0, *(change.step for change in recipe.changes)):
        if (shift := recipe.at(step).data.shift) > most:
            yield f"[data] shift: expected at most {most}, half of the side of images of {size[0]} x {size[1]}, got {shift}"
            return


def mirror(pixels: Tensor, sides: Tensor) -> Tensor:
    """Images (B, C, H, W), those left to right whose `sides` (B, 1, 1, 1), uniform in [0, 1), is less than 1/2."""
    return torch.where(sides < 0.5, pixels.flip(-1), pixels)


def vary(pixels: Tensor, views: Tensor, table: DataTable) -> Tensor:
    """Images (B, C, H, W), uint8, moved, cut to a part and coloured by uniform draws (B, 8) in [0, 1).

    Moved by whole pixels, up to `shift` in both directions, the edges repeated; cut to a part of the same form, whose side is
    at least 1 - `crop` of the image's, and enlarged again, bilinearly; and with brightness, contrast and saturation
    multiplied by a factor of up to 1 +- `color_jitter` each.
    """
    if table.shift:
        pixels = _move(pixels, views[:, :2], table.shift)
    if not table.crop and not table.color_jitter:
        return pixels
    images = pixels.float()
    if table.crop:
        images = _cut(images, views[:, 2:5], table.crop)
    if table.color_jitter:
        images = _color(images, 1 + table.color_jitter * (2 * views[:, 5:] - 1))
    return images.round_().to(torch.uint8)


def _move(pixels: Tensor, draws: Tensor, shift: int) -> Tensor:
    count, channels, height, width = pixels.shape
    by = (draws * (2 * shift + 1)).long() - shift  # (B, 2)
    rows = (torch.arange(height, device=pixels.device) + by[:, :1]).clamp(0, height - 1)
    columns = (torch.arange(width, device=pixels.device) + by[:, 1:]).clamp(0, width - 1)
    pixels = pixels.gather(2, rows[:, None, :, None].expand(count, channels, height, width))
    return pixels.gather(3, columns[:, None, None, :].expand(count, channels, height, width))


def _cut(images: Tensor, draws: Tensor, crop: float) -> Tensor:
    side = 1 - crop * draws[:, 0]
    across, down = ((1 - side) * (2 * draws[:, column] - 1) for column in (1, 2))
    zero = torch.zeros_like(side)
    # Coordinates reach from -1 to 1, so that a part of this side lies within them where its middle is at most 1 - side from 0.
    maps = torch.stack([side, zero, across, zero, side, down], dim=1).view(-1, 2, 3)
    places = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images, places, mode="bilinear", padding_mode="border", align_corners=False)


def _color(images: Tensor, factors: Tensor) -> Tensor:
    brightness, contrast, saturation = factors[:, :, None, None, None].unbind(1)
    images = images * brightness
    middle = images.mean((1, 2, 3), keepdim=True)
    images = middle + contrast * (images - middle)
    grey = images.mean(1, keepdim=True)
    return (grey + saturation * (images - grey)).clamp_(0, 255)
