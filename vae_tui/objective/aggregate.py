"""Objectives that hold all codes together, the aggregated posterior, to the prior."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vae_tui.model import Terms
from vae_tui.model.gaussian import halves
from vae_tui.objective.objective import Objective, beta_weighted


class DipVae(Objective):
    """distortion + rate + a penalty on how far the codes' covariance is from the identity.

    Kumar et al., Variational Inference of Disentangled Latent Concepts, 2018, equations 6 (I: of the means) and 7 (II: of
    the codes); the penalty is weighed against the mean over the batch. Checkpoints are chosen by -ELBO.
    """

    name = "dip"

    def weights(self, epochs: float) -> dict[str, float]:
        """Beta is always 1."""
        return {"beta": 1.0}

    def loss(self, terms: Terms, inputs: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images."""
        mean, log_variance = halves(terms.parameters)
        centred = mean - mean.mean(0)
        covariance = centred.T @ centred / len(mean)
        if self.table.covariance == "codes":
            covariance = covariance + torch.diag(log_variance.exp().mean(0))
        diagonal = covariance.diagonal()
        off_diagonal = covariance.square().sum() - diagonal.square().sum()
        penalty = self.table.off_diagonal * off_diagonal
        penalty = penalty + self.table.diagonal * (diagonal - 1).square().sum()
        return terms.distortion.sum() + terms.rate_per_dimension.sum() + penalty * len(mean)


class MmdVae(Objective):
    """distortion + beta * rate + a weight times the maximum mean discrepancy of codes and prior.

    Zhao et al., InfoVAE, 2019, equation 6, where beta is 1 - alpha and the weight alpha + lambda - 1.
    """

    name = "mmd"
    takes_noise = True

    def loss(self, terms: Terms, inputs: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats but for the discrepancy, summed over the images."""
        distance = discrepancy(terms.latent, inputs["noise"]) * len(terms.latent)
        rate = terms.rate_per_dimension.sum()
        return terms.distortion.sum() + inputs["beta"] * rate + self.table.mmd * distance

    def selection_loss(self, distortion: float, rate: float, bound: float) -> float:
        """At full beta, without the discrepancy."""
        return distortion + self.table.beta * rate

    @property
    def loss_name(self) -> str:
        """As the weights have it, without the discrepancy."""
        return beta_weighted(self.table)


def discrepancy(latent: Tensor, prior: Tensor) -> Tensor:
    """The squared maximum mean discrepancy of two sets of draws (B, Z), unbiased, for exp(-|x - y|^2 / Z).

    Gretton et al., A Kernel Two-Sample Test, 2012, equation 3. One draw alone has none: 0.
    """
    count, size = latent.shape
    if count == 1:
        return latent.new_zeros(())

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return torch.exp(-(x[:, None] - y).square().sum(2) / size)

    within = (kernel(latent, latent).sum() + kernel(prior, prior).sum() - 2 * count) / (count * (count - 1))
    return within - 2 * kernel(latent, prior).mean()
