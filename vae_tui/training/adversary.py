"""The discriminator of an objective that has one, which learns beside the VAE by an optimizer of its own."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_tui.data import seed_for
from vae_tui.model.networks import initialize
from vae_tui.objective import Objective
from vae_tui.recipe import OptimizerTable, Recipe
from vae_tui.training.optimizers import build_optimizer

_TABLE = OptimizerTable(name="adam", lr=1e-4)
_BETAS = (0.5, 0.9)
"""Kim and Mnih, Disentangling by Factorising, 2018, appendix A."""


class Adversary:
    """Trains the discriminator of an objective."""

    def __init__(self, objective: Objective, recipe: Recipe, device: torch.device) -> None:
        assert objective.discriminator is not None, "only objectives with one have an adversary"
        self._objective, self._discriminator = objective, objective.discriminator
        initialize(self._discriminator, torch.Generator().manual_seed(seed_for(recipe.train.seed, "discriminator")))
        self._discriminator.to(device)
        self._optimizer = build_optimizer(_TABLE, self._discriminator.parameters(), betas=_BETAS)

    def loss(self, latent: Tensor, noise: Tensor) -> Tensor:
        """What the discriminator minimises, summed over codes (B, Z), which get no gradient; `noise` (B, Z) shuffles."""
        return self._objective.discriminator_loss(latent, noise)

    def clear_gradients(self) -> None:
        """Forget the gradients of the last step."""
        self._optimizer.clear_gradients()

    def step(self) -> None:
        """Move the discriminator's weights."""
        self._optimizer.step()

    def state(self) -> dict[str, Tensor]:
        """What `restore` takes."""
        weights = {f"weights.{name}": tensor for name, tensor in self._discriminator.state_dict().items()}
        return weights | {f"optimizer.{name}": tensor for name, tensor in self._optimizer.state().items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from `state`; raises KeyError or RuntimeError where something is missing or does not fit."""
        self._discriminator.load_state_dict(pick(state, "weights."))
        self._optimizer.restore(pick(state, "optimizer."))


def pick(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose name begins with a prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
