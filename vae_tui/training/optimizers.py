"""Optimizers, learning-rate schedules and averaged weights, as a recipe names them."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from vae_tui.model import VAE
from vae_tui.recipe import OptimizerTable


def build_optimizer(
    table: OptimizerTable, parameters: Iterable[nn.Parameter], device: torch.device
) -> torch.optim.Optimizer:
    """The optimizer, fused into one pass over the weights where the device has that."""
    fused = device.type in ("cpu", "cuda")
    if table.name == "sgd":
        return torch.optim.SGD(
            parameters, table.lr, momentum=table.momentum, weight_decay=table.weight_decay, fused=fused
        )
    kind = torch.optim.AdamW if table.name == "adamw" else torch.optim.Adam
    return kind(parameters, table.lr, weight_decay=table.weight_decay, fused=fused)


def learning_rate(table: OptimizerTable, epoch: int, epochs: int | None) -> float:
    """The learning rate in epoch `epoch`, counted from 1, of `epochs`."""
    done = epoch - 1
    if table.schedule == "step":
        return table.lr * table.gamma ** sum(done >= milestone for milestone in table.milestones)
    if table.schedule == "exponential":
        return table.lr * table.gamma**done
    if table.schedule == "cosine":
        assert epochs is not None, "a recipe with a cosine has epochs"
        return table.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, done / epochs)))
    return table.lr


class AveragedWeights:
    """An exponential moving average of a VAE's weights, updated every step (Polyak and Juditsky, 1992).

    The decay starts small and grows as (1 + n) / (10 + n), so that the first random weights are soon forgotten.
    """

    def __init__(self, vae: VAE, decay: float) -> None:
        self.vae = copy.deepcopy(vae).requires_grad_(False)
        self._decay = decay
        self._sources: list[Tensor] = list(vae.parameters())
        self._averages: list[Tensor] = list(self.vae.parameters())
        self._source_buffers, self._buffers = list(vae.buffers()), list(self.vae.buffers())

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the weights after optimizer step `step`."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averages, self._sources, 1 - decay)
        for average, source in zip(self._buffers, self._source_buffers, strict=True):
            average.copy_(source)
