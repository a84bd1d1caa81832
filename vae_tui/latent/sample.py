"""Samples from the prior and reconstructions, as uint8 images."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_tui.data import as_floats
from vae_tui.model import VAE


def draw_samples(vae: VAE, count: int, *, seed: int = 0, temperature: float = 1.0) -> NDArray[np.uint8]:
    """Expected images (count, H, W, C) at draws from the prior, the same for the same seed; of a conditional VAE of its classes in turn."""
    return to_uint8(vae.sample(count, seed=seed, temperature=temperature, labels=classes_in_turn(vae, count)))


def classes_in_turn(vae: VAE, count: int) -> Tensor | None:
    """The labels (count,) of a conditional VAE's classes, one after the other and again; None for a plain VAE."""
    return torch.arange(count) % vae.class_count if vae.class_count else None


@torch.no_grad()
def reconstruct(vae: VAE, pixels: Tensor, labels: Tensor | None = None) -> NDArray[np.uint8]:
    """Reconstructions (N, H, W, C) of uint8 images (N, C, H, W) with these labels (N,), if any, at their posterior means."""
    device = next(vae.parameters()).device
    return to_uint8(vae.reconstruct(as_floats(pixels.to(device)), labels))


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """Images (N, C, H, W) in [0, 1] as uint8 (N, H, W, C)."""
    rounded = (images * 255).round().clamp(0, 255).to(torch.uint8)
    return as_pictures(rounded)


def as_pictures(pixels: Tensor) -> NDArray[np.uint8]:
    """uint8 images (N, C, H, W) as pictures are laid out, (N, H, W, C)."""
    return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
