"""Images at many points of latent space: along dimensions, and over a plane."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_tui.data import Progress
from vae_tui.errors import VaeTuiError
from vae_tui.imaging.grid import Pixels
from vae_tui.latent.codes import Latents
from vae_tui.latent.sample import to_uint8
from vae_tui.model import VAE

_VALUES_AT_ONCE = 1 << 21


@torch.no_grad()
def decode_points(
    vae: VAE,
    points: Latents,
    batch: int | None = None,
    *,
    labels: Tensor | None = None,
    progress: Progress | None = None,
) -> Pixels:
    """The expected image at each point (N, Z), given labels (N,) or shares of classes (N, K + 1), as uint8 (N, H, W, C); `batch` of them at a time, or as many as
    is wise."""
    device = next(vae.parameters()).device
    channels, height, width = vae.image_shape
    images = np.empty((len(points), height, width, channels), np.uint8)
    batch = batch or max(1, min(256, _VALUES_AT_ONCE // (channels * height * width)))
    for start in range(0, len(points), batch):
        part = np.ascontiguousarray(points[start : start + batch], np.float32)
        of_part = None if labels is None else labels[start : start + batch]
        images[start : start + batch] = to_uint8(vae.decode(torch.from_numpy(part).to(device), of_part))
        if progress is not None:
            progress("decoding", start + len(part), len(points))
    return images


def traverse(
    vae: VAE,
    latent: Latents,
    dimensions: Sequence[int],
    values: NDArray[np.floating],
    *,
    progress: Progress | None = None,
) -> Pixels:
    """Move one dimension of a latent (Z,) at a time: images (D, V, H, W, C).

    `values` are those each of the D dimensions takes, (V,), or for each its own, (D, V). Raises VaeTuiError where
    there is no such dimension.
    """
    check_dimensions(dimensions, vae.latent_dim)
    taken = np.broadcast_to(np.asarray(values, np.float32), (len(dimensions), np.shape(values)[-1]))
    points = np.tile(np.asarray(latent, np.float32), (*taken.shape, 1))
    for row, dimension in enumerate(dimensions):
        points[row, :, dimension] = taken[row]
    return _decode_all(vae, points, progress)


def manifold(
    vae: VAE,
    latent: Latents,
    plane: tuple[int, int],
    xs: NDArray[np.floating],
    ys: NDArray[np.floating],
    *,
    progress: Progress | None = None,
) -> Pixels:
    """Move two dimensions of a latent (Z,) over a grid: images (R, Q, H, W, C), the first over `xs` (Q,) along each row.

    The rows are the values `ys` (R,) of the second, in their order: give them falling for a map whose top is up. Raises
    VaeTuiError where there are no such two dimensions.
    """
    check_plane(plane, vae.latent_dim)
    points = np.tile(np.asarray(latent, np.float32), (len(ys), len(xs), 1))
    points[:, :, plane[0]] = np.asarray(xs, np.float32)[None, :]
    points[:, :, plane[1]] = np.asarray(ys, np.float32)[:, None]
    return _decode_all(vae, points, progress)


def spread(count: int, low: float, high: float) -> Latents:
    """`count` values from `low` to `high` at equal steps, both included; one alone is in the middle."""
    return np.linspace(low, high, count, dtype=np.float32) if count > 1 else np.array([(low + high) / 2], np.float32)


def normal_quantiles(count: int) -> Latents:
    """`count` values that part the prior N(0, 1) evenly, so that each cell of a map is as probable as any other.

    Kingma and Welling, Auto-Encoding Variational Bayes, 2014, figure 4.
    """
    normal = NormalDist()
    return np.array([normal.inv_cdf((index + 0.5) / count) for index in range(count)], np.float32)


def check_dimensions(dimensions: Sequence[int], size: int) -> list[int]:
    """The dimensions, all of which a latent (Z,) of that size has; raises VaeTuiError for one that it has not."""
    for dimension in dimensions:
        if not 0 <= dimension < size:
            raise VaeTuiError(f"there is no latent dimension {dimension}: expected 0 to {size - 1}")
    return list(dimensions)


def check_plane(plane: tuple[int, int], size: int) -> None:
    """Raise VaeTuiError where a latent (Z,) of that size has no such two dimensions."""
    check_dimensions(plane, size)
    if plane[0] == plane[1]:
        raise VaeTuiError(f"a plane needs two different latent dimensions, got {plane[0]} twice")


def _decode_all(vae: VAE, points: Latents, progress: Progress | None) -> Pixels:
    """Images (..., H, W, C) at points (..., Z)."""
    images = decode_points(vae, points.reshape(-1, points.shape[-1]), progress=progress)
    return images.reshape(*points.shape[:-1], *images.shape[1:])
