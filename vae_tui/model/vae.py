"""The VAE: an encoder, a decoder and a likelihood, joined."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vae_tui.model.gaussian import rate_per_dimension, reparametrise
from vae_tui.model.likelihoods import build_likelihood
from vae_tui.model.networks import ImageShape, build_networks, halves, initialise, start_at
from vae_tui.recipe import Recipe


@dataclass(frozen=True)
class Terms:
    """The two halves of the negative ELBO for a batch, in nats.

    `distortion` (B,) is -log p(x|z), summed over pixels; `rate_per_dimension` (B, Z) sums to the rate of each image.
    """

    distortion: Tensor
    rate_per_dimension: Tensor


class VAE(nn.Module):
    """A variational autoencoder for images (C, H, W) in [0, 1] with `latent_dim` latents.

    Kingma and Welling, Auto-Encoding Variational Bayes, 2014.
    """

    def __init__(self, recipe: Recipe, image_shape: ImageShape) -> None:
        super().__init__()
        self.recipe = recipe
        self.image_shape = image_shape
        self.latent_dim = recipe.model.latent_dim
        self.likelihood = build_likelihood(recipe.likelihood)
        self.encoder, self.decoder, self.network_name = build_networks(recipe.model, image_shape)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, Z) of q(z|x) for images (B, C, H, W) in [0, 1].

        Raises ValueError for images of another shape.
        """
        if images.shape[1:] != self.image_shape:
            expected = ", ".join(str(n) for n in self.image_shape)
            raise ValueError(f"expected images of shape (B, {expected}), got {tuple(images.shape)}")
        return halves(self.encoder(images))

    def decode(self, latent: Tensor) -> Tensor:
        """The expected image (B, C, H, W) in [0, 1] for each latent (B, Z)."""
        return self.likelihood.mean(self.decoder(latent))

    def reconstruct(self, images: Tensor) -> Tensor:
        """The expected image (B, C, H, W) at each image's posterior mean."""
        return self.decode(self.encode(images)[0])

    @torch.no_grad()
    def sample(self, count: int, *, seed: int = 0, temperature: float = 1.0) -> Tensor:
        """Expected images (count, C, H, W) in [0, 1] at draws from N(0, temperature^2 I), the same for the same seed.

        The draws are made on the CPU, so that a seed means the same pictures on every device.
        """
        generator = torch.Generator().manual_seed(seed)
        latent = torch.randn(count, self.latent_dim, generator=generator) * temperature
        return self.decode(latent.to(next(self.parameters()).device))

    def forward(self, images: Tensor, epsilon: Tensor) -> Terms:
        """The terms of the negative ELBO of images (B, C, H, W), with one draw `epsilon` (B, Z) ~ N(0, I) each."""
        # Networks may have run in bfloat16; nats are counted in float32.
        mean, log_variance = halves(self.encoder(images).to(images.dtype))
        output = self.decoder(reparametrise(mean, log_variance, epsilon)).to(images.dtype)
        return Terms(self.likelihood.distortion(output, images), rate_per_dimension(mean, log_variance))


def build(recipe: Recipe, image_shape: ImageShape, *, seed: int = 0, mean_image: Tensor | None = None) -> VAE:
    """A VAE with fresh weights, the same for the same seed; it decodes to about `mean_image` (C, H, W), where given."""
    vae = VAE(recipe, image_shape)
    initialise(vae, torch.Generator().manual_seed(seed))
    if mean_image is not None:
        start_at(vae.decoder, mean_image)
    return vae
