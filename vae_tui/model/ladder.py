"""Two levels of latents, brought to one N(0, I).

Sonderby et al., Ladder Variational Autoencoders, 2016. The upper level is z2 ~ N(0, I), the lower z1 ~ p(z1|z2) =
N(m(z2), s(z2)^2). A latent here is (z2, u) with u = (z1 - m) / s, which is N(0, I) too: rates are the same, since the
KL divergence does not change when what it is of is moved and scaled, and a walk or a sample needs to know nothing of
levels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_tui.model.gaussian import halves, normal_log_density, rate_per_dimension, reparametrise
from vae_tui.model.posteriors import Draw


class TopDown(nn.Module):
    """p(z1|z2): from latents (..., Z) = (z2, u) to z1 with what z2 tells the decoder besides."""

    def __init__(self, upper_dim: int, lower_dim: int, width: int) -> None:
        super().__init__()
        self.upper_dim, self.lower_dim = upper_dim, lower_dim
        self.features = nn.Sequential(
            nn.Linear(upper_dim, 2 * width), nn.GLU(-1), nn.Linear(width, 2 * width), nn.GLU(-1)
        )
        self.parameters_of_lower = nn.Linear(width, 2 * lower_dim)

    def forward(self, latent: Tensor) -> Tensor:
        """(..., Z) -> (..., Z1 + width)."""
        upper, standard = latent.split_with_sizes([self.upper_dim, self.lower_dim], -1)
        features = self.features(upper)
        mean, log_variance = halves(self.parameters_of_lower(features))
        return torch.cat((reparametrise(mean, log_variance, standard), features), -1)

    def lower_prior(self, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (..., Z1) of p(z1|z2)."""
        return halves(self.parameters_of_lower(self.features(upper)))


class LadderPosterior(nn.Module):
    """q(z2|x) q(z1|x, z2), whose second factor joins what the image says of z1 with p(z1|z2), by their precisions.

    The parameters are mean and log-variance of z2, then mean and log-variance of what the image says of z1.
    """

    def __init__(self, top: TopDown) -> None:
        super().__init__()
        self.upper_dim, self.lower_dim = top.upper_dim, top.lower_dim
        self.size = 2 * (top.upper_dim + top.lower_dim)
        self._top = (top,)  # its weights are the decoder's

    def draw(self, parameters: Tensor, epsilon: Tensor) -> Draw:
        """A draw made from `epsilon` (..., Z) ~ N(0, I)."""
        (mean, log_variance), lower = self._split(parameters)
        upper = reparametrise(mean, log_variance, epsilon[..., : self.upper_dim])
        lower_mean, lower_log_variance = self._join(upper, lower)
        standard = reparametrise(lower_mean, lower_log_variance, epsilon[..., self.upper_dim :])
        rate = rate_per_dimension(mean, log_variance).expand_as(upper)
        log_variances = torch.cat((log_variance.expand_as(upper), lower_log_variance), -1)
        return Draw(
            torch.cat((upper, standard), -1),
            normal_log_density(epsilon) - 0.5 * log_variances,
            torch.cat((rate, rate_per_dimension(lower_mean, lower_log_variance)), -1),
        )

    def noise_of(self, parameters: Tensor, latent: Tensor) -> Tensor:
        """The noise (..., Z) that `draw` makes these latents (..., Z) from."""
        (mean, log_variance), lower = self._split(parameters)
        lower_mean, lower_log_variance = self._join(latent[..., : self.upper_dim], lower)
        means, log_variances = torch.cat((mean, lower_mean), -1), torch.cat((log_variance, lower_log_variance), -1)
        return (latent - means) * torch.exp(-0.5 * log_variances)

    def moments(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of each dimension, (..., Z) both; of the lower level where z2 is at its mean."""
        (mean, log_variance), lower = self._split(parameters)
        lower_mean, lower_log_variance = self._join(mean, lower)
        return torch.cat((mean, lower_mean), -1), torch.cat((log_variance, lower_log_variance), -1)

    def _split(self, parameters: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        upper, lower = parameters.split_with_sizes([2 * self.upper_dim, 2 * self.lower_dim], -1)
        return halves(upper), halves(lower)

    def _join(self, upper: Tensor, lower: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (..., Z1) of u, where the prior is N(0, 1) and the image says N(m, v)."""
        (top,) = self._top
        prior_mean, prior_log_variance = top.lower_prior(upper)
        mean, log_variance = lower
        center = (mean - prior_mean) * torch.exp(-0.5 * prior_log_variance)
        log_precision = prior_log_variance - log_variance  # of the image's word, in units of the prior's
        return center * torch.sigmoid(log_precision), -functional.softplus(log_precision)
