"""What every objective offers, and which one a recipe names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from vae_tui.model import Terms
from vae_tui.objective.aggregate import DipVae, MmdVae
from vae_tui.objective.correlation import BetaTcvae, Factor
from vae_tui.objective.elbo import BetaElbo, Capacity, FreeBits, ImportanceWeighted
from vae_tui.recipe import ObjectiveTable

WHOLE_BATCHES = ("free-bits", "capacity", "tcvae", "factor", "dip", "mmd")
"""Objectives that are no sum over images: a batch cannot be shared out."""


class Objective(Protocol):
    """What is minimised."""

    def weights(self, epochs: float) -> dict[str, float]:
        """What the loss takes that changes while a model trains, after that many epochs; `beta` among it."""

    def loss(self, terms: Terms, weights: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images.

        `weights` has what `weights` gives, as tensors, and draws `noise` (B, Z) ~ N(0, I) that nothing else takes.
        """

    def judge(self, distortion: float, rate: float) -> float:
        """The loss by which checkpoints are chosen, from the means over the validation images, in nats."""


def build_objective(objective: ObjectiveTable, *, latent_dim: int, image_count: int) -> Objective:
    """The objective a recipe names, for training on `image_count` images."""
    if objective.name == "free-bits":
        return FreeBits(objective)
    if objective.name == "capacity":
        return Capacity(objective)
    if objective.name == "iwae":
        return ImportanceWeighted()
    if objective.name == "tcvae":
        return BetaTcvae(objective, image_count)
    if objective.name == "factor":
        return Factor(objective, latent_dim)
    if objective.name == "dip":
        return DipVae(objective)
    if objective.name == "mmd":
        return MmdVae(objective)
    return BetaElbo(objective)
