"""What codes carry: active units, and the parts of the mean rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_tui.model.priors import SettledMixture

_ACTIVE_VARIANCE = 0.01
_NEAR_BOUND = 0.2
"""Nats from log N within which an estimate of the information is no more than log N."""


def count_active_units(mean: Tensor) -> int:
    """How many latent dimensions have posterior means (N, Z) whose variance over the images is above 0.01.

    Burda et al., Importance Weighted Autoencoders, 2016, section 5.2.
    """
    return int((mean.var(0) > _ACTIVE_VARIANCE).sum()) if len(mean) > 1 else 0


@dataclass(frozen=True)
class Information:
    """Bounds in nats: what a code tells of its image, I(x; z), at least, and how far all codes together are from p(z), at most.

    Both come from the same N images, which can show no more than log N (`bound`) of the first. Where it comes close to
    that, both are None: they would tell the number of images.
    """

    mutual_information: float | None
    marginal_kl: float | None
    bound: float


def estimate_information(
    latent: Tensor, log_density: Tensor, mean: Tensor, log_variance: Tensor, rate: float
) -> Information:
    """Part the mean `rate` by draws (N, Z) of the log density (N,) from diagonal Gaussian posteriors (N, Z).

    KL(q(z|x) || p(z)) = I(x; z) + KL(q(z) || p(z)), where q(z) is the mean of the N posteriors, in which a code's own has a
    larger share than among all images: so the information is too low, and the rest too high. Hoffman and Johnson, ELBO
    Surgery, 2016, equation 6.
    """
    count = len(latent)
    weights = torch.full((count,), -math.log(count))
    aggregated = SettledMixture(weights, mean, log_variance).log_density(latent).double().sum(1)
    information = float((log_density.double() - aggregated).mean())
    bound = math.log(count)
    if information > bound - _NEAR_BOUND:
        return Information(None, None, bound)
    return Information(information, rate - information, bound)
