"""The codes of a set of images: where its encoder puts each, how sure of it, and what each dimension costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_tui.data import AnyPixels, PackedImages, Progress, as_floats
from vae_tui.errors import DataError
from vae_tui.events import ACTIVE_NATS
from vae_tui.model import VAE, gaussian

Latents = NDArray[np.float32]
_VALUES_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Codes:
    """Posteriors N(mean, exp(log_variance)) of N images, both (N, Z), and their classes (N,) where they are known.

    A label is an index into `class_names`.
    """

    mean: Latents
    log_variance: Latents
    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        """How many images were encoded."""
        return len(self.mean)


@torch.no_grad()
def encode_images(
    vae: VAE, pixels: AnyPixels, labels: Tensor | None = None, *, progress: Progress | None = None
) -> tuple[Latents, Latents]:
    """Mean and log-variance (N, Z) of the posterior of each uint8 image (N, C, H, W), given its label (N,); some at a time."""
    device = next(vae.parameters()).device
    mean = np.empty((len(pixels), vae.latent_dim), np.float32)
    log_variance = np.empty_like(mean)
    rows = max(1, _VALUES_AT_ONCE // pixels.shape[1:].numel())
    for start in range(0, len(pixels), rows):
        images = as_floats(pixels[start : start + rows].to(device))
        found = vae.encode(images, None if labels is None else labels[start : start + rows])
        mean[start : start + rows], log_variance[start : start + rows] = (part.cpu().numpy() for part in found)
        if progress is not None:
            progress("encoding", min(start + rows, len(pixels)), len(pixels))
    return mean, log_variance


@torch.no_grad()
def draw_posteriors(vae: VAE, pixels: AnyPixels, epsilon: Tensor, labels: Tensor | None = None) -> Latents:
    """A draw (N, Z) from the posterior of each uint8 image (N, C, H, W), given its label (N,), made from `epsilon` (N, Z) ~ N(0, I)."""
    device = next(vae.parameters()).device
    latents = np.empty((len(pixels), vae.latent_dim), np.float32)
    rows = max(1, _VALUES_AT_ONCE // pixels.shape[1:].numel())
    for start in range(0, len(pixels), rows):
        images = as_floats(pixels[start : start + rows].to(device))
        parameters = vae.posterior_parameters(images, None if labels is None else labels[start : start + rows])
        draw = vae.posterior.draw(parameters, epsilon[start : start + rows].to(device))
        latents[start : start + rows] = draw.latent.cpu().numpy()
    return latents


def encode_set(
    vae: VAE, images: PackedImages, class_names: Sequence[str], *, progress: Progress | None = None
) -> Codes:
    """The codes of a split, with its classes."""
    labels = None if images.labels is None else images.labels.numpy()
    return Codes(*encode_images(vae, images.pixels, images.labels, progress=progress), labels, tuple(class_names))


def class_means(codes: Codes) -> Latents:
    """The mean code of each class, (K, Z); NaN for a class without images. Raises DataError where there are no classes."""
    if codes.labels is None or not codes.class_names:
        raise DataError("these images have no classes, so there is no mean code of one")
    means = np.full((len(codes.class_names), codes.mean.shape[1]), np.nan, np.float32)
    for index in range(len(means)):
        members = codes.mean[codes.labels == index]
        if len(members):
            means[index] = members.mean(0, dtype=np.float64)
    return means


def rate_per_dimension(codes: Codes) -> Latents:
    """KL(q(z|x) || p(z)) of each latent dimension in nats, (Z,), the mean over the images; of quantised codes their entropy."""
    if np.isneginf(codes.log_variance).all():
        return np.array([_entropy(values) for values in codes.mean.T], np.float32)
    rates = gaussian.rate_per_dimension(torch.from_numpy(codes.mean), torch.from_numpy(codes.log_variance))
    averaged: Latents = rates.double().mean(0).float().numpy()
    return averaged


def _entropy(values: Latents) -> float:
    """In nats, of values (N,) of which many are alike."""
    shares = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(shares * np.log(shares)).sum())


def rank_dimensions(rates: Latents) -> list[int]:
    """Every dimension, that with the highest rate (Z,) first."""
    return [int(index) for index in np.argsort(-rates, kind="stable")]


def active_dimensions(rates: Latents) -> list[int]:
    """The dimensions that carry more than ACTIVE_NATS, that with the highest rate (Z,) first."""
    return [index for index in rank_dimensions(rates) if rates[index] > ACTIVE_NATS]
