"""Weights averaged after training over any width, out of the averages that a run has kept.

Karras et al., *Analyzing and Improving the Training Dynamics of Diffusion Models*, 2024, section 3 and appendix C. In a
power-function average at step t the weights after step n count as n^gamma, 0 < n <= t. Its width is the standard
deviation of that profile, relative to t.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from vae_tui.data import Progress
from vae_tui.errors import CheckpointError, VaeTuiError
from vae_tui.model import VAE
from vae_tui.model.checkpoint import load_checkpoint, load_weights, read_tensors, split_averaged
from vae_tui.runs.identity import logged_recipe, require_own, why_not_of_run
from vae_tui.runs.layout import Checkpoint, Run
from vae_tui.runs.metadata import read_metadata

TRACKED_WIDTHS = (0.05, 0.10)
"""Those of the averages that training keeps up."""
WIDEST = 0.28
"""Just below 12^-1/2, the width of the mean of all weights, whose gamma is 0."""


@dataclass(frozen=True)
class Averaged:
    """A VAE with averaged weights; `misfit` is by how much its average misses the one of that width, as a share of its norm."""

    vae: VAE
    width: float
    misfit: float


def power_of(width: float) -> float:
    """The gamma of a width, which is (gamma + 1)^(1/2) (gamma + 2)^-1 (gamma + 3)^-(1/2): the largest root of a cubic.

    Raises VaeTuiError for a width out of (0, 0.28].
    """
    if not 0 < width <= WIDEST:
        raise VaeTuiError(f"an average of width {width:g}: expected more than 0 and at most {WIDEST}")
    inverse = width**-2
    return float(np.roots([1.0, 7.0, 16.0 - inverse, 12.0 - inverse]).real.max())


def inner_products(
    steps: ArrayLike, powers: ArrayLike, other_steps: ArrayLike, other_powers: ArrayLike
) -> NDArray[np.float64]:
    """The inner products (N, M) of N profiles and M others, each of a step, in any unit, and a gamma.

    The integral, from 0 to the earlier of both steps, of (gamma + 1) t^gamma / step^(gamma + 1) times the other (Karras et al., C.3).
    """
    step, power = (np.asarray(given, np.float64).reshape(-1, 1) for given in (steps, powers))
    other_step, other_power = (np.asarray(given, np.float64).reshape(1, -1) for given in (other_steps, other_powers))
    earlier, later = np.minimum(step, other_step), np.maximum(step, other_step)
    reached = (earlier / step) ** power * (earlier / other_step) ** other_power
    products: NDArray[np.float64] = (power + 1) * (other_power + 1) * reached / ((power + other_power + 1) * later)
    return products


def fit_profile(
    steps: Sequence[int], powers: Sequence[float], step: int, power: float
) -> tuple[NDArray[np.float64], float]:
    """The coefficients (N,) by which N profiles add up to another as nearly as they can, and by which share of its norm they miss it.

    Least squares as by Karras et al., but with coefficients that sum to 1: of few profiles those of plain least squares sum
    to as little as a half, and weights that never moved would shrink.
    """
    times = np.asarray(steps, np.float64) / step
    products = inner_products(times, powers, times, powers)
    wanted = inner_products(times, powers, [1.0], [power])[:, 0]
    ones = np.ones((len(wanted), 1))
    system = np.block([[products, ones], [ones.T, np.zeros((1, 1))]])
    found = np.linalg.solve(system, np.append(wanted, 1.0))[:-1]
    norm = inner_products([1.0], [power], [1.0], [power])[0, 0]
    missed = norm - 2 * found @ wanted + found @ products @ found
    return found, float(np.sqrt(max(0.0, missed) / norm))


def find_averages(run: Run, until: int | None = None) -> list[Checkpoint]:
    """The averages a run has kept, up to a step or all; raises CheckpointError where there are none."""
    require_own(run)
    found = run.averages()
    if not found:
        raise CheckpointError(
            f"{run.path} kept no averages: [optimizer] ema_snapshots keeps them, as by: "
            "vae-tui train ... --set optimizer.ema_snapshots=32"
        )
    kept = [average for average in found if until is None or average.step <= until]
    if not kept:
        raise CheckpointError(
            f"{run.path} kept no averages up to step {until:,}: the first are of step {found[0].step:,}"
        )
    return kept


def average(run: Run, averages: Sequence[Checkpoint], width: float, progress: Progress) -> Averaged:
    """The VAE of a run, on the CPU, with its weights averaged over a width up to the last of its `averages`.

    Raises VaeTuiError for a width out of (0, 0.28], CheckpointError where a file is damaged, or none of this run's averages.
    """
    power = power_of(width)
    profiles = [(kept.step, power_of(tracked)) for kept in averages for tracked in _read_widths(run, kept)]
    steps, powers = zip(*profiles, strict=True)
    coefficients, misfit = fit_profile(steps, powers, averages[-1].step, power)
    vae = load_checkpoint(averages[-1].path)
    sums = {
        name: torch.zeros_like(tensor, dtype=torch.float64)
        for name, tensor in vae.state_dict().items()
        if tensor.is_floating_point()
    }
    ranges = {name: (tensor.clone(), tensor.clone()) for name, tensor in vae.named_buffers() if name in sums}
    for number, kept in enumerate(averages):
        progress(f"averaging over the width {width:g}", number, len(averages))
        tracked = split_averaged(read_tensors(kept.path)[0])
        for weights, coefficient in zip(tracked, coefficients[2 * number : 2 * number + 2], strict=True):
            load_weights(vae, weights, source=kept.path)
            for name, tensor in vae.state_dict().items():
                if name in sums:
                    sums[name].add_(tensor, alpha=float(coefficient))
                if name in ranges:
                    lowest, highest = ranges[name]
                    torch.minimum(lowest, tensor, out=lowest)
                    torch.maximum(highest, tensor, out=highest)
    found = dict(vae.state_dict())
    for name, total in sums.items():
        found[name] = total.to(found[name].dtype)
        if name in ranges:
            # A variance, which coefficients below 0 may bring below 0 too.
            found[name].clamp_(*ranges[name])
    vae.load_state_dict(found)
    return Averaged(vae, width, misfit)


def recorded_width(metadata: Mapping[str, Any]) -> float | None:
    """The width that a checkpoint's weights are averaged over, of two the wider, as its metadata says; None: it does not."""
    width: float | None = metadata.get("ema_width", max(metadata.get("ema_widths", ()), default=None))
    return width


def _read_widths(run: Run, average: Checkpoint) -> tuple[float, float]:
    """The widths of the two averages in a file, which is verified where it is read."""
    metadata = read_metadata(average.path)
    if why := why_not_of_run(metadata.get("recipe"), logged_recipe(run)):
        raise CheckpointError(f"{average.path} is another run's: {why}; delete it")
    try:
        narrow, wide = metadata["ema_widths"]
    except (KeyError, ValueError):
        raise CheckpointError(f"{average.path} holds no averages of known widths: delete it") from None
    return narrow, wide
