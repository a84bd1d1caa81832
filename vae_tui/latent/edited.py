"""The places whose pictures agree with one that a user changed by hand."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data import Progress, as_floats
from vae_tui.errors import CheckpointError
from vae_tui.imaging.grid import Pixels, choose_channels
from vae_tui.latent.codes import Latents, encode_images
from vae_tui.latent.fitting import fit_latent
from vae_tui.latent.grids import decode_points
from vae_tui.latent.inpainting import DRAWS, By, complete
from vae_tui.model import VAE
from vae_tui.walk.messages import EditFitted
from vae_tui.walk.shares import Shares


def fit_edited(
    vae: VAE,
    shown: Pixels,
    hidden: NDArray[np.bool_],
    near: Latents,
    *,
    by: By,
    count: int,
    seed: int,
    shares: Shares | None,
    progress: Progress,
) -> EditFitted:
    """Places for a picture (H, W, C) of the channels that are shown; of the others it has what is decoded `near` (Z,).

    Of a whole picture the one place that fits best, from its code and from `near`; where a part is `hidden` (H, W), `count`
    places that agree with the rest, as `complete` has them, with their pictures: the rest, and what each has for the hidden part.
    Raises CheckpointError for a picture of another size, VaeTuiError where codes are rounded.
    """
    labels = None if shares is None else torch.from_numpy(shares[None])
    pixels = decode_points(vae, near[None], labels=labels)[0]
    of_shown = choose_channels(pixels, vae.shown_channels)
    if shown.shape != of_shown.shape or hidden.shape != shown.shape[:2]:
        sizes = " x ".join(map(str, of_shown.shape))
        raise CheckpointError(f"this model's pictures are {sizes} (H x W x C), not {' x '.join(map(str, shown.shape))}")
    channels = range(pixels.shape[2]) if vae.shown_channels is None else vae.shown_channels
    pixels = pixels.copy()
    for position, channel in enumerate(channels):
        pixels[..., channel] = shown[..., position]
    as_tensor = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
    image = as_floats(as_tensor)
    if hidden.any():
        found = complete(vae, image, hidden, by=by, count=count, seed=seed, progress=progress, shares=shares)
        rows = None if labels is None else labels.expand(len(found.latents), -1)
        drawn = choose_channels(decode_points(vae, found.latents, labels=rows), vae.shown_channels)
        drawn = np.where(hidden[..., None], drawn, shown)
        return EditFitted(found.latents, drawn, DRAWS, found.effective_draws)
    code = encode_images(vae, as_tensor[None])[0][0]
    fits = [fit_latent(vae, image, start, progress, shares=shares) for start in (near, code)]
    best = min(fits, key=lambda fit: fit.after)
    drawn = choose_channels(decode_points(vae, best.latent[None], labels=labels), vae.shown_channels)
    return EditFitted(best.latent[None], drawn, before=fits[0].before, after=best.after)
