"""Images at draws from the prior, or from another distribution in its place."""

from __future__ import annotations

import math

import numpy as np
import torch

from vae_tui.errors import VaeTuiError
from vae_tui.imaging.grid import make_grid
from vae_tui.latent.codes import Latents
from vae_tui.latent.grids import decode_points
from vae_tui.latent.picture import Picture, check_size
from vae_tui.latent.priors import Prior
from vae_tui.latent.space import Space
from vae_tui.walk import pass_through

_FRAMES_A_LEG = 12


def draw_from(prior: Prior, count: int, size: int, *, seed: int, temperature: float = 1.0) -> Latents:
    """Latents (count, size) from a prior, the same for the same seed; `temperature` scales a normal one's deviation.

    The standard normal ones are those of `VAE.sample`. Raises VaeTuiError for a temperature with another prior.
    """
    if prior.name == "normal":
        standard = torch.randn(count, size, generator=torch.Generator().manual_seed(seed))
        normal: Latents = (prior.first + prior.second * temperature * standard).numpy()
        return normal
    if temperature != 1:
        raise VaeTuiError("--temperature goes with a normal prior only, such as N(0,1)")
    generator = np.random.default_rng(seed)
    draw = generator.beta if prior.name == "beta" else generator.uniform
    return draw(prior.first, prior.second, (count, size)).astype(np.float32)


def draw_prior_samples(
    space: Space,
    *,
    prior: Prior,
    count: int,
    columns: int | None,
    seed: int,
    temperature: float,
    moving: bool,
    frames_per_second: float,
    scale: int | None,
) -> Picture:
    """A grid of `count` samples; or, `moving`, a walk from each to the next and back to the first."""
    vae = space.vae
    frames_a_sample = _FRAMES_A_LEG if moving else 1
    check_size(count * frames_a_sample, vae.image_shape, scale)
    latents = draw_from(prior, count, vae.latent_dim, seed=seed, temperature=temperature)
    facts = f"{prior.name}({prior.first:g}, {prior.second:g}), seed {seed}, temperature {temperature:g}"
    if moving:
        # A line between draws passes closer to the origin than draws lie; an arc does not.
        points = pass_through(latents, _FRAMES_A_LEG + 1, method="slerp", closed=True) if count > 1 else latents
        return Picture(
            facts, {}, frames=decode_points(vae, points, progress=space.progress), frames_per_second=frames_per_second
        )
    images = decode_points(vae, latents, progress=space.progress)
    row = min(count, columns or math.ceil(math.sqrt(count)))
    return Picture(facts, {"images": images, "latents": latents}, make_grid(images, row))
