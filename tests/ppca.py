"""A VAE that is probabilistic PCA, of which all is known exactly."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from vae_tui.model import VAE, build
from vae_tui.model.likelihoods import Gaussian
from vae_tui.recipe import parse

D, Z, SIGMA = 12, 3, 0.3


class LinearGaussian(Gaussian):
    """A Gaussian about the decoder's output itself: with linear networks the model is probabilistic PCA."""

    def distortion(self, output: Tensor, images: Tensor) -> Tensor:
        squared_error = (output - images).square().sum((-3, -2, -1))
        return squared_error * self._precision + images[0].numel() * self._log_normalizer

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        return output + SIGMA * torch.randn(output.shape, generator=generator)


def last_bias(vae: VAE) -> Tensor:
    """The bias of the encoder's last layer: a posterior for all images."""
    last = list(vae.encoder.children())[-1]
    assert isinstance(last, nn.Linear)
    return last.bias


def make_ppca() -> tuple[VAE, MultivariateNormal, Tensor]:
    """A linear VAE whose posterior is the true one, the exact marginal of its images, and some of them.

    Tipping and Bishop, Probabilistic Principal Component Analysis, 1999, equations 5 and 8.
    """
    tables = {
        "model": {"hidden": [], "latent_dim": Z, "posterior": "full"},
        "likelihood": {"name": "gaussian", "sigma": SIGMA},
    }
    vae = build(parse(tables)[0], (1, 3, 4), seed=0)
    vae.likelihood = LinearGaussian(SIGMA)
    weight = torch.randn(D, Z, generator=torch.Generator().manual_seed(0))
    mean = torch.rand(D, generator=torch.Generator().manual_seed(1))
    precision = weight.T @ weight / SIGMA**2 + torch.eye(Z)
    factor = torch.linalg.cholesky(torch.linalg.inv(precision))
    to_mean = torch.linalg.inv(precision) @ weight.T / SIGMA**2
    encoder, decoder = list(vae.encoder.children())[-1], next(iter(vae.decoder.children()))
    assert isinstance(encoder, nn.Linear)
    assert isinstance(decoder, nn.Linear)
    with torch.no_grad():
        decoder.weight.copy_(weight)
        decoder.bias.copy_(mean)
        encoder.weight.zero_()
        encoder.weight[:Z] = to_mean
        encoder.bias[:Z] = -to_mean @ mean
        encoder.bias[Z : 2 * Z] = factor.diagonal().square().log()
        rows, columns = torch.tril_indices(Z, Z, -1)
        encoder.bias[2 * Z :] = factor[rows, columns]
    marginal = MultivariateNormal(mean, weight @ weight.T + SIGMA**2 * torch.eye(D))
    torch.manual_seed(2)
    return vae.eval(), marginal, marginal.sample((400,)).view(-1, 1, 3, 4)
