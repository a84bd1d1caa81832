"""The diagonal Gaussian posterior q(z|x) and the standard normal prior p(z)."""

from __future__ import annotations

import torch
from torch import Tensor


def reparametrise(mean: Tensor, log_variance: Tensor, epsilon: Tensor) -> Tensor:
    """A draw from N(mean, exp(log_variance)) made from `epsilon` ~ N(0, I); all (B, Z).

    Kingma and Welling, Auto-Encoding Variational Bayes, 2014, section 2.4.
    """
    return torch.addcmul(mean, torch.exp(0.5 * log_variance), epsilon)


def rate_per_dimension(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) of each latent dimension in nats, (B, Z), not summed.

    Kingma and Welling, Auto-Encoding Variational Bayes, 2014, appendix B.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
