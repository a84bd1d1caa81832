"""Images above what a VAE makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vae_tui.data import as_floats
from vae_tui.errors import DataError
from vae_tui.imaging.grid import make_grid, pair_rows
from vae_tui.latent.codes import Latents, draw_posteriors, encode_images
from vae_tui.latent.grids import decode_points
from vae_tui.latent.picture import Picture, check_size
from vae_tui.latent.sample import as_pictures
from vae_tui.latent.sources import Source
from vae_tui.latent.space import Space
from vae_tui.model.conditional import NO_LABEL
from vae_tui.wording import counted

PosteriorChoice = Literal["mean", "draw", "doubly"]
"""What of a posterior is decoded: its mean, a draw from it, or a doubly stochastic one, as in `draw_doubly`."""


def choose_images(space: Space, split: str, count: int) -> list[Source]:
    """`count` images of a split, evenly over it, in order."""
    images = space.images(split)
    indexes = np.linspace(0, len(images) - 1, min(count, len(images))).astype(int)
    return [space.find(f"{split}:{index}") for index in dict.fromkeys(indexes.tolist())]


def image_of(source: Source) -> Tensor:
    """The image (C, H, W) that a source is; raises DataError for the mean code of a class, which is none."""
    if source.pixels is None:
        raise DataError(f"{source.name} is a code and no image, so there is nothing to reconstruct")
    return source.pixels


def labels_of(space: Space, sources: Sequence[Source]) -> Tensor:
    """The labels (N,) of images; where one's class is not known, that which the model takes for it."""
    known = [source.class_index for source in sources]
    if space.vae.classifier is not None:
        images = as_floats(torch.stack([image_of(source) for source in sources]))
        return space.vae.guess(images, torch.tensor([NO_LABEL if index is None else index for index in known]))
    return torch.tensor([space.vae.label if index is None else index for index in known])


def draw_reconstructions(
    space: Space, sources: Sequence[Source], *, at: PosteriorChoice, seed: int, columns: int, scale: int | None
) -> Picture:
    """Rows of images over rows of their reconstructions, each from its posterior by an epsilon of its own."""
    columns = min(columns, len(sources))
    rows = 2 * -(-len(sources) // columns)
    check_size(2 * len(sources), space.vae.image_shape, scale, rows=rows, columns=columns)
    pixels = torch.stack([image_of(source) for source in sources])
    labels = labels_of(space, sources)
    mean, log_variance = encode_images(space.vae, pixels, labels)
    latents = mean
    generator = torch.Generator().manual_seed(seed)
    if at == "draw":
        latents = draw_posteriors(space.vae, pixels, torch.randn(mean.shape, generator=generator), labels)
    elif at == "doubly":
        latents = draw_doubly(mean, log_variance, generator)
    data, drawn = (
        as_pictures(pixels),
        decode_points(space.vae, latents, labels=None if space.class_is_given else labels, progress=space.progress),
    )
    given = space.given_class if space.class_is_given else ", as their own class" if space.vae.class_count else ""
    shown = [source.name for source in sources]
    return Picture(
        f"reconstruct {counted(len(shown), 'image')} from {shown[0]} to {shown[-1]}, at {at}, seed {seed}{given}",
        {
            "images": data,
            "reconstructions": drawn,
            "mean": mean,
            "log_variance": log_variance,
            "latents": latents,
            "names": np.array(shown),
        },
        make_grid(pair_rows(data, drawn, columns), columns),
    )


def draw_doubly(mean: Latents, log_variance: Latents, generator: torch.Generator) -> Latents:
    """Latents (N, Z) for which the encoder's two outputs are themselves drawn, each about its value, and z then by them.

    With sigma = exp(log_variance / 2) and three noises ~ N(0, I): mean' = mean + sigma e1, log_variance' = log_variance +
    sigma e2, z = mean' + exp(log_variance' / 2) e. Its e is that of a draw from the posterior with the same generator. z
    has the posterior's mean, but 1 + exp(sigma^2 / 2) times its variance, at least twice: it is no draw from q(z|x). Of a
    posterior that is not diagonal, mean and log-variance are those of each dimension by itself.
    """
    epsilon, *noises = (torch.randn(mean.shape, generator=generator).numpy() for _ in range(3))
    deviation = np.exp(0.5 * log_variance)
    drawn_mean, drawn_log_variance = mean + deviation * noises[0], log_variance + deviation * noises[1]
    latents: Latents = (drawn_mean + np.exp(0.5 * drawn_log_variance) * epsilon).astype(np.float32)
    return latents
