"""The diagonal Gaussian, in nats."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def halves(parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Split (..., 2 Z) into mean and log-variance (..., Z)."""
    mean, log_variance = parameters.chunk(2, dim=-1)
    return mean, log_variance


def normal_log_density(latent: Tensor) -> Tensor:
    """log N(z; 0, 1) of each dimension, in the shape of `latent`."""
    return latent.square().mul(-0.5).sub(0.5 * math.log(2 * math.pi))


def reparametrise(mean: Tensor, log_variance: Tensor, epsilon: Tensor) -> Tensor:
    """A draw from N(mean, exp(log_variance)) made from `epsilon` ~ N(0, I); all (..., Z).

    Kingma and Welling, Auto-Encoding Variational Bayes, 2014, section 2.4.
    """
    return torch.addcmul(mean, torch.exp(0.5 * log_variance), epsilon)


def rate_per_dimension(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) of each latent dimension in nats, (..., Z), not summed.

    Kingma and Welling, Auto-Encoding Variational Bayes, 2014, appendix B.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
