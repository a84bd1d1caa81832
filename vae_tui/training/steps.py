"""The ways to take a training step, behind one interface, of which one is chosen for a run.

Every way sets the gradients of the batch's mean loss, and then all end alike: sums over the ranks, clipping, and the
optimizers' steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from vae_tui.data import as_floats, binarize
from vae_tui.model import VAE
from vae_tui.objective import BetaElbo, Objective
from vae_tui.recipe import Recipe
from vae_tui.training.adversary import Adversary
from vae_tui.training.aside import Aside
from vae_tui.training.augmentation import mirror, vary
from vae_tui.training.dense import DenseGradients, supports_manual_backward
from vae_tui.training.graph import GraphRecorder, Recorder
from vae_tui.training.optimizers import FusedOptimizer, Optimizer
from vae_tui.training.ranks import Batch, Forward, Ranks
from vae_tui.training.stopwatch import Stopwatch


class Step(Protocol):
    """A way to move the weights by one batch."""

    def __call__(self, count: int, batch: Batch, weights: Mapping[str, float]) -> Tensor:
        """Move the weights by a batch of `count` images, of which `batch` is this rank's share.

        `weights` are the objective's. Returns loss, distortion and rates, summed over the images of all ranks (2 + Z,).
        """


@dataclass(frozen=True)
class Parts:
    """What steps are taken with, and `generators` that draw for them; `totals` (2 + Z,) is added up over an epoch, `norm` () is the gradients' before clipping."""

    recipe: Recipe
    vae: VAE
    objective: Objective
    adversary: Adversary | None
    optimizer: Optimizer
    ranks: Ranks
    device: torch.device
    generators: Sequence[torch.Generator]
    aside: Aside
    totals: Tensor
    norm: Tensor
    stopwatch: Stopwatch

    def images(self, batch: Batch) -> Tensor:
        """The batch's images (B, C, H, W) in [0, 1], varied and binarized by its draws."""
        pixels = batch["pixels"]
        if "sides" in batch:
            pixels = mirror(pixels, batch["sides"])
        if "views" in batch:
            pixels = vary(pixels, batch["views"], self.recipe.data)
        images = binarize(pixels, batch["bits"]) if "bits" in batch else as_floats(pixels)
        return images.contiguous(memory_format=memory_layout(self.recipe))

    def finish(self, sums: Tensor) -> Tensor:
        """Move the weights by the gradients there are, and return the batch's sums over all ranks, the aside's "figures"."""
        self.stopwatch.lap("gradients")
        self.ranks.sum(sums)
        if self.recipe.optimizer.clip_norm:
            parameters = [parameter for parameter in self.vae.parameters() if parameter.requires_grad]
            self.norm.copy_(torch.nn.utils.clip_grad_norm_(parameters, self.recipe.optimizer.clip_norm))
        self.optimizer.step()
        if self.adversary is not None:
            self.adversary.step()
        with self.aside("figures"):
            self.totals.add_(sums)
        return sums

    def gradient_norm(self) -> float:
        """The Euclidean norm of the last step's gradients, before they were clipped; waits for the device."""
        if self.recipe.optimizer.clip_norm:
            return float(self.norm)
        gradients = [parameter.grad for parameter in self.vae.parameters() if parameter.grad is not None]
        return float(torch.nn.utils.get_total_norm(gradients))


class AutogradStep:
    """Lets autograd derive the gradients, over all ranks, of any network and objective; `compiled`: by torch.compile."""

    def __init__(self, parts: Parts, *, compiled: bool = False) -> None:
        self._parts = parts
        self._whole = _compile(self.forward) if compiled else self.forward
        """For shares of whole batches: code is compiled for one shape, and an epoch's last batch may have another."""
        share = parts.ranks.share(parts.recipe.train.batch_size)
        self._whole_share = share.stop - share.start
        all_take_part = parts.recipe.objective.distortion
        self._averaging = parts.ranks.average_gradients(self._forward_either, parts.vae, all_take_part=all_take_part)

    def __call__(self, count: int, batch: Batch, weights: Mapping[str, float]) -> Tensor:
        """As `Step`."""
        parts = self._parts
        loss, sums = self._averaging(batch)
        parts.optimizer.clear_gradients()
        if parts.adversary is not None:
            parts.adversary.clear_gradients()
        # Gradients are averaged over the ranks, where they are to be added up.
        parts.ranks.backward(loss * (parts.ranks.count / count))
        return parts.finish(sums)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The batch's loss, summed, and what is logged of it: loss, distortion, and the rate of each dimension."""
        parts = self._parts
        with torch.autocast(parts.device.type, torch.bfloat16, enabled=parts.recipe.train.precision == "bf16"):
            terms = parts.vae(parts.images(batch), batch["epsilon"], batch.get("labels"))
        loss = parts.objective.loss(terms, batch)
        distortion, rates = terms.distortion, terms.rate_per_dimension
        if parts.objective.draws:
            distortion, rates = distortion.mean(1), rates.mean(1)
        sums = torch.cat((loss[None], distortion.sum()[None], rates.sum(0))).detach()
        if parts.adversary is not None:
            loss = loss + parts.adversary.loss(terms.latent, batch["noise"])
        return loss, sums

    def _forward_either(self, batch: Batch) -> tuple[Tensor, Tensor]:
        forward = self._whole if len(batch["pixels"]) == self._whole_share else self.forward
        return forward(batch)


class ManualStep:
    """Has the gradients that are derived by hand, of fully connected networks under distortion + beta * rate."""

    def __init__(self, parts: Parts) -> None:
        assert isinstance(parts.objective, BetaElbo), "supports_manual_backward checks it"
        self._parts = parts
        recipe = parts.recipe
        rounded = torch.bfloat16 if recipe.train.precision == "bf16" else None
        self._gradients = DenseGradients(
            parts.vae, parts.objective, recipe.train.batch_size, parts.aside, rounded=rounded
        )

    def __call__(self, count: int, batch: Batch, weights: Mapping[str, float]) -> Tensor:
        """As `Step`."""
        # A number is quicker, but a GPU may record the step, and finds what changes in its inputs.
        beta = weights["beta"] if self._parts.device.type == "cpu" else batch["beta"]
        sums = self._gradients(self._parts.images(batch), batch["epsilon"], beta)
        return self._parts.finish(sums)


def memory_layout(recipe: Recipe) -> torch.memory_format:
    """How images and weights lie in memory: convolutions are quicker where a pixel's channels are together (benchmarks/LOG.md)."""
    return torch.channels_last if recipe.model.network == "conv" else torch.contiguous_format


def choose_step(parts: Parts, *, compiled: bool) -> Step:
    """The quickest way there is for a run."""
    alone = parts.ranks.count == 1
    if alone and not compiled and parts.device.type in ("cpu", "cuda") and supports_manual_backward(parts.recipe):
        return ManualStep(parts)
    return AutogradStep(parts, compiled=compiled)


def choose_recorder(parts: Parts) -> Recorder | None:
    """What records the steps of whole batches and replays them, where that can be done."""
    if parts.ranks.count == 1 and parts.device.type == "cuda" and isinstance(parts.optimizer, FusedOptimizer):
        return GraphRecorder(parts.generators)
    return None


def _compile(forward: Forward) -> Forward:
    import torch._inductor.config  # noqa: PLC0415  as long to import as torch itself

    # In this process: others would outlive a trainer that is killed.
    torch._inductor.config.compile_threads = 1
    return torch.compile(forward, fullgraph=True, dynamic=False)
