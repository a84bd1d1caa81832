"""The negative ELBO with a weight on its rate, and what holds the rate at or above a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor

from vae_tui.model import Terms
from vae_tui.objective.objective import Objective, beta_weighted
from vae_tui.objective.schedules import capacity_after
from vae_tui.recipe import ObjectiveTable

_Nats = TypeVar("_Nats", Tensor, float)


class BetaElbo(Objective):
    """distortion + beta * rate.

    Higgins et al., beta-VAE, 2017, equation 4.
    """

    name = "elbo"
    is_sum_over_images = True

    @classmethod
    def supports_manual_backward(cls, table: ObjectiveTable) -> bool:
        """Not for the rate alone."""
        return table.distortion

    def loss(self, terms: Terms, inputs: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images."""
        return self.weigh(terms.distortion.sum(), terms.rate_per_dimension.sum(), inputs["beta"])

    def weigh(self, distortion: _Nats, rate: _Nats, beta: _Nats | float) -> _Nats:
        """The same of sums, means or plain numbers."""
        if not self.table.distortion:
            return beta * rate
        if self.table.beta == 0:
            return distortion
        return distortion + beta * rate

    def selection_loss(self, distortion: float, rate: float, bound: float) -> float:
        """At full beta."""
        return self.weigh(distortion, rate, self.table.beta)

    @property
    def loss_name(self) -> str:
        """As the weights have it."""
        if not self.table.distortion:
            return "rate" if self.table.beta == 1 else f"{self.table.beta:g} rate"
        return beta_weighted(self.table)


class FreeBits(Objective):
    """distortion + beta * sum over the latent dimensions of max(free bits, mean rate), or the same of all at once.

    Kingma et al., Improved Variational Inference with Inverse Autoregressive Flow, 2016, equation 15; the means are over
    the batch.
    """

    name = "free-bits"

    def loss(self, terms: Terms, inputs: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images."""
        rates = terms.rate_per_dimension.mean(0)
        if self.table.free_bits_per == "image":
            rates = rates.sum(0, keepdim=True)
        paid = rates.clamp_min(self.table.free_bits).sum() * len(terms.distortion)
        return terms.distortion.sum() + inputs["beta"] * paid

    def selection_loss(self, distortion: float, rate: float, bound: float) -> float:
        """At full beta, with nothing free."""
        return distortion + self.table.beta * rate

    @property
    def loss_name(self) -> str:
        """As the weights have it."""
        return beta_weighted(self.table)


class Capacity(Objective):
    """distortion + gamma * |mean rate - capacity|, with a capacity that grows.

    Burgess et al., Understanding Disentangling in beta-VAE, 2018, equation 8; the mean is over the batch.
    """

    name = "capacity"

    def weights(self, epochs: float) -> dict[str, float]:
        """Gamma, as beta, and the capacity after that many epochs, whole or not."""
        return {"beta": self._gamma, "capacity": capacity_after(self.table, epochs)}

    def loss(self, terms: Terms, inputs: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images."""
        excess = terms.rate_per_dimension.sum(1).mean() - inputs["capacity"]
        return terms.distortion.sum() + inputs["beta"] * excess.abs() * len(terms.distortion)

    def selection_loss(self, distortion: float, rate: float, bound: float) -> float:
        """At full capacity."""
        return distortion + self._gamma * abs(rate - self.table.capacity)

    @property
    def loss_name(self) -> str:
        """As the weights have it."""
        return f"distortion + {self._gamma:g} |rate - {self.table.capacity:g}|"

    @property
    def _gamma(self) -> float:
        assert self.table.gamma is not None, "the recipe chooses one"
        return self.table.gamma


class ImportanceWeighted(Objective):
    """-log of the mean of p(x, z) / q(z|x) over K draws of z; with one draw, the negative ELBO.

    Burda et al., Importance Weighted Autoencoders, 2016, equation 8. The posterior's gradient is the doubly
    reparametrised one of Tucker et al., Doubly Reparameterized Gradient Estimators, 2019, equation 8: each draw's by its
    weight squared.
    """

    name = "iwae"
    is_sum_over_images = True
    is_one_loss = False

    @property
    def draws(self) -> int:
        """Draws of z an image."""
        return self.table.samples

    def weights(self, epochs: float) -> dict[str, float]:
        """Beta is always 1."""
        return {"beta": 1.0}

    def loss(self, terms: Terms, inputs: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images; `terms` have K draws each."""
        log_weights = -(terms.distortion + terms.rate_per_dimension.sum(-1))
        if terms.latent.requires_grad:
            # What reaches a draw has its weight as a factor already.
            shares = log_weights.detach().softmax(1)[..., None]
            terms.latent.register_hook(lambda gradient: gradient * shares)  # type: ignore[no-untyped-call]
        return -importance_bound(log_weights).sum()

    def selection_loss(self, distortion: float, rate: float, bound: float) -> float:
        """The bound of as many draws as train."""
        return -bound

    @property
    def loss_name(self) -> str:
        """With one draw it is -ELBO."""
        return f"-bound of {self.draws} draws" if self.draws > 1 else ""


def importance_bound(log_weights: Tensor) -> Tensor:
    """log of the mean over K of exp(log_weights) (B, K), in nats: (B,)."""
    return torch.logsumexp(log_weights, 1) - math.log(log_weights.shape[1])
