"""How probable a latent is: under the prior, and under the aggregated posterior; and how wide the posterior at it is."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.latent.codes import Codes, Latents
from vae_tui.model import VAE
from vae_tui.model.posteriors import DiagonalGaussian
from vae_tui.model.priors import ClassPrior, Prior
from vae_tui.walk.shares import Shares

_MOST_VALUES = 1 << 20
"""Means that are looked at for one density: about a millisecond."""
_MOST_KEPT = 64
"""Times that images were encoded, all test images not counted among them."""


@dataclass(frozen=True)
class Place:
    """Log densities of a latent in nats, of q(z) over `count` images, and the posterior's standard deviations (Z,) there.

    What is not known is None.
    """

    log_prior: float | None
    log_aggregated: float | None
    count: int
    deviations: Latents | None


class AggregatedPosterior:
    """q(z) = 1/N sum_n q(z|x_n) over diagonal Gaussian posteriors, of as many images as a density is quickly found over.

    Makhzani et al., Adversarial Autoencoders, 2016; Hoffman and Johnson, ELBO surgery, 2016.
    """

    def __init__(self, codes: Codes) -> None:
        count = min(len(codes), max(1, _MOST_VALUES // codes.mean.shape[1]))
        evenly = np.arange(count) * len(codes) // count
        self._means, log_variances = (torch.from_numpy(part[evenly]) for part in (codes.mean, codes.log_variance))
        self._precisions = torch.exp(-0.5 * log_variances)
        """Their square roots, (N, Z)."""
        size = codes.mean.shape[1] * math.log(2 * math.pi)
        self._constants = -0.5 * (log_variances.double().sum(1) + size) - math.log(count)

    def __len__(self) -> int:
        """Over how many images it is the mean."""
        return len(self._means)

    def log_density(self, latent: Latents) -> float:
        """log q(z) in nats at a latent (Z,): the log-sum-exp of the posteriors' log densities, less log N."""
        noises = (torch.from_numpy(latent) - self._means).mul_(self._precisions)
        squares = noises.square_().sum(1).double()
        return float(torch.logsumexp(self._constants - 0.5 * squares, 0))


class KnownPosteriors:
    """The posteriors N(mean, exp(log_variance)) that one may stand at the means of: those of images encoded lately."""

    def __init__(self) -> None:
        self._lately: deque[tuple[Latents, Latents]] = deque(maxlen=_MOST_KEPT)

    def add(self, mean: Latents, log_variance: Latents) -> None:
        """Take the posteriors (N, Z) of images that were encoded."""
        self._lately.append((mean, log_variance))

    def deviations_at(self, latent: Latents, codes: Codes | None) -> Latents | None:
        """The standard deviations (Z,) of the posterior whose mean a latent (Z,) is to the bit, of `codes` or of images since.

        None where there is none such, or what is there has no spread.
        """
        encoded = [] if codes is None else [(codes.mean, codes.log_variance)]
        # Copied at once, for another thread may add to them.
        for mean, log_variance in (*encoded, *reversed(tuple(self._lately))):
            row = _find_row(mean, latent)
            if row is not None and np.isfinite(log_variance[row]).all():
                deviations: Latents = np.exp(0.5 * log_variance[row])
                return deviations
        return None


def _find_row(rows: Latents, wanted: NDArray[np.float32]) -> int | None:
    candidates = np.flatnonzero(rows[:, 0] == wanted[0])
    return next((int(row) for row in candidates if np.array_equal(rows[row], wanted)), None)


def has_gaussian_posteriors(vae: VAE) -> bool:
    """Whether the posterior of an image is a diagonal Gaussian, which its mean and its variances say all about."""
    return isinstance(vae.posterior, DiagonalGaussian)


@torch.no_grad()
def log_prior_density(prior: Prior, latent: Latents) -> float:
    """log p(z) in nats at a latent (Z,)."""
    return float(prior.log_density(torch.from_numpy(latent)[None]).double().sum())


@torch.no_grad()
def log_class_density(prior: ClassPrior, latent: Latents, shares: Shares) -> float:
    """log sum_y w_y p(z|y) in nats at a latent (Z,), classes y having these shares w (K + 1,)."""
    of_each = prior.given(torch.arange(len(shares))).log_density(torch.from_numpy(latent).expand(len(shares), -1))
    return float(torch.logsumexp(torch.from_numpy(shares).log() + of_each.double().sum(1), 0))
