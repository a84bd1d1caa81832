"""p(z): what latents are drawn from, and how probable they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from vae_tui.model.gaussian import normal_log_density, reparametrise

_STARTING_CONTRAST = 0.9
"""Pseudo-images begin this far from middle grey to black or white, so that every pixel has a gradient."""

_STARTING_NOISE = 0.02


class Prior(Protocol):
    """A distribution of latents (..., Z)."""

    def log_density(self, latent: Tensor) -> Tensor:
        """What sums to log p(z) in nats, (..., Z).

        A mixture's density is not a product over dimensions; each gets its share of the components' log densities,
        weighed by how probable they are for that latent, and of the rest as much as it parts the components.
        """

    def draw(self, count: int, generator: torch.Generator, *, temperature: float = 1.0) -> Tensor:
        """Latents (count, Z), drawn where the generator is, so that a seed means the same on every device.

        `temperature` scales the deviation; a mixture's is that of the component chosen.
        """


class StandardNormal(nn.Module):
    """N(0, I)."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self._latent_dim = latent_dim

    def log_density(self, latent: Tensor) -> Tensor:
        """The log density of each dimension in nats, (..., Z)."""
        return normal_log_density(latent)

    def draw(self, count: int, generator: torch.Generator, *, temperature: float = 1.0) -> Tensor:
        """Latents (count, Z)."""
        return torch.randn(count, self._latent_dim, generator=generator) * temperature


class MixturePrior(nn.Module):
    """A mixture of diagonal Gaussians whose weights, means and variances are learned."""

    def __init__(self, latent_dim: int, components: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(components))
        self.means = nn.Parameter(torch.zeros(components, latent_dim))
        self.log_variances = nn.Parameter(torch.zeros(components, latent_dim))

    def log_density(self, latent: Tensor) -> Tensor:
        """What sums to log p(z) in nats, (..., Z)."""
        return mixture_log_density(latent, *self.components())

    def draw(self, count: int, generator: torch.Generator, *, temperature: float = 1.0) -> Tensor:
        """Latents (count, Z)."""
        return SettledMixture(*self.components()).draw(count, generator, temperature=temperature)

    def components(self) -> tuple[Tensor, Tensor, Tensor]:
        """Log weights (K,), means and log-variances (K, Z)."""
        return self.logits.log_softmax(0), self.means, self.log_variances

    @torch.no_grad()
    def start(self, generator: torch.Generator) -> None:
        """Part the components, which would else stay alike: means from N(0, I)."""
        self.means.normal_(generator=generator)


class VampPrior(nn.Module):
    """The mean of the posteriors of pseudo-images, which are learned.

    Tomczak and Welling, VAE with a VampPrior, 2018, equation 9.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        components: int,
        moments: Callable[[Tensor], tuple[Tensor, Tensor]],
        latent_dim: int,
    ) -> None:
        """`moments` gives mean and log-variance (K, Z) of the posteriors of images (K, C, H, W); the first `latent_dim` of Z count."""
        super().__init__()
        self.images = nn.Parameter(torch.full((components, *image_shape), 0.5))
        self._moments = moments
        self._latent_dim = latent_dim

    def log_density(self, latent: Tensor) -> Tensor:
        """What sums to log p(z) in nats, (..., Z)."""
        return mixture_log_density(latent, *self.components())

    def draw(self, count: int, generator: torch.Generator, *, temperature: float = 1.0) -> Tensor:
        """Latents (count, Z)."""
        return SettledMixture(*self.components()).draw(count, generator, temperature=temperature)

    def components(self) -> tuple[Tensor, Tensor, Tensor]:
        """Log weights (K,), means and log-variances (K, Z)."""
        means, log_variances = self._moments(self.images.clamp(0, 1))
        weights = means.new_full((len(means),), -math.log(len(means)))
        return weights, means[:, : self._latent_dim], log_variances[:, : self._latent_dim]

    @torch.no_grad()
    def start_as_noise(self, generator: torch.Generator) -> None:
        """Begin with middle grey, and hardly any noise."""
        self.images.normal_(0.5, _STARTING_NOISE, generator=generator)

    @torch.no_grad()
    def start(self, images: Tensor) -> None:
        """Begin with images (K, C, H, W) in [0, 1]."""
        self.images.copy_((images - 0.5) * _STARTING_CONTRAST + 0.5)


class LadderPrior(nn.Module):
    """A prior of the upper level of a ladder; the lower, which is counted from what the upper has it be, is N(0, I).

    Tomczak and Welling, VAE with a VampPrior, 2018, section 4.
    """

    def __init__(self, upper: VampPrior | SettledMixture, upper_dim: int, lower_dim: int) -> None:
        super().__init__()
        self.upper = upper
        self._upper_dim, self._lower_dim = upper_dim, lower_dim

    def log_density(self, latent: Tensor) -> Tensor:
        """What sums to log p(z) in nats, (..., Z)."""
        upper, lower = latent.split_with_sizes([self._upper_dim, self._lower_dim], -1)
        return torch.cat((self.upper.log_density(upper), normal_log_density(lower)), -1)

    def draw(self, count: int, generator: torch.Generator, *, temperature: float = 1.0) -> Tensor:
        """Latents (count, Z)."""
        upper = self.upper.draw(count, generator, temperature=temperature)
        return torch.cat((upper, torch.randn(count, self._lower_dim, generator=generator) * temperature), 1)

    def settled(self) -> LadderPrior:
        """The same density, whose upper level learns no more."""
        upper = _settled(self.upper) if isinstance(self.upper, VampPrior) else self.upper
        return LadderPrior(upper, self._upper_dim, self._lower_dim)


class ClassPrior(nn.Module):
    """A diagonal Gaussian for each of K classes, whose mean and variance are learned, and one for no class."""

    def __init__(self, latent_dim: int, class_count: int) -> None:
        super().__init__()
        self.means = nn.Parameter(torch.zeros(class_count + 1, latent_dim))
        self.log_variances = nn.Parameter(torch.zeros(class_count + 1, latent_dim))

    def given(self, labels: Tensor) -> ClassGaussian:
        """The prior p(z|y) of labels (B,), of which -1 is none."""
        rows = labels % len(self.means)
        return ClassGaussian(self.means[rows], self.log_variances[rows])


@dataclass(frozen=True)
class ClassGaussian:
    """N(mean, diag(exp(log_variance))), one for each of B images: (B, Z) both."""

    mean: Tensor
    log_variance: Tensor

    def log_density(self, latent: Tensor) -> Tensor:
        """What sums to log p(z|y) in nats, (B, ..., Z)."""
        shape = (len(self.mean), *[1] * (latent.dim() - 2), latent.shape[-1])
        mean, log_variance = self.mean.view(shape), self.log_variance.view(shape)
        return normal_log_density((latent - mean) * torch.exp(-0.5 * log_variance)) - 0.5 * log_variance

    def draw(self, count: int, generator: torch.Generator, *, temperature: float = 1.0) -> Tensor:
        """Latents (count, Z), one for each of the B = count images."""
        epsilon = torch.randn(count, self.mean.shape[1], generator=generator) * temperature
        return reparametrise(self.mean.detach().cpu(), self.log_variance.detach().cpu(), epsilon)


@dataclass(frozen=True)
class SettledMixture:
    """A mixture of K diagonal Gaussians that learns no more: `log_weights` (K,), `means`, `log_variances` (K, Z)."""

    log_weights: Tensor
    means: Tensor
    log_variances: Tensor

    def log_density(self, latent: Tensor) -> Tensor:
        """What sums to log p(z) in nats, (..., Z)."""
        return mixture_log_density(latent, self.log_weights, self.means, self.log_variances)

    def draw(self, count: int, generator: torch.Generator, *, temperature: float = 1.0) -> Tensor:
        """Latents (count, Z)."""
        weights = self.log_weights.detach().cpu().exp()
        chosen = torch.multinomial(weights, count, replacement=True, generator=generator)
        epsilon = torch.randn(count, self.means.shape[1], generator=generator) * temperature
        means, log_variances = self.means.detach().cpu(), self.log_variances.detach().cpu()
        return reparametrise(means[chosen], log_variances[chosen], epsilon)


def settle(prior: Prior | ClassPrior) -> Prior | ClassPrior:
    """The same density, with nothing of it to be worked out anew for each call."""
    if isinstance(prior, LadderPrior):
        return prior.settled()
    return _settled(prior) if isinstance(prior, MixturePrior | VampPrior) else prior


def _settled(prior: MixturePrior | VampPrior) -> SettledMixture:
    log_weights, means, log_variances = prior.components()
    return SettledMixture(log_weights.detach(), means.detach(), log_variances.detach())


def mixture_log_density(latent: Tensor, log_weights: Tensor, means: Tensor, log_variances: Tensor) -> Tensor:
    """What sums to the log density of latents (..., Z) in a mixture of K diagonal Gaussians, (..., Z).

    `log_weights` (K,), `means` and `log_variances` (K, Z). log p = sum_k r_k (log w_k + log N_k - log r_k) for the
    responsibilities r of the components; it is flat in them there, so that no gradient goes through them.
    """
    exact = torch.float32 if latent.device.type == "mps" else torch.float64  # squares cancel here
    flat = latent.reshape(-1, latent.shape[-1]).to(exact)
    means, log_variances, log_weights = means.to(exact), log_variances.to(exact), log_weights.to(exact)
    precisions = torch.exp(-log_variances)
    scaled = means * precisions
    constants = means * scaled + log_variances + math.log(2 * math.pi)
    squares = flat.square()
    joint = log_weights - 0.5 * (squares @ precisions.T - 2 * flat @ scaled.T + constants.sum(1))
    log_shares = joint.detach().log_softmax(1)
    shares = log_shares.exp()
    by_dimension = -0.5 * (squares * (shares @ precisions) - 2 * flat * (shares @ scaled) + shares @ constants)
    rest = (shares * (log_weights - log_shares)).sum(1, keepdim=True)
    return (by_dimension + rest * _parting(means.detach(), precisions.detach())).to(latent.dtype).view_as(latent)


def _parting(means: Tensor, precisions: Tensor) -> Tensor:
    """How much each dimension does to tell components (K, Z) apart: shares (Z,) that sum to 1."""
    apart = means.var(0, correction=0) * precisions.mean(0)
    total = apart.sum()
    return torch.where(total > 0, apart / total.clamp_min(1e-30), 1 / len(apart))
