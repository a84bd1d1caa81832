"""The negative ELBO with a weight on its rate, and what holds the rate at or above a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor

from vae_tui.model import Terms
from vae_tui.objective.schedules import capacity_after, scheduled_beta
from vae_tui.recipe import ObjectiveTable

_Nats = TypeVar("_Nats", Tensor, float)


class BetaElbo:
    """distortion + beta * rate.

    Higgins et al., beta-VAE, 2017, equation 4.
    """

    def __init__(self, objective: ObjectiveTable) -> None:
        self._objective = objective

    def weights(self, epochs: float) -> dict[str, float]:
        """Beta after that many epochs, whole or not."""
        return {"beta": scheduled_beta(self._objective, epochs)}

    def loss(self, terms: Terms, weights: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images."""
        return self.weigh(terms.distortion.sum(), terms.rate_per_dimension.sum(), weights["beta"])

    def weigh(self, distortion: _Nats, rate: _Nats, beta: _Nats | float) -> _Nats:
        """The same of sums, means or plain numbers."""
        if not self._objective.distortion:
            return beta * rate
        if self._objective.beta == 0:
            return distortion
        return distortion + beta * rate

    def judge(self, distortion: float, rate: float) -> float:
        """The loss by which checkpoints are chosen: at full beta."""
        return self.weigh(distortion, rate, self._objective.beta)


class FreeBits:
    """distortion + beta * sum over the latent dimensions of max(free bits, mean rate), or the same of all at once.

    Kingma et al., Improved Variational Inference with Inverse Autoregressive Flow, 2016, equation 15; the means are over
    the batch.
    """

    def __init__(self, objective: ObjectiveTable) -> None:
        self._objective = objective

    def weights(self, epochs: float) -> dict[str, float]:
        """Beta after that many epochs, whole or not."""
        return {"beta": scheduled_beta(self._objective, epochs)}

    def loss(self, terms: Terms, weights: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images."""
        rates = terms.rate_per_dimension.mean(0)
        if self._objective.free_bits_per == "image":
            rates = rates.sum(0, keepdim=True)
        paid = rates.clamp_min(self._objective.free_bits).sum() * len(terms.distortion)
        return terms.distortion.sum() + weights["beta"] * paid

    def judge(self, distortion: float, rate: float) -> float:
        """The loss by which checkpoints are chosen: at full beta, with nothing free."""
        return distortion + self._objective.beta * rate


class Capacity:
    """distortion + gamma * |mean rate - capacity|, with a capacity that grows.

    Burgess et al., Understanding Disentangling in beta-VAE, 2018, equation 8; the mean is over the batch.
    """

    def __init__(self, objective: ObjectiveTable) -> None:
        self._objective = objective

    def weights(self, epochs: float) -> dict[str, float]:
        """Gamma, as beta, and the capacity after that many epochs, whole or not."""
        assert self._objective.gamma is not None, "the recipe chooses one"
        return {"beta": self._objective.gamma, "capacity": capacity_after(self._objective, epochs)}

    def loss(self, terms: Terms, weights: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images."""
        excess = terms.rate_per_dimension.sum(1).mean() - weights["capacity"]
        return terms.distortion.sum() + weights["beta"] * excess.abs() * len(terms.distortion)

    def judge(self, distortion: float, rate: float) -> float:
        """The loss by which checkpoints are chosen: at full capacity."""
        assert self._objective.gamma is not None, "the recipe chooses one"
        return distortion + self._objective.gamma * abs(rate - self._objective.capacity)


class ImportanceWeighted:
    """-log of the mean of p(x, z) / q(z|x) over K draws of z; with one draw, the negative ELBO.

    Burda et al., Importance Weighted Autoencoders, 2016, equation 8. The posterior's gradient is the doubly
    reparametrised one of Tucker et al., Doubly Reparameterized Gradient Estimators, 2019, equation 8: each draw's by its
    weight squared.
    """

    def weights(self, epochs: float) -> dict[str, float]:
        """Beta is always 1."""
        return {"beta": 1.0}

    def loss(self, terms: Terms, weights: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images; `terms` have K draws each."""
        log_weights = -(terms.distortion + terms.rate_per_dimension.sum(-1))
        if terms.latent.requires_grad:
            # What reaches a draw has its weight as a factor already.
            shares = log_weights.detach().softmax(1)[..., None]
            terms.latent.register_hook(lambda gradient: gradient * shares)  # type: ignore[no-untyped-call]
        return -importance_bound(log_weights).sum()

    def judge(self, distortion: float, rate: float) -> float:
        """The loss by which checkpoints are chosen: the negative ELBO."""
        return distortion + rate


def importance_bound(log_weights: Tensor) -> Tensor:
    """log of the mean over K of exp(log_weights) (B, K), in nats: (B,)."""
    count = torch.tensor(log_weights.shape[1], dtype=log_weights.dtype, device=log_weights.device)
    return torch.logsumexp(log_weights, 1) - count.log()
