"""How sure an encoder is of an image, seen in pixels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.errors import VaeTuiError
from vae_tui.imaging.grid import choose_channels
from vae_tui.latent.codes import Latents, encode_images
from vae_tui.latent.grids import decode_points
from vae_tui.model import VAE
from vae_tui.walk.shares import Shares

_DRAWS = 32
"""So that a standard deviation is right to an eighth."""


def draw_spread(vae: VAE, points: Latents, shares: Shares | None = None) -> NDArray[np.uint8]:
    """Twice the standard deviation of the pixels over draws from the posterior of each point's image, (N, H, W, C).

    `points` are (N, Z), decoded as of `shares` (N, K + 1) of classes. The same every time: all images have the same noise. Raises VaeTuiError where the posterior has no width.
    """
    if vae.recipe.model.is_quantised:
        raise VaeTuiError("codes are rounded, so that their posterior has no width to draw from")
    labels = None if shares is None else torch.from_numpy(shares)
    images = decode_points(vae, points, labels=labels)
    means, log_variances = encode_images(vae, torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))))
    noise = torch.randn(_DRAWS, vae.latent_dim, generator=torch.Generator().manual_seed(0)).numpy()
    shown = choose_channels(images, vae.shown_channels)
    spreads = np.empty_like(shown)
    for index, (mean, log_variance) in enumerate(zip(means, log_variances, strict=True)):
        draws = mean + np.exp(0.5 * log_variance) * noise
        of_one = None if labels is None else labels[index].expand(_DRAWS, -1)
        drawn = choose_channels(decode_points(vae, draws, labels=of_one), vae.shown_channels)
        spreads[index] = np.clip(2 * drawn.std(axis=0), 0, 255).round()
    return spreads
