"""p(x|z) for images in [0, 1]: what a decoder's output means, and how many nats an image costs under it."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from vae_tui.recipe import LikelihoodTable


class Likelihood(Protocol):
    """A distribution of images (B, C, H, W) in [0, 1], given a decoder's output of the same shape."""

    def distortion(self, output: Tensor, images: Tensor) -> Tensor:
        """-log p(x|z) in nats, summed over pixels: (B,)."""

    def distortion_with_gradient(self, output: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """The distortion of all images, summed, and its gradient by the decoder's output, in the output's shape."""

    def mean(self, output: Tensor) -> Tensor:
        """The expected image, (B, C, H, W) in [0, 1]."""


class Bernoulli:
    """Each pixel is 1 with the probability whose logit the decoder gives.

    On grey pixels this is the cross-entropy everyone reports, but not a likelihood.
    """

    def distortion(self, output: Tensor, images: Tensor) -> Tensor:
        """-log p(x|z) in nats, summed over pixels: (B,); from logits, so no probability is ever rounded to 0 or 1."""
        return functional.binary_cross_entropy_with_logits(output, images, reduction="none").sum((1, 2, 3))

    def distortion_with_gradient(self, output: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """The distortion of all images, summed, and its gradient by the logits, in their shape.

        -log p(x|l) = max(l, 0) - l x - log max(p, 1 - p), with the larger probability never near 0.
        """
        probability = torch.sigmoid(output)
        log_larger = torch.sub(probability, 0.5).abs_().add_(0.5).log_()
        distortion = torch.clamp_min(output, 0).sub_(log_larger).addcmul_(output, images, value=-1).sum()
        return distortion, probability.sub_(images)

    def mean(self, output: Tensor) -> Tensor:
        """The probability of each pixel, (B, C, H, W)."""
        return torch.sigmoid(output)


class Gaussian:
    """Each pixel is normal about the decoder's output through a sigmoid, with the same fixed sigma everywhere."""

    def __init__(self, sigma: float) -> None:
        self._precision = 1 / (2 * sigma**2)
        self._log_normaliser = 0.5 * math.log(2 * math.pi) + math.log(sigma)

    def distortion(self, output: Tensor, images: Tensor) -> Tensor:
        """-log p(x|z) in nats, summed over pixels, normaliser included: (B,)."""
        squared_error = (torch.sigmoid(output) - images).square().sum((1, 2, 3))
        return squared_error * self._precision + images[0].numel() * self._log_normaliser

    def distortion_with_gradient(self, output: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """The distortion of all images, summed, and its gradient by the decoder's output, in the output's shape."""
        mean = torch.sigmoid(output)
        error = mean - images
        distortion = error.square().sum() * self._precision + images.numel() * self._log_normaliser
        return distortion, error.mul_(2 * self._precision).mul_(mean).mul_(mean.neg_().add_(1))

    def mean(self, output: Tensor) -> Tensor:
        """The mean of each pixel, (B, C, H, W)."""
        return torch.sigmoid(output)


def build_likelihood(likelihood: LikelihoodTable) -> Likelihood:
    """The likelihood a recipe names."""
    return Gaussian(likelihood.sigma) if likelihood.name == "gaussian" else Bernoulli()
