"""The VAE: an encoder, a posterior, a prior, a decoder and a likelihood, joined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vae_tui.model.likelihoods import build_likelihood
from vae_tui.model.networks import ImageShape, build_networks, initialize, start_at
from vae_tui.model.own import check_own
from vae_tui.model.priors import MixturePrior, StandardNormal, VampPrior
from vae_tui.recipe import Recipe
from vae_tui.recipe.tables import is_own


@dataclass(frozen=True)
class Terms:
    """The negative ELBO of a batch, in nats, and what it is made from.

    `distortion` (B,) is -log p(x|z), summed over pixels; `rate_per_dimension` (B, Z) sums to the rate of each image.
    `latent` (B, Z) was drawn from the posteriors with these `parameters` (B, P), at the log density that `log_density`
    (B, Z) sums to. With K draws an image all but the parameters have a second dimension, K.
    """

    distortion: Tensor
    rate_per_dimension: Tensor
    latent: Tensor
    log_density: Tensor
    parameters: Tensor


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
        networks = build_networks(recipe.model, image_shape, outputs=self.likelihood.outputs)
        self.encoder, self.decoder, self.network_name = networks.encoder, networks.decoder, networks.name
        self.posterior: Any = networks.posterior
        self.prior = self._build_prior()

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, Z) of q(z|x) for images (B, C, H, W) in [0, 1].

        Raises ValueError for images of another shape.
        """
        mean, log_variance = self.posterior.moments(self._parameters_of(images))
        return mean, log_variance

    def decode(self, latent: Tensor) -> Tensor:
        """The expected image (B, C, H, W) in [0, 1] for each latent (B, Z)."""
        return self.likelihood.mean(self.decoder(latent))

    def reconstruct(self, images: Tensor) -> Tensor:
        """The expected image (B, C, H, W) at each image's posterior mean."""
        return self.decode(self.encode(images)[0])

    @torch.no_grad()
    def sample(self, count: int, *, seed: int = 0, temperature: float = 1.0) -> Tensor:
        """Expected images (count, C, H, W) in [0, 1] at draws from the prior, the same for the same seed.

        `temperature` scales the deviation of the prior, or of the component of it that is chosen. Draws are made on the
        CPU, so that a seed means the same pictures on every device.
        """
        latent = self.prior.draw(count, torch.Generator().manual_seed(seed), temperature=temperature)
        return self.decode(latent.to(next(self.parameters()).device))

    def forward(self, images: Tensor, epsilon: Tensor) -> Terms:
        """The terms of the negative ELBO of images (B, C, H, W), with one draw `epsilon` (B, Z) ~ N(0, I) each.

        With K draws each, (B, K, Z), the rates are those of the draws, log q(z|x) - log p(z), and the parameters of
        q(z|x) get their gradient through the draws alone, as the estimators of Roeder et al. (Sticking the Landing,
        2017) and Tucker et al. (Doubly Reparameterized Gradient Estimators, 2019) want it.
        """
        # Networks may have run in bfloat16; nats are counted in float32.
        parameters = self._parameters_of(images).to(images.dtype)
        if epsilon.dim() == 3:
            return self._forward_often(images, parameters, epsilon)
        draw = self.posterior.draw(parameters, epsilon)
        output = self.decoder(draw.latent).to(images.dtype)
        distortion = self.likelihood.distortion(output, images)
        rates = self._rates(draw.latent, draw.log_density, draw.normal_rate)
        return Terms(distortion, rates, draw.latent, draw.log_density, parameters)

    def _forward_often(self, images: Tensor, parameters: Tensor, epsilon: Tensor) -> Terms:
        draws = epsilon.shape[1]
        latent = self.posterior.draw(parameters[:, None], epsilon).latent
        log_density = self.posterior.log_density(parameters.detach()[:, None], latent)
        output = self.decoder(latent.flatten(0, 1)).to(images.dtype)
        repeated = images[:, None].expand(-1, draws, *images.shape[1:]).flatten(0, 1)
        distortion = self.likelihood.distortion(output, repeated).view(-1, draws)
        rates = log_density - self.prior.log_density(latent)
        return Terms(distortion, rates, latent, log_density, parameters)

    def _parameters_of(self, images: Tensor) -> Tensor:
        if images.shape[1:] != self.image_shape:
            expected = ", ".join(str(n) for n in self.image_shape)
            raise ValueError(f"expected images of shape (B, {expected}), got {tuple(images.shape)}")
        parameters: Tensor = self.encoder(images)
        return parameters

    def _rates(self, latent: Tensor, log_density: Tensor, normal_rate: Tensor) -> Tensor:
        if isinstance(self.prior, StandardNormal):
            return normal_rate
        return log_density - self.prior.log_density(latent)

    def _build_prior(self) -> StandardNormal | MixturePrior | VampPrior:
        table = self.recipe.prior
        if table.name == "mixture":
            return MixturePrior(self.latent_dim, table.components)
        if table.name == "vamp":
            return VampPrior(self.image_shape, table.components, self.encode)
        return StandardNormal(self.latent_dim)


def build(
    recipe: Recipe,
    image_shape: ImageShape,
    *,
    seed: int = 0,
    mean_image: Tensor | None = None,
    examples: Tensor | None = None,
) -> VAE:
    """A VAE with fresh weights, the same for the same seed.

    It decodes to about `mean_image` (C, H, W), where given and not unwanted by the recipe, unless its networks are the user's own; the pseudo-images of a VampPrior begin as `examples`
    (K, C, H, W) in [0, 1], of which some come again where they are too few.
    """
    generator = torch.Generator().manual_seed(seed)
    if is_own(recipe.model.network):
        # They begin as they are made.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            vae = VAE(recipe, image_shape)
        check_own(
            recipe.model, vae.encoder, vae.decoder, image_shape, vae.posterior.size, outputs=vae.likelihood.outputs
        )
    else:
        vae = VAE(recipe, image_shape)
        initialize(vae, generator)
        if recipe.model.output_bias == "zero":
            start_at(vae.decoder, torch.full(image_shape, 0.5))
        elif mean_image is not None:
            start_at(vae.decoder, mean_image)
    if isinstance(vae.prior, MixturePrior):
        vae.prior.start(generator)
    elif isinstance(vae.prior, VampPrior) and recipe.prior.start == "noise":
        vae.prior.start_as_noise(generator)
    elif isinstance(vae.prior, VampPrior) and examples is not None:
        vae.prior.start(examples[torch.arange(recipe.prior.components) % len(examples)])
    return vae
