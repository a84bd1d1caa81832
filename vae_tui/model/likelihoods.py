"""p(x|z) for images in [0, 1]: what a decoder's output means, and how many nats an image costs under it."""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_tui.model.own import build_own_likelihood
from vae_tui.recipe import LikelihoodTable

_PIXELS = (-3, -2, -1)
_LEAST_MEAN = 1e-3


class Likelihood(Protocol):
    """A distribution of images (B, C, H, W) in [0, 1], given a decoder's output (B, C * outputs, H, W)."""

    outputs: int
    """How many numbers it needs of the decoder for each value of an image."""

    def distortion(self, output: Tensor, images: Tensor) -> Tensor:
        """-log p(x|z) in nats, summed over pixels: (B,)."""

    def mean(self, output: Tensor) -> Tensor:
        """The expected image, or where the likelihood puts it, (B, C, H, W) in [0, 1]."""

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """An image (B, C, H, W) from each distribution, of a density in [0, 1] or beyond; the generator is the output's device's."""


class Bernoulli(nn.Module):
    """Each pixel is 1 with the probability whose logit the decoder gives.

    On grey pixels this is the cross-entropy everyone reports, but not a likelihood.
    """

    outputs = 1

    def distortion(self, output: Tensor, images: Tensor) -> Tensor:
        """-log p(x|z) in nats, summed over pixels: (B,); from logits, so no probability is ever rounded to 0 or 1."""
        return functional.binary_cross_entropy_with_logits(output, images, reduction="none").sum(_PIXELS)

    def distortion_with_gradient(self, output: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """The distortion of all images, summed, and its gradient by the logits, in their shape.

        -log p(x|l) = max(l, 0) - l x - log max(p, 1 - p), with the larger probability never near 0.
        """
        probability = torch.sigmoid(output)
        log_larger = torch.sub(probability, 0.5).abs_().add_(0.5).log_()
        distortion = torch.clamp_min(output, 0).sub_(log_larger).addcmul_(output, images, value=-1).sum()
        return distortion, probability.sub_(images)

    def gradient(self, output: Tensor, images: Tensor) -> Tensor:
        """That of the distortion of all images by the logits, in their shape."""
        return torch.sigmoid(output).sub_(images)

    def mean(self, output: Tensor) -> Tensor:
        """The probability of each pixel, (B, C, H, W)."""
        return torch.sigmoid(output)

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """Images (B, C, H, W) of zeros and ones."""
        return torch.bernoulli(torch.sigmoid(output), generator=generator)


class ContinuousBernoulli(nn.Module):
    """The Bernoulli's form with the normaliser that makes it a density on [0, 1]; the decoder gives the logit.

    Loaiza-Ganem and Cunningham, The continuous Bernoulli, 2019, equations 5 to 8.
    """

    outputs = 1

    def distortion(self, output: Tensor, images: Tensor) -> Tensor:
        """-log p(x|z) in nats, summed over pixels: (B,)."""
        cross_entropy = functional.binary_cross_entropy_with_logits(output, images, reduction="none")
        return (cross_entropy - self._log_normalizer(output)).sum(_PIXELS)

    def mean(self, output: Tensor) -> Tensor:
        """The mean of each pixel, (B, C, H, W)."""
        near = output.abs() < 0.1
        far = torch.where(near, 1.0, output)
        exact = torch.sigmoid(far) / torch.tanh(far / 2) - 1 / far
        return torch.where(near, 0.5 + output / 12 - output**3 / 720, exact).clamp(0, 1)

    @staticmethod
    def _log_normalizer(logits: Tensor) -> Tensor:
        """log(l / tanh(l / 2)) for each logit l: log 2 at 0."""
        near = logits.abs() < 0.1
        far = torch.where(near, 1.0, logits)
        exact = torch.log(far / torch.tanh(far / 2))
        return torch.where(near, math.log(2) + logits.square() / 12 - logits**4 * (7 / 1440), exact)

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """Images (B, C, H, W) in [0, 1], by the inverse of the distribution function (appendix of the paper)."""
        uniform = _uniform_like(output, generator)
        near = output.abs() < 1e-3
        falling = -torch.where(near, 1.0, output.abs())
        dark = torch.log1p(uniform * torch.expm1(falling)) / falling
        return torch.where(near, uniform, torch.where(output < 0, dark, 1 - dark)).clamp(0, 1)


class Gaussian(nn.Module):
    """Each pixel is normal about the decoder's output through a sigmoid, with the same fixed sigma everywhere."""

    outputs = 1

    def __init__(self, sigma: float) -> None:
        super().__init__()
        self._precision = 1 / (2 * sigma**2)
        self._log_normalizer = 0.5 * math.log(2 * math.pi) + math.log(sigma)

    def distortion(self, output: Tensor, images: Tensor) -> Tensor:
        """-log p(x|z) in nats, summed over pixels, normaliser included: (B,)."""
        squared_error = (torch.sigmoid(output) - images).square().sum(_PIXELS)
        return squared_error * self._precision + images[0].numel() * self._log_normalizer

    def distortion_with_gradient(self, output: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """The distortion of all images, summed, and its gradient by the decoder's output, in the output's shape."""
        mean = torch.sigmoid(output)
        error = mean - images
        distortion = error.square().sum() * self._precision + images.numel() * self._log_normalizer
        return distortion, error.mul_(2 * self._precision).mul_(mean).mul_(mean.neg_().add_(1))

    def gradient(self, output: Tensor, images: Tensor) -> Tensor:
        """That of the distortion of all images by the decoder's output, in the output's shape."""
        mean = torch.sigmoid(output)
        return (mean - images).mul_(2 * self._precision).mul_(mean).mul_(mean.neg_().add_(1))

    def mean(self, output: Tensor) -> Tensor:
        """The mean of each pixel, (B, C, H, W)."""
        return torch.sigmoid(output)

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """Images (B, C, H, W), whose values may lie outside [0, 1]."""
        return torch.sigmoid(output) + _normal_like(output, generator) / math.sqrt(2 * self._precision)


class OptimalGaussian(nn.Module):
    """A Gaussian whose sigma is, in training, that of each batch's errors, and elsewhere their mean over the last steps.

    With it the weights of distortion and rate settle by themselves. Rybkin et al., Simple and Effective VAE Training with
    Calibrated Decoders (sigma-VAE), 2021, section 4.2.
    """

    outputs = 1
    _LEAST_VARIANCE = 1e-6

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("variance", torch.ones(()))
        self.register_buffer("steps", torch.zeros(()))
        self.variance: Tensor
        self.steps: Tensor

    def distortion(self, output: Tensor, images: Tensor) -> Tensor:
        """-log p(x|z) in nats, summed over pixels, normaliser included: (B,)."""
        squared_error = (torch.sigmoid(output) - images).square()
        if self.training:
            # The optimum is flat in sigma, so that no gradient goes through it.
            variance = squared_error.detach().mean().clamp_min(self._LEAST_VARIANCE)
            self.steps += 1
            self.variance.lerp_(variance, torch.clamp_min(1 / self.steps, 0.01))
        else:
            variance = self.variance
        normaliser = images[0].numel() * 0.5 * torch.log(2 * math.pi * variance)
        return squared_error.sum(_PIXELS) / (2 * variance) + normaliser

    def mean(self, output: Tensor) -> Tensor:
        """The mean of each pixel, (B, C, H, W)."""
        return torch.sigmoid(output)

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """Images (B, C, H, W), whose values may lie outside [0, 1]."""
        return torch.sigmoid(output) + _normal_like(output, generator) * self.variance.sqrt()


class _Scaled(nn.Module):
    """What those share whose scale is fixed, learned for all pixels, or given by the decoder for each."""

    def __init__(self, scale: float | str, *, start: float = 0.1) -> None:
        super().__init__()
        self.outputs = 2 if scale == "per-pixel" else 1
        self._start = math.log(start)
        if scale == "learned":
            self.log_scale: Tensor = nn.Parameter(torch.tensor(self._start))
        elif isinstance(scale, float | int):
            self.register_buffer("log_scale", torch.tensor(math.log(scale)), persistent=False)

    def mean(self, output: Tensor) -> Tensor:
        """Where each pixel's distribution has its center, (B, C, H, W)."""
        return torch.sigmoid(self._split(output)[0])

    def _split(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """The center before its sigmoid, and the logarithm of the scale, which is kept from vanishing."""
        if self.outputs == 1:
            return output, self.log_scale.clamp(-9, 9)
        center, log_scale = output.chunk(2, dim=-3)
        return center, (log_scale + self._start).clamp(-9, 9)


class ScaledGaussian(_Scaled):
    """Each pixel is normal about the decoder's output through a sigmoid; sigma is learned, for all or for each."""

    def distortion(self, output: Tensor, images: Tensor) -> Tensor:
        """-log p(x|z) in nats, summed over pixels, normaliser included: (B,)."""
        center, log_sigma = self._split(output)
        squared_error = (torch.sigmoid(center) - images).square()
        nats = 0.5 * squared_error * torch.exp(-2 * log_sigma) + log_sigma + 0.5 * math.log(2 * math.pi)
        return nats.sum(_PIXELS)

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """Images (B, C, H, W), whose values may lie outside [0, 1]."""
        center, log_sigma = self._split(output)
        return torch.sigmoid(center) + _normal_like(center, generator) * torch.exp(log_sigma)


class Laplace(_Scaled):
    """Each pixel is Laplace about the decoder's output through a sigmoid."""

    def distortion(self, output: Tensor, images: Tensor) -> Tensor:
        """-log p(x|z) in nats, summed over pixels, normaliser included: (B,)."""
        center, log_scale = self._split(output)
        error = (torch.sigmoid(center) - images).abs()
        return (error * torch.exp(-log_scale) + log_scale + math.log(2)).sum(_PIXELS)

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """Images (B, C, H, W), whose values may lie outside [0, 1]."""
        center, log_scale = self._split(output)
        uniform = _uniform_like(center, generator) - 0.5
        magnitude = -torch.log1p(-2 * uniform.abs()) * torch.exp(log_scale)
        return torch.sigmoid(center) + uniform.sign() * magnitude


class DiscretizedLogistic(_Scaled):
    """The probability of each of 256 grey values: what a logistic distribution has within half a step of it.

    The darkest value has all below it, the brightest all above. Salimans et al., PixelCNN++, 2017, section 2.1.
    """

    def distortion(self, output: Tensor, images: Tensor) -> Tensor:
        """-log P(x|z) in nats, summed over pixels: (B,)."""
        center, log_scale = self._split(output)
        inverse = torch.exp(-log_scale)
        error = images - torch.sigmoid(center)
        log_below = functional.logsigmoid((error + 0.5 / 255) * inverse)
        log_above = functional.logsigmoid((0.5 / 255 - error) * inverse)
        # s(a) - s(b) = s(a) s(-b) (1 - exp(b - a)), with nothing that cancels.
        between = log_below + log_above + torch.log(-torch.expm1(-inverse / 255))
        log_probability = torch.where(images <= 0, log_below, torch.where(images >= 1, log_above, between))
        return -log_probability.sum(_PIXELS)

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """Images (B, C, H, W) of the 256 values."""
        center, log_scale = self._split(output)
        logistic = torch.logit(_uniform_like(center, generator)) * torch.exp(log_scale)
        return ((torch.sigmoid(center) + logistic) * 255).round().clamp(0, 255) / 255


def _uniform_like(values: Tensor, generator: torch.Generator) -> Tensor:
    """Draws from (0, 1), without its ends."""
    drawn = torch.rand(values.shape, generator=generator, device=values.device)
    return drawn.clamp(1e-7, 1 - 1e-7)


def _normal_like(values: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(values.shape, generator=generator, device=values.device)


def build_likelihood(
    likelihood: LikelihoodTable,
) -> Any:
    """The likelihood a recipe names; raises RecipeError where one's own is none."""
    if likelihood.code is not None:
        own: Any = build_own_likelihood(likelihood)
        return own
    if likelihood.name == "continuous-bernoulli":
        return ContinuousBernoulli()
    if likelihood.name == "laplace":
        return Laplace(likelihood.scale)
    if likelihood.name == "discretized-logistic":
        return DiscretizedLogistic(likelihood.scale)
    if likelihood.name == "bernoulli":
        return Bernoulli()
    if likelihood.sigma == "optimal":
        return OptimalGaussian()
    return Gaussian(likelihood.sigma) if isinstance(likelihood.sigma, float) else ScaledGaussian(likelihood.sigma)


def is_density(likelihood: LikelihoodTable) -> bool:
    """Whether p(x|z) is a density over [0, 1] or beyond, and not a probability of the values pixels have."""
    return likelihood.name not in ("bernoulli", "discretized-logistic")
