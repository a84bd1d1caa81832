"""The negative ELBO with a weight on its rate."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

from vae_tui.recipe import ObjectiveTable

_Nats = TypeVar("_Nats", Tensor, float)


class BetaElbo:
    """distortion + beta * rate, with beta rising linearly from 0 over the warm-up.

    Higgins et al., beta-VAE, 2017, equation 4; the warm-up is Sonderby et al., Ladder VAE, 2016, section 2.2.
    """

    def __init__(self, objective: ObjectiveTable) -> None:
        self._objective = objective

    @property
    def full_beta(self) -> float:
        """Beta once it has risen."""
        return self._objective.beta

    def beta(self, epochs: float) -> float:
        """Beta after that many epochs, whole or not."""
        warmup = self._objective.warmup_epochs
        return self._objective.beta * (min(1.0, epochs / warmup) if warmup > 0 else 1.0)

    def loss(self, distortion: _Nats, rate: _Nats, beta: _Nats | float) -> _Nats:
        """What is minimised, in nats: sums, means or plain numbers, as `distortion` and `rate` are."""
        if not self._objective.distortion:
            return beta * rate
        if self._objective.beta == 0:
            return distortion
        return distortion + beta * rate
