"""Objectives that weigh the total correlation of the codes by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_tui.model import Terms
from vae_tui.model.gaussian import halves, normal_log_density
from vae_tui.objective.objective import Objective
from vae_tui.recipe import ObjectiveTable

_WIDTH, _DEPTH = 1000, 6


@dataclass(frozen=True)
class Decomposition:
    """What the rate of a batch is made of, in nats per image, (B,) each; the three sum to log q(z|x) - log p(z)."""

    mutual_information: Tensor
    total_correlation: Tensor
    dimension_wise: Tensor


def decompose(latent: Tensor, mean: Tensor, log_variance: Tensor, image_count: int) -> Decomposition:
    """Part the rate of draws (B, Z) from diagonal Gaussians, of images that are `image_count` in all.

    Chen et al., Isolating Sources of Disentanglement, 2018, equation 2, estimated by minibatch-weighted sampling
    (appendix C.1): q(z) is the mean of the batch's posteriors, over the count of images.
    """
    own = (normal_log_density((latent - mean) * torch.exp(-0.5 * log_variance)) - 0.5 * log_variance).sum(1)
    distances = (latent[:, None] - mean) * torch.exp(-0.5 * log_variance)
    densities = normal_log_density(distances) - 0.5 * log_variance  # (B, B, Z), draw by posterior
    log_count = math.log(len(latent) * image_count)
    together = torch.logsumexp(densities.sum(2), 1) - log_count
    apart = (torch.logsumexp(densities, 1) - log_count).sum(1)
    return Decomposition(own - together, together - apart, apart - normal_log_density(latent).sum(1))


class BetaTcvae(Objective):
    """distortion + rate + (beta - 1) * total correlation: mutual information and dimension-wise KL weigh 1.

    Chen et al., Isolating Sources of Disentanglement, 2018, equation 4 with alpha = gamma = 1; without the constant
    (beta - 1) (Z - 1) log N of minibatch-weighted sampling, hundreds of nats that no weight changes, so that the loss stands
    near -ELBO, by which checkpoints are chosen.
    """

    name = "tcvae"

    def __init__(self, table: ObjectiveTable, *, latent_dim: int, image_count: int) -> None:
        super().__init__(table, latent_dim=latent_dim, image_count=image_count)
        self._image_count = image_count
        self._constant = (latent_dim - 1) * math.log(image_count)

    def loss(self, terms: Terms, inputs: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images."""
        mean, log_variance = halves(terms.parameters)
        correlation = decompose(terms.latent, mean, log_variance, self._image_count).total_correlation - self._constant
        return terms.distortion.sum() + terms.rate_per_dimension.sum() + (inputs["beta"] - 1) * correlation.sum()


class Factor(Objective):
    """distortion + rate + gamma * total correlation, as a discriminator estimates it that learns beside the VAE.

    It tells codes from codes whose dimensions were shuffled over the batch; the difference of its two logits is the log
    of the ratio of q(z) to the product of its marginals. Kim and Mnih, Disentangling by Factorising, 2018, algorithm 1,
    with both halves on the same batch. Checkpoints are chosen by -ELBO.
    """

    name = "factor"
    takes_noise = True
    is_one_loss = False

    def __init__(self, table: ObjectiveTable, *, latent_dim: int, image_count: int) -> None:
        super().__init__(table, latent_dim=latent_dim, image_count=image_count)
        widths = [latent_dim] + [_WIDTH] * (_DEPTH - 1)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
        self.discriminator: nn.Sequential = nn.Sequential(*layers, nn.Linear(_WIDTH, 2))

    def weights(self, epochs: float) -> dict[str, float]:
        """Beta is always 1."""
        return {"beta": 1.0}

    def loss(self, terms: Terms, inputs: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images; the discriminator gets no gradient of it."""
        assert self.table.gamma is not None, "the recipe chooses one"
        held = {name: parameter.detach() for name, parameter in self.discriminator.named_parameters()}
        logits: Tensor = torch.func.functional_call(self.discriminator, held, (terms.latent,))
        correlation = (logits[:, 0] - logits[:, 1]).sum()
        return terms.distortion.sum() + terms.rate_per_dimension.sum() + self.table.gamma * correlation

    def discriminator_loss(self, latent: Tensor, noise: Tensor) -> Tensor:
        """What the discriminator minimises, summed over codes (B, Z), which get no gradient; `noise` (B, Z) shuffles."""
        codes = latent.detach()
        shuffled = codes.gather(0, noise.argsort(0))
        logits = self.discriminator(torch.cat((codes, shuffled)))
        kinds = torch.arange(2, device=codes.device).repeat_interleave(len(codes))
        return functional.cross_entropy(logits, kinds, reduction="sum") / 2
