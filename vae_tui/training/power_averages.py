"""Averages of a VAE's weights whose memory grows with the run, kept up at every step.

Out of what a run keeps of them `vae_tui.evaluation.averages` makes those of any width.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from vae_tui.evaluation.averages import power_of
from vae_tui.model import VAE
from vae_tui.training.optimizers import in_pieces


class PowerAverages:
    """Averages of a VAE's weights in which those after step n count as n^gamma, one for each of some widths.

    Karras et al., *Analyzing and Improving the Training Dynamics of Diffusion Models*, 2024, section 3.1. Buffers
    that are floats, such as a batch norm's statistics, are averaged alike; others are the newest.
    """

    def __init__(self, vae: VAE, widths: Sequence[float]) -> None:
        """`widths` are relative to the length of the run so far, as `power_of` takes them."""
        self.vaes = tuple(copy.deepcopy(vae).requires_grad_(False) for _ in widths)
        """With averaged weights, in the order of the widths."""
        self._vae = vae
        self._exponents = [power_of(width) + 1 for width in widths]
        self._sources, self._counts = _split(vae)
        self._averages = [_split(average) for average in self.vaes]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the averages towards the weights after optimizer step `step`, the first of which is 1."""
        for exponent, (averages, counts) in zip(self._exponents, self._averages, strict=True):
            torch._foreach_lerp_(averages, self._sources, 1 - (1 - 1 / step) ** exponent)
            for count, source in zip(counts, self._counts, strict=True):
                count.copy_(source)

    def state(self) -> dict[str, Tensor]:
        """What `restore` takes: the weights of each average."""
        return {
            f"{index}.{name}": tensor
            for index, vae in enumerate(self.vaes)
            for name, tensor in vae.state_dict().items()
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state`; from an empty one as if the weights had been from the start what they are.

        Raises RuntimeError where something is missing.
        """
        for index, vae in enumerate(self.vaes):
            prefix = f"{index}."
            mine = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
            vae.load_state_dict(mine if state else self._vae.state_dict())


def _split(vae: VAE) -> tuple[list[Tensor], list[Tensor]]:
    """What of a VAE is averaged, and what is not: its tensors of floats, in pieces, and of whole numbers."""
    tensors = (*vae.parameters(), *vae.buffers())
    floats = [tensor for tensor in tensors if tensor.is_floating_point()]
    return in_pieces(floats), [tensor for tensor in tensors if not tensor.is_floating_point()]
