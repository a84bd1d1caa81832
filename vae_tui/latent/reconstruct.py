"""Images above what a VAE makes of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vae_tui.errors import DataError
from vae_tui.imaging.grid import make_grid, pair_rows
from vae_tui.latent.codes import encode_images
from vae_tui.latent.grids import decode_points
from vae_tui.latent.picture import Picture, check_size
from vae_tui.latent.sample import as_pictures
from vae_tui.latent.sources import Source
from vae_tui.latent.space import At, Space


def choose_images(space: Space, split: str, count: int) -> list[Source]:
    """`count` images of a split, evenly over it, in order."""
    images = space.images(split)
    indexes = np.linspace(0, len(images) - 1, min(count, len(images))).astype(int)
    return [space.find(f"{split}:{index}") for index in dict.fromkeys(indexes.tolist())]


def _image_of(source: Source) -> Tensor:
    if source.pixels is None:
        raise DataError(f"{source.name} is a code and no image, so there is nothing to reconstruct")
    return source.pixels


def draw_reconstructions(
    space: Space, sources: Sequence[Source], *, at: At, seed: int, columns: int, scale: int | None
) -> Picture:
    """Rows of images over rows of their reconstructions, from each posterior's mean or from a draw of its own."""
    check_size(2 * len(sources), space.vae.image_shape, scale)
    pixels = torch.stack([_image_of(source) for source in sources])
    mean, log_variance = encode_images(space.vae, pixels)
    latents = mean
    if at == "draw":
        epsilon = torch.randn(mean.shape, generator=torch.Generator().manual_seed(seed)).numpy()
        latents = (mean + np.exp(0.5 * log_variance) * epsilon).astype(np.float32)
    data, drawn = as_pictures(pixels), decode_points(space.vae, latents, progress=space.progress)
    columns = min(columns, len(sources))
    shown = [source.name for source in sources]
    return Picture(
        f"reconstruct {len(shown)} images from {shown[0]} to {shown[-1]}, at {at}, seed {seed}",
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
