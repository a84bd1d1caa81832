"""Annealed importance sampling: the likelihood of images where plain importance sampling has too few good draws.

Each image has chains of its own, which go from its posterior q(z|x) to p(z|x) by small steps, each followed by a move of
Hamiltonian Monte Carlo. A chain walks among the noise e that draws are made from, z = T(e): the densities on its way are
N(e; 0, I) w(e)^t for t from 0 to 1, with w = p(x, z) / q(z|x), whatever the posterior is.

Neal, Annealed Importance Sampling, 2001; Wu et al., On the Quantitative Analysis of Decoder-Based Generative Models, 2017;
for the way back, Grosse et al., Sandwiching the Marginal Likelihood Using Bidirectional Monte Carlo, 2015.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_tui.data import Progress
from vae_tui.model import VAE
from vae_tui.model.priors import Prior, settle

_VALUES_AT_ONCE = 1 << 19
"""Pixels decoded at once: as many as stay near the processor."""
_LEAPS = 5
"""Leapfrog steps of a move."""
_ACCEPTED = 0.75
"""The share of moves that are accepted, towards which the size of leaps is brought."""
_FIRST_LEAP, _LARGEST_LEAP = 0.15, 0.6
"""In deviations of the posterior."""
_REHEARSED = 4
"""The sizes of leaps are found by chains that take a fourth of the steps, and that are not counted."""


@dataclass(frozen=True)
class _Place:
    """Where chains are: the noise (R, Z), its log w (R,), and the gradient of that (R, Z)."""

    noise: Tensor
    log_weight: Tensor
    gradient: Tensor


_Look = Callable[[Tensor], _Place]


def anneal(
    vae: VAE,
    images: Tensor,
    labels: Tensor | None = None,
    *,
    steps: int,
    chains: int,
    seed: int,
    progress: Progress,
) -> Tensor:
    """-log p(x) in nats (N,) of images (N, C, H, W) in [0, 1], given labels (N,) or not, from `chains` chains of `steps` steps each.

    On average it is too high by less the more steps and chains there are. The same for the same seed. The VAE must be in
    evaluation mode.
    """

    def start(_: slice, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, vae.latent_dim, generator=generator, device=generator.device)

    return _run(vae, images, labels, start, steps=steps, chains=chains, seed=seed, back=False, progress=progress)


def anneal_back(
    vae: VAE,
    latent: Tensor,
    images: Tensor,
    labels: Tensor | None = None,
    *,
    steps: int,
    chains: int,
    seed: int,
    progress: Progress,
) -> Tensor:
    """-log p(x) in nats (N,) of images (N, C, H, W) that the model drew at `latent` (N, Z), by chains from there back to q(z|x).

    On average it is too low by less the more steps and chains there are: with `anneal` of the same images it encloses the
    truth.
    """

    def start(part: slice, count: int, _: torch.Generator) -> Tensor:
        device = next(vae.parameters()).device
        parameters = vae.posterior_parameters(images[part].to(device), None if labels is None else labels[part])
        noise: Tensor = vae.posterior.noise_of(parameters, latent[part].to(device))
        return noise.repeat_interleave(count // len(noise), 0)

    return _run(vae, images, labels, start, steps=steps, chains=chains, seed=seed, back=True, progress=progress)


def _run(
    vae: VAE,
    images: Tensor,
    labels: Tensor | None,
    start: Callable[[slice, int, torch.Generator], Tensor],
    *,
    steps: int,
    chains: int,
    seed: int,
    back: bool,
    progress: Progress,
) -> Tensor:
    device = next(vae.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    settled = settle(vae.prior)
    group = max(1, _VALUES_AT_ONCE // images[0].numel() // chains)
    total = len(images) * (steps + steps // _REHEARSED)
    done, found = 0, []
    weights = [parameter for parameter in vae.parameters() if parameter.requires_grad]
    for parameter in weights:
        parameter.requires_grad_(False)
    try:
        for begun in range(0, len(images), group):
            part = slice(begun, begun + group)
            shown = images[part].to(device)

            def advance(shown: Tensor = shown) -> None:
                nonlocal done
                done += len(shown)
                progress("annealing", done, total)

            of_shown = None if labels is None else labels[part].to(device)
            prior = vae.prior_given(_often(of_shown, chains), len(shown) * chains, settled=settled)
            look = _looking_at(vae, prior, shown, of_shown, chains)
            rows = len(shown) * chains
            sizes = _rehearse(look, start(part, rows, generator), max(1, steps // _REHEARSED), back, generator, advance)
            log_ratio = _walk(look, start(part, rows, generator), steps, sizes, back, generator, advance)
            together = torch.logsumexp(log_ratio.view(-1, chains), 1) - math.log(chains)
            # Back it is an estimate of 1 / p(x).
            found.append((together if back else -together).cpu())
    finally:
        for parameter in weights:
            parameter.requires_grad_(True)
    return torch.cat(found)


def _often(labels: Tensor | None, times: int) -> Tensor | None:
    return None if labels is None else labels.repeat_interleave(times)


def _looking_at(vae: VAE, prior: Prior, images: Tensor, labels: Tensor | None, chains: int) -> _Look:
    """What finds log w = log p(x|z) + log p(z) - log q(z|x), and its gradient, at noise (R, Z) of images, each `chains` times."""
    with torch.no_grad():
        parameters = vae.posterior_parameters(images, labels).repeat_interleave(chains, 0)
    repeated_labels = _often(labels, chains)
    repeated = images.repeat_interleave(chains, 0)

    def look(noise: Tensor) -> _Place:
        noise = noise.detach().requires_grad_()
        draw: Any = vae.posterior.draw(parameters, noise)
        distortion = vae.likelihood.distortion(vae.likelihood_parameters(draw.latent, repeated_labels), repeated)
        log_weight = (prior.log_density(draw.latent) - draw.log_density).sum(1) - distortion
        (gradient,) = torch.autograd.grad(log_weight.sum(), noise)
        return _Place(noise.detach(), log_weight.detach(), gradient)

    return look


def _walk(
    look: _Look,
    noise: Tensor,
    steps: int,
    sizes: Tensor,
    back: bool,
    generator: torch.Generator,
    advance: Callable[[], None],
) -> Tensor:
    """The log (R,) of the ratio of normalisers that chains from `noise` (R, Z) find, with leaps of `sizes` (S, R) along the way."""
    precise = torch.float32 if noise.device.type == "mps" else torch.float64
    place = look(noise)
    log_ratio = torch.zeros(len(noise), dtype=precise, device=noise.device)
    temperatures = [step / steps for step in range(steps + 1)]
    if back:
        temperatures.reverse()
    for before, after in itertools.pairwise(temperatures):
        log_ratio += (after - before) * place.log_weight.to(precise)
        if 0 < after < 1:
            place, _ = _move(look, place, after, _size_at(sizes, after), generator)
        advance()
    return log_ratio


def _rehearse(
    look: _Look, noise: Tensor, steps: int, back: bool, generator: torch.Generator, advance: Callable[[], None]
) -> Tensor:
    """How large leaps may be at t = 0, 1 / steps, ... 1, for each chain: (steps + 1, R)."""
    place = look(noise)
    size = torch.full((len(noise),), _FIRST_LEAP, device=noise.device)
    sizes = []
    order = range(steps, -1, -1) if back else range(steps + 1)
    for step in order:
        for _ in range(2):
            place, accepted = _move(look, place, step / steps, size, generator)
            size = (size * torch.exp(accepted - _ACCEPTED).clamp(0.5, 1.25)).clamp_max(_LARGEST_LEAP)
        sizes.append(size)
        advance()
    if back:
        sizes.reverse()
    return torch.stack(sizes)


def _size_at(sizes: Tensor, temperature: float) -> Tensor:
    return sizes[round(temperature * (len(sizes) - 1))]


def _move(
    look: _Look, place: _Place, temperature: float, size: Tensor, generator: torch.Generator
) -> tuple[_Place, Tensor]:
    """Move chains by Hamiltonian Monte Carlo, at N(e; 0, I) w(e)^t; with the probability (R,) that each move is accepted.

    Neal, MCMC Using Hamiltonian Dynamics, 2011, figure 2.
    """

    def force(at: _Place) -> Tensor:
        return temperature * at.gradient - at.noise

    def energy(at: _Place, momentum: Tensor) -> Tensor:
        return 0.5 * (at.noise.square() + momentum.square()).sum(1) - temperature * at.log_weight

    leap = size[:, None]
    momentum = torch.randn(place.noise.shape, generator=generator, device=place.noise.device)
    before = energy(place, momentum)
    there = place
    momentum = momentum + 0.5 * leap * force(place)
    for number in range(_LEAPS):
        there = look(there.noise + leap * momentum)
        momentum = momentum + (0.5 if number == _LEAPS - 1 else 1.0) * leap * force(there)
    log_probability = (before - energy(there, momentum)).clamp_max(0).nan_to_num(nan=-math.inf)
    drawn = torch.rand(len(before), generator=generator, device=before.device)
    taken = drawn.log() < log_probability

    def chosen(new: Tensor, old: Tensor) -> Tensor:
        return torch.where(taken[:, None] if new.dim() > 1 else taken, new, old)

    moved = _Place(
        chosen(there.noise, place.noise),
        chosen(there.log_weight, place.log_weight),
        chosen(there.gradient, place.gradient),
    )
    return moved, log_probability.exp()
