"""Fitting a latent to an image, against models whose best place is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from ppca import SIGMA, Z, make_ppca
from torch import nn

from vae_tui.errors import VaeTuiError
from vae_tui.latent.fitting import fit_latent
from vae_tui.model import VAE, build
from vae_tui.recipe import parse


def vae_of(tables: dict[str, Any]) -> VAE:
    return build(parse(tables)[0], (1, 4, 5), seed=2).eval()


def test_of_probabilistic_pca_it_is_the_posterior_s_mean() -> None:
    vae, marginal, images = make_ppca()
    reported: list[int] = []
    for image in images[:3]:
        fit = fit_latent(vae, image, np.full(Z, 2, np.float32), lambda _, done, total: reported.append(done))
        with torch.no_grad():
            mean, _ = vae.encode(image[None])
            decoder = next(iter(vae.decoder.children()))
            assert isinstance(decoder, nn.Linear)
            factor = torch.linalg.cholesky(
                torch.linalg.inv(decoder.weight.T @ decoder.weight / SIGMA**2 + torch.eye(Z))
            )
        np.testing.assert_allclose(fit.latent, mean[0], atol=1e-2)
        # log p(x, z) at the mode is log p(x) and the height of the posterior there.
        at_mode = marginal.log_prob(image.flatten()) - factor.diagonal().log().sum() - Z / 2 * np.log(2 * np.pi)
        assert fit.after == pytest.approx(-float(at_mode), abs=1e-2)
        assert fit.before > fit.after
        assert reported == list(range(1, len(reported) + 1))
        reported.clear()


@pytest.mark.parametrize(
    "model",
    [
        {"network": "gated", "hidden": [6]},
        {"network": "conv", "channels": [4]},
        {"posterior": "iaf", "hidden": [7]},
    ],
    ids=str,
)
@pytest.mark.parametrize("prior", ["normal", "mixture"])
def test_it_is_never_worse_than_where_it_began(model: dict[str, Any], prior: str) -> None:
    vae = vae_of({"model": {"latent_dim": 3, **model}, "prior": {"name": prior}})
    image = torch.rand(1, 4, 5, generator=torch.Generator().manual_seed(1))
    fit = fit_latent(vae, image, np.ones(3, np.float32), lambda *_: None)
    assert fit.after < fit.before
    again = fit_latent(vae, image, fit.latent, lambda *_: None)
    assert again.before == pytest.approx(fit.after, abs=1e-4)
    assert again.after <= fit.after + 1e-4


def test_rounded_codes_have_no_gradient() -> None:
    vae = vae_of({"model": {"posterior": "fsq", "levels": [4, 3, 3], "latent_dim": 3, "hidden": [8]}})
    with pytest.raises(VaeTuiError, match="codes are rounded"):
        fit_latent(vae, torch.zeros(1, 4, 5), np.zeros(3, np.float32), lambda *_: None)
