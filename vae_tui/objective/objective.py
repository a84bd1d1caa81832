"""What every objective offers, and which one a recipe names.

A new objective is one class in a file of its own here, and what it adds to the recipe's `[objective]` table.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from vae_tui.errors import RecipeError, RunError
from vae_tui.model import Terms
from vae_tui.model.own import OWN_MODULE, calling, find_own_class
from vae_tui.objective.schedules import scheduled_beta
from vae_tui.recipe import ObjectiveTable

_BATCH = 2


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
    kind = find_objective(table)
    if table.code is None:
        return kind(table, latent_dim=latent_dim, image_count=image_count)
    file = table.name.partition(":")[0]
    objective: Objective = calling(
        file, lambda: kind(table, latent_dim=latent_dim, image_count=image_count), kind.__name__
    )
    _check_own(file, objective, latent_dim)
    return objective


def _check_own(file: str, objective: Objective, latent_dim: int) -> None:
    """Raise RecipeError where the loss of a batch is not one number with a gradient."""
    values = torch.full((_BATCH,), 0.5, requires_grad=True)
    by_dimension = torch.full((_BATCH, latent_dim), 0.1, requires_grad=True)
    terms = Terms(values, by_dimension, by_dimension, by_dimension, torch.cat((by_dimension, by_dimension), 1))
    inputs = {name: torch.tensor(weight) for name, weight in objective.weights(0.0).items()}
    inputs["noise"] = torch.zeros(_BATCH, latent_dim)
    name = type(objective).__name__
    loss = calling(file, lambda: objective.loss(terms, inputs), f"{name}.loss of a batch of {_BATCH}")
    if not isinstance(loss, Tensor) or loss.shape != () or not loss.requires_grad or not torch.isfinite(loss):
        found = f"a tensor {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise RecipeError(
            file,
            [f"{name}.loss makes {found}; expected one number (), in nats, summed over the images, with a gradient"],
        )


def find_objective(table: ObjectiveTable) -> type[Objective]:
    """The class of an objective; raises RunError for a name that none has, RecipeError where one's own is none."""
    name = table.name
    if table.code is not None:
        own: type[Objective] = find_own_class(name, table.code, Objective)
        return own
    for module in pkgutil.iter_modules([__file__.rpartition("/")[0]]):
        importlib.import_module(f"vae_tui.objective.{module.name}")
    # One of the user's own stands for nothing but itself, whatever it is called.
    known = (kind for kind in Objective.__subclasses__() if not kind.__module__.startswith(OWN_MODULE))
    kinds = {kind.name: kind for kind in known}
    if name not in kinds:
        raise RunError(f'[objective] name = "{name}": no class in vae_tui/objective has this name')
    return kinds[name]


def beta_weighted(table: ObjectiveTable) -> str:
    """The name of distortion + beta * rate at full beta; empty where that is -ELBO."""
    if table.beta == 1:
        return ""
    return f"distortion + {table.beta:g} rate" if table.beta else "distortion"
