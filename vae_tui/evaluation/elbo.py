"""The ELBO of a set of images, and its two halves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from vae_tui.data import AnyPixels, as_floats, in_slices
from vae_tui.model import VAE


@dataclass(frozen=True)
class Elbo:
    """Means over images, in nats: `distortion`, the `rate_per_dimension` (Z values) that sums to `rate`, and `elbo`."""

    distortion: float
    rate_per_dimension: tuple[float, ...]

    @property
    def rate(self) -> float:
        """KL(q(z|x) || p(z))."""
        return sum(self.rate_per_dimension)

    @property
    def elbo(self) -> float:
        """-(distortion + rate)."""
        return -(self.distortion + self.rate)


class Partners(Protocol):
    """Processes that evaluate together: `count` of them, of which this is number `index`."""

    index: int
    count: int

    def sum(self, tensor: Tensor) -> None:
        """Add up what all of them have, in place, on each of them."""


@torch.no_grad()
def evaluate_elbo(
    vae: VAE, pixels: AnyPixels, *, seed: int, batch_size: int = 500, partners: Partners | None = None
) -> Elbo:
    """The ELBO of uint8 images (N, C, H, W) with one draw of z each, the same draws for the same seed.

    With `partners` who call it too, each takes its turn at the batches. The VAE is left in the mode, training or
    evaluation, it was found in.
    """
    device = next(vae.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    precise = torch.float32 if device.type == "mps" else torch.float64
    sums = torch.zeros(1 + vae.latent_dim, dtype=precise, device=device)
    training = vae.training
    vae.eval()
    for number, part in enumerate(in_slices(pixels, batch_size)):
        epsilon = torch.randn(len(part), vae.latent_dim, generator=generator, device=device)
        if partners is not None and number % partners.count != partners.index:
            continue
        terms = vae(as_floats(part.to(device)), epsilon)
        sums[0] += terms.distortion.sum(dtype=precise)
        sums[1:] += terms.rate_per_dimension.sum(0, dtype=precise)
    vae.train(training)
    if partners is not None:
        partners.sum(sums)
    distortion, *rates = (sums / len(pixels)).tolist()
    return Elbo(distortion, tuple(rates))
