"""What every objective offers, and which one a recipe names.

A new objective is one class in a file of its own here, and what it adds to the recipe's `[objective]` table.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from vae_tui.errors import RunError
from vae_tui.model import Terms
from vae_tui.objective.schedules import scheduled_beta
from vae_tui.recipe import ObjectiveTable


class Objective(ABC):
    """What is minimised, and all that it needs beside what the VAE gives.

    The defaults are those of a loss whose rate weighs beta and whose checkpoints are chosen by -ELBO.
    """

    name: ClassVar[str]
    """Its name in a recipe."""
    takes_noise: ClassVar[bool] = False
    """Whether its loss takes draws `noise` (B, Z) ~ N(0, I) that nothing else takes."""
    is_sum_over_images: ClassVar[bool] = False
    """Whether the loss of a batch is the sum of those of its images, so that several devices can share it."""
    is_one_loss: ClassVar[bool] = True
    """Whether all gradients are those of one loss, so that torch can compile them."""
    discriminator: nn.Module | None = None
    """A network that learns beside the VAE, by an optimizer of its own."""

    def __init__(self, table: ObjectiveTable, *, latent_dim: int, image_count: int) -> None:
        """For a VAE of `latent_dim` latents trained on `image_count` images."""
        self.table = table

    @classmethod
    def supports_manual_backward(cls, table: ObjectiveTable) -> bool:
        """Whether it is distortion + beta * rate, whose gradients `training.dense` derives by hand."""
        return False

    def change(self, table: ObjectiveTable) -> bool:
        """Minimise by another table of the same objective from here on.

        Returns whether more than its `weights` is another, so that a step made for it before does not fit it any more.
        """
        before, self.table = self.table, table
        constants = [{**one.model_dump(), "beta": one.beta == 0, "capacity": 0.0} for one in (before, table)]
        return constants[0] != constants[1]

    @property
    def draws(self) -> int:
        """Draws of z an image, on an axis of their own; 0: one, without an axis."""
        return 0

    def weights(self, epochs: float) -> dict[str, float]:
        """What the loss takes that changes while a model trains, after that many epochs, whole or not; `beta` among it."""
        return {"beta": scheduled_beta(self.table, epochs)}

    @abstractmethod
    def loss(self, terms: Terms, inputs: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images.

        `inputs` has what `weights` gives, as tensors, and `noise` where that is taken.
        """

    def discriminator_loss(self, latent: Tensor, noise: Tensor) -> Tensor:
        """What the discriminator minimises, summed over codes (B, Z), which get no gradient; `noise` (B, Z) shuffles."""
        raise TypeError(f"{self.name} has no discriminator")

    def selection_loss(self, distortion: float, rate: float, bound: float) -> float:
        """The loss by which checkpoints are chosen, from means over the validation images, in nats.

        `bound` is the importance-weighted bound of `draws` draws. Weights are those at the end of all schedules, so that
        epochs compare.
        """
        return distortion + rate

    @property
    def loss_name(self) -> str:
        """What `selection_loss` is, in words; empty where it is -ELBO."""
        return ""


def build_objective(table: ObjectiveTable, *, latent_dim: int, image_count: int) -> Objective:
    """The objective a recipe names, for a VAE of `latent_dim` latents trained on `image_count` images."""
    return find_objective(table.name)(table, latent_dim=latent_dim, image_count=image_count)


def find_objective(name: str) -> type[Objective]:
    """The class of an objective; raises RunError for a name that none has."""
    for module in pkgutil.iter_modules([__file__.rpartition("/")[0]]):
        importlib.import_module(f"vae_tui.objective.{module.name}")
    kinds = {kind.name: kind for kind in Objective.__subclasses__()}
    if name not in kinds:
        raise RunError(f'[objective] name = "{name}": no class in vae_tui/objective has this name')
    return kinds[name]


def beta_weighted(table: ObjectiveTable) -> str:
    """The name of distortion + beta * rate at full beta; empty where that is -ELBO."""
    if table.beta == 1:
        return ""
    return f"distortion + {table.beta:g} rate" if table.beta else "distortion"
