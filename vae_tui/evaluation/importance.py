"""What images cost under a model: the ELBO's two halves, and the importance-sampled likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vae_tui.data import Progress
from vae_tui.model import VAE
from vae_tui.model.priors import ClassPrior, Prior, StandardNormal, settle

_VALUES_AT_ONCE = 1 << 19
"""Pixels decoded at once: as many as stay near the processor."""


@dataclass(frozen=True)
class Costs:
    """What each of N images costs, in nats: `nll` (N,), `distortion` (N,), `rate_per_dimension` (N, Z).

    `effective_draws` (N,) is how many draws count in `nll`, (sum w)^2 / sum w^2: where they are few, it is too high (Kong,
    A Note on Importance Sampling Using Standardized Weights, 1992). Distortion and rates are means over the draws; `mean` and `log_variance` (N, Z) are the moments of the posteriors, and
    `latent` (N, Z) is one draw from each, whose log density `log_density` (N,) is.
    """

    nll: Tensor
    effective_draws: Tensor
    distortion: Tensor
    rate_per_dimension: Tensor
    mean: Tensor
    log_variance: Tensor
    latent: Tensor
    log_density: Tensor


@torch.no_grad()
def estimate_costs(
    vae: VAE, images: Tensor, labels: Tensor | None = None, *, samples: int, seed: int, progress: Progress
) -> Costs:
    """Costs of images (N, C, H, W) in [0, 1] from `samples` draws of z each, on the VAE's device; the same for the same seed.

    With their `labels` (N,) it is those of p(x|y) that a conditional VAE has.

    -log p(x) is estimated as -log of the mean of p(x|z) p(z) / q(z|x) over draws from q(z|x), which is too high by less
    the more draws there are (Burda et al., Importance Weighted Autoencoders, 2016, equation 8). Each image is encoded
    once. The VAE must be in evaluation mode.
    """
    device = next(vae.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    settled = settle(vae.prior)
    rows = max(1, _VALUES_AT_ONCE // images[0].numel())
    group, chunk = max(1, rows // samples), min(rows, samples)
    found = []
    for start in range(0, len(images), group):
        part = images[start : start + group].to(device)
        of_part = None if labels is None else labels[start : start + group].to(device)
        found.append(_estimate(vae, settled, part, of_part, samples, chunk, generator))
        progress("drawing from the posteriors", start + len(part), len(images))
    return Costs(*(torch.cat(parts).cpu() for parts in zip(*found, strict=True)))


def _estimate(
    vae: VAE,
    settled: Prior | ClassPrior,
    images: Tensor,
    labels: Tensor | None,
    samples: int,
    chunk: int,
    generator: torch.Generator,
) -> tuple[Tensor, ...]:
    """The fields of `Costs` for a few images."""
    device = images.device
    precise = torch.float32 if device.type == "mps" else torch.float64
    parameters = vae.posterior_parameters(images, labels)
    prior = vae.prior_given(labels, len(images), settled=settled)
    log_sum = torch.full((len(images),), -torch.inf, dtype=precise, device=device)
    log_sum_of_squares = log_sum.clone()
    distortion_sum = torch.zeros(len(images), dtype=precise, device=device)
    rate_sum = torch.zeros(len(images), vae.latent_dim, dtype=precise, device=device)
    for begun in range(0, samples, chunk):
        draws = min(chunk, samples - begun)
        epsilon = torch.randn(len(images), draws, vae.latent_dim, generator=generator, device=device)
        draw = vae.posterior.draw(parameters[:, None], epsilon)
        for_each = None if labels is None else labels.repeat_interleave(draws)
        output = vae.likelihood_parameters(draw.latent.flatten(0, 1), for_each)
        repeated = images[:, None].expand(-1, draws, *images.shape[1:]).reshape(-1, *images.shape[1:])
        distortion = vae.likelihood.distortion(output, repeated).view(len(images), draws).to(precise)
        drawn_rate = (draw.log_density - prior.log_density(draw.latent)).to(precise)
        log_weights = -distortion - drawn_rate.sum(2)
        log_sum = torch.logaddexp(log_sum, torch.logsumexp(log_weights, 1))
        log_sum_of_squares = torch.logaddexp(log_sum_of_squares, torch.logsumexp(2 * log_weights, 1))
        distortion_sum += distortion.sum(1)
        rate = draw.normal_rate if isinstance(prior, StandardNormal) else drawn_rate
        rate_sum += rate.to(precise).expand(-1, draws, -1).sum(1)
    nll = torch.log(torch.tensor(samples, dtype=precise)).to(device) - log_sum
    mean, log_variance = vae.posterior.moments(parameters)
    one = draw.latent[:, -1], draw.log_density[:, -1].sum(1)
    effective = torch.exp(2 * log_sum - log_sum_of_squares)
    return nll, effective, distortion_sum / samples, rate_sum / samples, mean, log_variance, *one
