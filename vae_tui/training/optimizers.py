"""Optimizers, learning-rate schedules and averaged weights, as a recipe names them."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from vae_tui.model import VAE
from vae_tui.recipe import OptimizerTable
from vae_tui.training.aside import Aside

_KERNELS = {"adam": "_fused_adam_", "adamw": "_fused_adamw_", "sgd": "_fused_sgd_"}
"""Private names of torch: what torch.optim calls with `fused=True`."""


class Optimizer(Protocol):
    """Moves weights by their gradients; `lr` is the learning rate of the steps to come."""

    lr: float

    def clear_gradients(self) -> None:
        """Forget the gradients of the last step."""

    def step(self) -> None:
        """Move the weights that have a gradient."""

    def state(self) -> dict[str, Tensor]:
        """What `restore` takes: the steps taken, and the moments of each weight."""

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state`; raises KeyError where something is missing."""


_PIECES = 128
_PIECE_OF = 1024
_PIECES_PER_LAUNCH = 36
"""torch's kernels take no more tensors of four kinds at once."""


def in_pieces(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The tensors as they are, but on a GPU their memory in about 128 flat pieces.

    Kernels that take many tensors work on 65,536 numbers a block, so that a small network would keep a tenth of a large
    GPU busy (benchmarks/LOG.md).
    """
    if not tensors or tensors[0].device.type != "cuda":
        return list(tensors)
    count = sum(tensor.numel() for tensor in tensors)
    size = -(-count // (_PIECES * _PIECE_OF)) * _PIECE_OF
    flat = (tensor.detach().as_strided((tensor.numel(),), (1,)) for tensor in tensors)
    return [piece for tensor in flat for piece in torch.split(tensor, size)]


def build_optimizer(
    table: OptimizerTable, parameters: Iterable[nn.Parameter], *, betas: tuple[float, float] = (0.9, 0.999)
) -> Optimizer:
    """The optimizer a recipe names; `betas` are the decays of Adam's two moments.

    By torch's fused kernels, or, where this torch has them no more under the names we know, by torch.optim.
    """
    kind = FusedOptimizer if all(hasattr(torch, name) for name in _KERNELS.values()) else PublicOptimizer
    return kind(table, parameters, betas=betas)


class FusedOptimizer:
    """Adam (Kingma and Ba, 2015), AdamW (Loshchilov and Hutter, 2019) or SGD with momentum, in one pass over the weights.

    It calls what torch.optim calls with `fused=True`. Importing that takes as long as torch itself, for a compiler that
    plain training has no use for, and its bookkeeping a fifth of a millisecond a step (benchmarks/LOG.md).
    """

    def __init__(
        self,
        table: OptimizerTable,
        parameters: Iterable[nn.Parameter],
        *,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        """`betas` are the decays of Adam's two moments."""
        self._table = table
        self._betas = betas
        self._parameters = list(parameters)
        names = ("exp_avg", "exp_avg_sq") if table.name != "sgd" else ("momentum_buffer",) if table.momentum else ()
        self._slots = {name: [torch.zeros_like(parameter) for parameter in self._parameters] for name in names}
        device = self._parameters[0].device
        self._aside = Aside(device)
        self._step = torch.zeros((), device=device)
        # On a GPU in its memory, where a recorded step finds it.
        self._lr: float | Tensor = torch.tensor(table.lr, device=device) if device.type == "cuda" else table.lr
        self.lr = table.lr

    @property
    def lr(self) -> float:
        """The learning rate of the steps to come."""
        return self._latest_lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._latest_lr = value
        if isinstance(self._lr, Tensor):
            self._lr.fill_(value)
        else:
            self._lr = value

    def clear_gradients(self) -> None:
        """Forget the gradients of the last step."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move the weights that have a gradient."""
        found = [(i, weight, weight.grad) for i, weight in enumerate(self._parameters) if weight.grad is not None]
        weights: list[Tensor] = [weight for _, weight, _ in found]
        gradients = [gradient for _, _, gradient in found]
        moments = [[slot[index] for index, _, _ in found] for slot in self._slots.values()]
        self._step += 1
        if not self._aside.is_any:
            self._move(weights, gradients, *moments)
            return
        pieces = [in_pieces(tensors) for tensors in (weights, gradients, *moments)]
        kinds = [f"optimizer {number}" for number in range(-(-len(pieces[0]) // _PIECES_PER_LAUNCH))]
        for number, kind in enumerate(kinds):
            with self._aside(kind):
                self._move(*(tensors[number :: len(kinds)] for tensors in pieces))
        self._aside.join(*kinds)

    def _move(self, weights: Sequence[Tensor], gradients: Sequence[Tensor], *moments: Sequence[Tensor]) -> None:
        table, move = self._table, getattr(torch, _KERNELS[self._table.name])
        common = {"lr": self._lr, "weight_decay": table.weight_decay, "maximize": False}
        if table.name == "sgd":
            more = {"momentum": table.momentum, "dampening": 0.0, "nesterov": False, "is_first_step": False}
            move(weights, gradients, *(moments or [[]]), **common, **more)
        else:
            more = {"beta1": self._betas[0], "beta2": self._betas[1], "eps": 1e-8, "amsgrad": False}
            move(weights, gradients, *moments, [], [self._step] * len(weights), **common, **more)

    def state(self) -> dict[str, Tensor]:
        """What `restore` takes: the steps taken, and the moments of each weight."""
        moments = {f"{index}.{name}": tensor for name, slot in self._slots.items() for index, tensor in enumerate(slot)}
        return moments | {"step": self._step}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state`; raises KeyError where something is missing."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])


class PublicOptimizer:
    """The same optimizers by torch.optim, which is slower to import and to step, but a public interface.

    Its states are those of `FusedOptimizer`, its steps equal to rounding.
    """

    def __init__(
        self, table: OptimizerTable, parameters: Iterable[nn.Parameter], *, betas: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        from torch import optim  # noqa: PLC0415 - as long to import as torch itself

        self._parameters = list(parameters)
        self._names = (
            ("exp_avg", "exp_avg_sq") if table.name != "sgd" else ("momentum_buffer",) if table.momentum else ()
        )
        common: dict[str, Any] = {"lr": table.lr, "weight_decay": table.weight_decay}
        if table.name == "sgd":
            self._optimizer: Any = optim.SGD(self._parameters, momentum=table.momentum, **common)
        else:
            kind = optim.AdamW if table.name == "adamw" else optim.Adam
            self._optimizer = kind(self._parameters, betas=betas, **common)
        self._steps = 0
        self._lr = table.lr

    @property
    def lr(self) -> float:
        """The learning rate of the steps to come."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = value
        for group in self._optimizer.param_groups:
            group["lr"] = value

    def clear_gradients(self) -> None:
        """Forget the gradients of the last step."""
        self._optimizer.zero_grad(set_to_none=True)

    def step(self) -> None:
        """Move the weights that have a gradient."""
        self._optimizer.step()
        self._steps += 1

    def state(self) -> dict[str, Tensor]:
        """What `restore` takes: the steps taken, and the moments of each weight."""
        moments = {}
        for index, parameter in enumerate(self._parameters):
            found = self._optimizer.state.get(parameter, {})
            for name in self._names:
                moment = found.get(name)
                moments[f"{index}.{name}"] = torch.zeros_like(parameter) if moment is None else moment
        return moments | {"step": torch.tensor(float(self._steps))}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state`; raises KeyError where something is missing."""
        self._steps = int(state["step"])
        for index, parameter in enumerate(self._parameters):
            moments = {name: state[f"{index}.{name}"].clone().to(parameter.device) for name in self._names}
            self._optimizer.state[parameter] = moments | {"step": torch.tensor(float(self._steps))}


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
        self._sources = in_pieces(list(vae.parameters()))
        self._averages = in_pieces(list(self.vae.parameters()))
        self._source_buffers, self._buffers = list(vae.buffers()), list(self.vae.buffers())

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the weights after optimizer step `step`."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averages, self._sources, 1 - decay)
        for average, source in zip(self._buffers, self._source_buffers, strict=True):
            average.copy_(source)
