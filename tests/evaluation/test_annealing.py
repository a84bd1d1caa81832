"""Annealed importance sampling against what is known exactly: probabilistic PCA."""

from __future__ import annotations

import pytest
import torch
from ppca import Z, last_bias, make_ppca
from torch import Tensor

from vae_tui.evaluation.annealing import anneal, anneal_back
from vae_tui.evaluation.importance import estimate_costs
from vae_tui.model import VAE, build
from vae_tui.recipe import parse


def quiet(*_: object) -> None:
    pass


def annealed(vae: VAE, images: Tensor, steps: int, *, chains: int = 1, seed: int = 0) -> Tensor:
    return anneal(vae, images, steps=steps, chains=chains, seed=seed, progress=quiet)


def spoil(vae: VAE) -> None:
    """Have the posterior lie beside the true one, and far too wide."""
    with torch.no_grad():
        last_bias(vae)[:Z] += 0.5
        last_bias(vae)[Z : 2 * Z] += 1.5


def test_it_finds_the_exact_likelihood_where_draws_from_the_posterior_do_not() -> None:
    vae, marginal, images = make_ppca()
    images = images[:100]
    spoil(vae)
    exact = -marginal.log_prob(images.flatten(1)).mean().item()
    plain = estimate_costs(vae, images, samples=100, seed=0, progress=quiet)
    assert plain.nll.mean().item() > exact + 5
    assert plain.effective_draws.median().item() < 2
    few, many = (annealed(vae, images, steps, chains=4).mean().item() for steps in (20, 300))
    assert exact - 0.1 < many < few
    assert many == pytest.approx(exact, abs=0.3)


def test_with_the_true_posterior_every_step_is_exact() -> None:
    vae, marginal, images = make_ppca()
    exact = -marginal.log_prob(images[:20].flatten(1))
    torch.testing.assert_close(annealed(vae, images[:20], 3).float(), exact, atol=1e-3, rtol=0)


def test_forth_and_back_enclose_the_exact_likelihood_of_what_the_model_draws() -> None:
    vae, marginal, _ = make_ppca()
    spoil(vae)
    generator = torch.Generator().manual_seed(5)
    latent = vae.prior.draw(200, generator)
    with torch.no_grad():
        images = vae.likelihood.draw(vae.decoder(latent), generator)
    exact = -marginal.log_prob(images.flatten(1)).mean().item()
    gaps = []
    for steps in (30, 200):
        above = annealed(vae, images, steps).mean().item()
        below = anneal_back(vae, latent, images, steps=steps, chains=1, seed=1, progress=quiet).mean().item()
        assert below < exact < above
        gaps.append(above - below)
    assert gaps[1] < gaps[0] / 2


@pytest.mark.parametrize(
    "tables",
    [
        {"model": {"hidden": [8], "latent_dim": 3}, "prior": {"name": "mixture", "components": 4}},
        {"model": {"hidden": [8], "latent_dim": 3, "posterior": "iaf", "flow_hidden": 5}},
        {"model": {"network": "ladder", "hidden": [8], "latent_dim": 3, "upper_dim": 1}},
        {
            "model": {"network": "ladder", "hidden": [8], "latent_dim": 3, "upper_dim": 1},
            "prior": {"name": "vamp", "components": 4},
        },
    ],
    ids=["mixture", "flow", "ladder", "ladder, vamp"],
)
def test_every_posterior_and_prior_is_annealed_to_what_very_many_draws_find(
    tables: dict[str, dict[str, object]],
) -> None:
    vae = build(parse(tables)[0], (1, 5, 4), seed=1).eval()
    images = torch.rand(6, 1, 5, 4, generator=torch.Generator().manual_seed(0)).round()
    found = annealed(vae, images, 200, chains=16)
    plain = estimate_costs(vae, images, samples=100_000, seed=0, progress=quiet)
    assert found.mean().item() == pytest.approx(plain.nll.mean().item(), abs=0.06)
    torch.testing.assert_close(found.float(), plain.nll.float(), atol=0.2, rtol=0)
    assert torch.equal(annealed(vae, images, 5), annealed(vae, images, 5))
    assert all(parameter.requires_grad for parameter in vae.parameters())
