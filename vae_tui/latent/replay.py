"""A walk, played: the same bytes on the screen's key and on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from vae_tui.errors import VaeTuiError
from vae_tui.imaging.gif import encode_gif
from vae_tui.imaging.grid import Pixels
from vae_tui.latent.grids import decode_points
from vae_tui.model import VAE
from vae_tui.walk import Walk

_MOST_VALUES = 500_000_000
"""Pixels of all frames, times their channels, that are held in memory at once."""


def render_walk(vae: VAE, walk: Walk, *, scale: int = 1) -> bytes:
    """A walk as a GIF that repeats; raises VaeTuiError where the walk does not fit the model or is too long."""
    return encode_gif(decode_walk(vae, walk, scale=scale), walk.frames_per_second, scale=scale)


def decode_walk(vae: VAE, walk: Walk, *, scale: int = 1) -> Pixels:
    """A walk's images (N, H, W, C), not yet enlarged; `scale` is only asked whether they will fit, as in `render_walk`."""
    count, size = walk.points.shape
    if size != vae.latent_dim:
        made_with = f" (it was made with {walk.checkpoint})" if walk.checkpoint else ""
        raise VaeTuiError(
            f"the walk's points have {size} numbers{made_with}, but the model has {vae.latent_dim} latents"
        )
    channels, height, width = vae.image_shape
    values = count * channels * height * width * scale**2
    if values > _MOST_VALUES:
        raise VaeTuiError(
            f"a walk of {count:,} points would be {values:,} values: make it shorter or its scale smaller"
        )
    with _one_thread():
        return decode_points(vae, walk.points)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread: how work is shared out can change the last bits, and with them the bytes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
