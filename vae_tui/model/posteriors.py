"""q(z|x): what an encoder's output means, how to draw from it, and what a draw costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_tui.model.gaussian import halves, normal_log_density, rate_per_dimension, reparametrise


@dataclass(frozen=True)
class Draw:
    """Latents (..., Z) and what they cost, in nats.

    `log_density` (..., Z) sums to log q(z|x). `normal_rate` (..., Z) sums to KL(q(z|x) || N(0, I)): exactly where it has
    a closed form, else as the draw estimates it. `penalty` (...) is what holds the encoder where it has no other hold.
    """

    latent: Tensor
    log_density: Tensor
    normal_rate: Tensor
    penalty: Tensor | None = None


class Posterior(Protocol):
    """A distribution of latents (..., Z), given an encoder's output of `size` numbers an image, (..., size).

    Those with a density can say, by `noise_of`, what noise (..., Z) `draw` makes latents (..., Z) from.
    """

    size: int

    def draw(self, parameters: Tensor, epsilon: Tensor) -> Draw:
        """A draw made from `epsilon` (..., Z) ~ N(0, I)."""

    def moments(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of each dimension, (..., Z) both."""


class DiagonalGaussian(nn.Module):
    """N(mean, diag(exp(log_variance))), the parameters being mean and log-variance.

    Kingma and Welling, Auto-Encoding Variational Bayes, 2014.
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.size = 2 * latent_dim

    def draw(self, parameters: Tensor, epsilon: Tensor) -> Draw:
        """A draw made from `epsilon` (..., Z) ~ N(0, I)."""
        mean, log_variance = halves(parameters)
        log_density = normal_log_density(epsilon) - 0.5 * log_variance
        return Draw(reparametrise(mean, log_variance, epsilon), log_density, rate_per_dimension(mean, log_variance))

    def log_density(self, parameters: Tensor, latent: Tensor) -> Tensor:
        """What sums to log q(z|x) in nats, (..., Z), for any latents (..., Z)."""
        return normal_log_density(self.noise_of(parameters, latent)) - 0.5 * halves(parameters)[1]

    def noise_of(self, parameters: Tensor, latent: Tensor) -> Tensor:
        """The noise (..., Z) that `draw` makes these latents (..., Z) from."""
        mean, log_variance = halves(parameters)
        return (latent - mean) * torch.exp(-0.5 * log_variance)

    def moments(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance, (..., Z) both."""
        return halves(parameters)


class FullGaussian(nn.Module):
    """N(mean, L L^T) with L lower triangular: the parameters are mean, log of L's squared diagonal, and what is below it."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self._latent_dim = latent_dim
        self._below = latent_dim * (latent_dim - 1) // 2
        self.size = 2 * latent_dim + self._below
        self.register_buffer("_rows", torch.tril_indices(latent_dim, latent_dim, -1), persistent=False)
        self._rows: Tensor

    def draw(self, parameters: Tensor, epsilon: Tensor) -> Draw:
        """A draw made from `epsilon` (..., Z) ~ N(0, I)."""
        mean, log_squares, factor = self._split(parameters)
        latent = mean + (factor @ epsilon[..., None])[..., 0]
        log_density = normal_log_density(epsilon) - 0.5 * log_squares
        normal_rate = 0.5 * (mean.square() + factor.square().sum(-1) - 1 - log_squares)
        return Draw(latent, log_density, normal_rate.expand_as(latent))

    def log_density(self, parameters: Tensor, latent: Tensor) -> Tensor:
        """What sums to log q(z|x) in nats, (..., Z), for any latents (..., Z)."""
        return normal_log_density(self.noise_of(parameters, latent)) - 0.5 * self._split(parameters)[1]

    def noise_of(self, parameters: Tensor, latent: Tensor) -> Tensor:
        """The noise (..., Z) that `draw` makes these latents (..., Z) from."""
        mean, _, factor = self._split(parameters)
        noise: Tensor = torch.linalg.solve_triangular(factor, (latent - mean)[..., None], upper=False)
        return noise[..., 0]

    def moments(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of each dimension by itself, (..., Z) both."""
        mean, _, factor = self._split(parameters)
        return mean, factor.square().sum(-1).log()

    def _split(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean (..., Z), the logs of the squared diagonal (..., Z), and L (..., Z, Z)."""
        mean, log_squares, below = parameters.split_with_sizes([self._latent_dim, self._latent_dim, self._below], -1)
        factor = torch.diag_embed(torch.exp(0.5 * log_squares))
        factor[..., self._rows[0], self._rows[1]] = below
        return mean, log_squares, factor


class InverseAutoregressiveFlow(nn.Module):
    """A diagonal Gaussian whose draws go through steps z <- s z + (1 - s) m, with m and s of the dimensions before.

    The parameters are mean, log-variance, and a context that every step sees; between steps the order of the dimensions
    is turned round. Kingma et al., Improved Variational Inference with Inverse Autoregressive Flow, 2016, algorithm 1.
    """

    def __init__(self, latent_dim: int, steps: int, hidden: int) -> None:
        super().__init__()
        self._latent_dim = latent_dim
        self.size = 2 * latent_dim + hidden
        self.steps = nn.ModuleList(_AutoregressiveStep(latent_dim, hidden) for _ in range(steps))

    def draw(self, parameters: Tensor, epsilon: Tensor) -> Draw:
        """A draw made from `epsilon` (..., Z) ~ N(0, I)."""
        base, context = parameters[..., : 2 * self._latent_dim], parameters[..., 2 * self._latent_dim :]
        mean, log_variance = halves(base)
        latent = reparametrise(mean, log_variance, epsilon)
        log_density = normal_log_density(epsilon) - 0.5 * log_variance
        for step in self.steps:
            latent, log_scale = step(latent, context)
            latent, log_density = latent.flip(-1), (log_density - log_scale).flip(-1)
        return Draw(latent, log_density, log_density - normal_log_density(latent))

    def noise_of(self, parameters: Tensor, latent: Tensor) -> Tensor:
        """The noise (..., Z) that `draw` makes these latents (..., Z) from, one dimension after the other."""
        base, context = parameters[..., : 2 * self._latent_dim], parameters[..., 2 * self._latent_dim :]
        for step in reversed(self.steps):
            moved, latent = latent.flip(-1), torch.zeros_like(latent)
            for dimension in range(self._latent_dim):
                found = cast(_AutoregressiveStep, step).undo(latent, context, moved)
                latent = torch.cat((found[..., : dimension + 1], latent[..., dimension + 1 :]), -1)
        mean, log_variance = halves(base)
        return (latent - mean) * torch.exp(-0.5 * log_variance)

    def moments(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of each dimension, (..., Z) both, from 64 draws that are the same every time."""
        generator = torch.Generator().manual_seed(0)
        half = torch.randn(32, self._latent_dim, generator=generator).to(parameters.device)
        latent = self.draw(parameters[..., None, :], torch.cat((half, -half))).latent
        return latent.mean(-2), latent.var(-2).clamp_min(1e-12).log()


class _AutoregressiveStep(nn.Module):
    """A network whose output for each dimension depends on the dimensions before it alone, and on a context (MADE)."""

    def __init__(self, latent_dim: int, hidden: int) -> None:
        super().__init__()
        degrees = torch.arange(1, latent_dim + 1)
        hidden_degrees = torch.arange(hidden) % max(1, latent_dim - 1) + 1
        self.first = _MaskedLinear(hidden_degrees[:, None] >= degrees[None, :])
        self.context = nn.Linear(hidden, hidden)
        self.last = _MaskedLinear((degrees[:, None] > hidden_degrees[None, :]).repeat(2, 1))

    def forward(self, latent: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Latents (..., Z) moved, and the log of what each dimension was scaled by, (..., Z)."""
        shift, log_scale = self._shift_and_scale(latent, context)
        return torch.lerp(shift, latent, log_scale.exp()), log_scale

    def undo(self, latent: Tensor, context: Tensor, moved: Tensor) -> Tensor:
        """What latents were before they were `moved`, in the dimensions whose predecessors `latent` (..., Z) has right."""
        shift, log_scale = self._shift_and_scale(latent, context)
        return shift + (moved - shift) * torch.exp(-log_scale)

    def _shift_and_scale(self, latent: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Where each dimension is moved towards, and the log of what it is scaled by, (..., Z) both."""
        features = functional.elu(self.first(latent) + self.context(functional.elu(context)))
        shift, gate = halves(self.last(features))
        return shift, functional.logsigmoid(gate + 2)  # begins by changing little


class _MaskedLinear(nn.Linear):
    """A linear layer without the weights where `mask` (outputs, inputs) is false."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("_mask", mask.float(), persistent=False)
        self._mask: Tensor

    def forward(self, inputs: Tensor) -> Tensor:
        return functional.linear(inputs, self.weight * self._mask, self.bias)
