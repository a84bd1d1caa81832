"""A walk, played: the same bytes on the screen's key and on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from vae_tui import __version__
from vae_tui.errors import VaeTuiError
from vae_tui.imaging.gif import encode_gif
from vae_tui.imaging.grid import Pixels, choose_channels, choose_scale, make_grid
from vae_tui.latent.grids import decode_points
from vae_tui.latent.picture import Picture, check_size
from vae_tui.model import VAE
from vae_tui.walk.recorded import RecordedWalk

_MOST_VALUES = 500_000_000
"""Pixels of all frames, times their channels, that are held in memory at once."""
_WIDEST = 41
"""Images in a row by default."""


def render_walk(vae: VAE, walk: RecordedWalk, *, scale: int | None = None, made_with: str = "") -> bytes:
    """A walk as a GIF that repeats, each pixel `scale` pixels large, or as many as make it easy to look at.

    Its comment names `made_with`, the checkpoint.

    Raises VaeTuiError where the walk does not fit the model or is too long.
    """
    scale = scale or choose_scale(*vae.image_shape[1:], moving=True)
    comment = f"Software: vae-tui {__version__}\nCheckpoint: {made_with}"
    images = choose_channels(decode_walk(vae, walk, scale=scale), vae.shown_channels)
    return encode_gif(images, walk.frames_per_second, scale=scale, comment=comment)


def draw_walk(vae: VAE, walk: RecordedWalk, *, columns: int | None, scale: int | None) -> Picture:
    """A walk as a strip; raises VaeTuiError as `render_walk` does."""
    check_size(len(walk.points), vae.image_shape, scale)
    images = decode_walk(vae, walk)
    strip = make_grid(images, min(len(images), columns or _WIDEST))
    return Picture(f"a walk of {len(images)} points", {"images": images, "latents": walk.points}, strip)


def decode_walk(vae: VAE, walk: RecordedWalk, *, scale: int = 1) -> Pixels:
    """A walk's images (N, H, W, C), not yet enlarged; `scale` is only asked whether they will fit, as in `render_walk`."""
    count, size = walk.points.shape
    if size != vae.latent_dim:
        made_with = f" (it was made with {walk.checkpoint})" if walk.checkpoint else ""
        raise VaeTuiError(
            f"the walk's points have {size} numbers{made_with}, but the model has {vae.latent_dim} latents"
        )
    if walk.shares is not None and walk.shares.shape[1] != vae.class_count + 1:
        raise VaeTuiError(
            f"the walk's points are of {walk.shares.shape[1] - 1} classes, but the model has {vae.class_count}"
        )
    channels, height, width = vae.image_shape
    values = count * channels * height * width * scale**2
    if values > _MOST_VALUES:
        raise VaeTuiError(
            f"a walk of {count:,} points would be {values:,} values: make it shorter or its scale smaller"
        )
    with _one_thread():
        labels = None if walk.shares is None else torch.from_numpy(walk.shares)
        return decode_points(vae, walk.points, labels=labels)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread: how work is shared out can change the last bits, and with them the bytes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
