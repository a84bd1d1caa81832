"""The ELBO and the importance-sampled likelihood, against what is known exactly."""

from __future__ import annotations

import math

import pytest
import torch
from ppca import Z, last_bias, make_ppca
from torch import Tensor
from torch.distributions import MultivariateNormal

from vae_tui.evaluation.importance import Costs, estimate_costs
from vae_tui.model import VAE, build
from vae_tui.recipe import parse


def costs_of(vae: VAE, images: Tensor, samples: int, seed: int = 0) -> Costs:
    return estimate_costs(vae, images, samples=samples, seed=seed, progress=lambda *_: None)


def test_with_the_true_posterior_elbo_and_nll_are_those_of_exact_ppca() -> None:
    vae, marginal, images = make_ppca()
    exact = -marginal.log_prob(images.flatten(1))
    costs = costs_of(vae, images, samples=200)
    assert costs.nll.mean().item() == pytest.approx(exact.mean().item(), abs=0.01)
    torch.testing.assert_close(costs.nll.float(), exact, atol=0.05, rtol=0)
    elbo = (costs.distortion + costs.rate_per_dimension.sum(1)).mean().item()
    assert elbo == pytest.approx(exact.mean().item(), abs=0.05)


def test_with_a_posterior_that_is_off_the_nll_is_still_exact_and_the_elbo_short_by_the_divergence() -> None:
    vae, marginal, images = make_ppca()
    bias = last_bias(vae)
    truth = bias.detach().clone()
    with torch.no_grad():
        bias[:Z] += 0.05
        bias[Z : 2 * Z] += 0.7
    exact = -marginal.log_prob(images.flatten(1)).mean().item()
    costs = costs_of(vae, images, samples=2000)
    assert costs.nll.mean().item() == pytest.approx(exact, abs=0.05)

    def posterior(bias: Tensor) -> MultivariateNormal:
        factor = torch.diag(torch.exp(0.5 * bias[Z : 2 * Z]))
        rows, columns = torch.tril_indices(Z, Z, -1)
        factor[rows, columns] = bias[2 * Z :]
        return MultivariateNormal(bias[:Z], scale_tril=factor)

    gap = torch.distributions.kl_divergence(posterior(bias.detach()), posterior(truth)).item()
    found = (costs.distortion + costs.rate_per_dimension.sum(1)).mean().item()
    assert gap > 0.5
    assert found - exact == pytest.approx(gap, abs=0.05)


def test_draws_count_in_full_from_the_true_posterior_and_few_of_them_from_one_that_is_off() -> None:
    vae, _, images = make_ppca()
    torch.testing.assert_close(
        costs_of(vae, images, 50).effective_draws, torch.full((400,), 50.0).double(), rtol=0.01, atol=0
    )
    with torch.no_grad():
        last_bias(vae)[:Z] += 0.3
    epsilon = torch.randn(400, 50, Z, generator=torch.Generator().manual_seed(0))
    found = costs_of(vae, images[:1], 50).effective_draws.item()
    draw = vae.posterior.draw(vae.encoder(images[:1])[:, None], epsilon[:1])
    log_p = -vae.likelihood.distortion(vae.decoder(draw.latent[0]), images[:1].expand(50, -1, -1, -1))
    weights = (log_p + (vae.prior.log_density(draw.latent) - draw.log_density)[0].sum(1)).double().softmax(0)
    assert found == pytest.approx(1 / weights.square().sum().item(), rel=0.05)
    assert found < 40


@pytest.mark.parametrize(
    "tables",
    [
        {"model": {"hidden": [8], "latent_dim": 3}},
        {"model": {"hidden": [8], "latent_dim": 3}, "prior": {"name": "mixture", "components": 4}},
        {"model": {"hidden": [8], "latent_dim": 3, "posterior": "iaf", "flow_hidden": 5}},
        {"model": {"network": "ladder", "hidden": [8], "latent_dim": 3, "upper_dim": 1}},
        {
            "model": {"network": "ladder", "hidden": [8], "latent_dim": 3, "upper_dim": 1},
            "prior": {"name": "vamp", "components": 4},
        },
    ],
    ids=["plain", "mixture", "flow", "ladder", "ladder, vamp"],
)
def test_it_equals_a_naive_loop(tables: dict[str, dict[str, object]]) -> None:
    vae = build(parse(tables)[0], (1, 5, 4), seed=1).eval()
    images = torch.rand(6, 1, 5, 4, generator=torch.Generator().manual_seed(0)).round()
    samples = 300
    costs = costs_of(vae, images, samples=samples, seed=3)
    epsilon = torch.randn(len(images), samples, 3, generator=torch.Generator().manual_seed(3))
    for index, image in enumerate(images):
        parameters = vae.encoder(image[None]).expand(samples, -1)
        draw = vae.posterior.draw(parameters, epsilon[index])
        logits = vae.decoder(draw.latent)
        log_x = torch.distributions.Bernoulli(logits=logits).log_prob(image[None].expand_as(logits)).sum((1, 2, 3))
        log_z = vae.prior.log_density(draw.latent).sum(1)
        weights = (log_x + log_z - draw.log_density.sum(1)).double()
        naive = -(weights.exp().mean().log())
        assert costs.nll[index].item() == pytest.approx(naive.item(), abs=0.02)
        assert costs.distortion[index].item() == pytest.approx(-log_x.mean().item(), abs=0.02)


def test_how_draws_are_parted_changes_nothing_and_more_of_them_come_closer(monkeypatch: pytest.MonkeyPatch) -> None:
    vae = build(parse({"model": {"hidden": [8], "latent_dim": 3}})[0], (1, 5, 4), seed=1).eval()
    with torch.no_grad():
        last_bias(vae).add_(0.5)
    images = torch.rand(7, 1, 5, 4, generator=torch.Generator().manual_seed(0)).round()
    assert torch.equal(costs_of(vae, images, 50).nll, costs_of(vae, images, 50).nll)
    monkeypatch.setattr("vae_tui.evaluation.importance._VALUES_AT_ONCE", 20 * 13)
    few, many = costs_of(vae, images, 1), costs_of(vae, images, 3000)
    assert few.nll.mean() > many.nll.mean() - math.log(2)
    monkeypatch.setattr("vae_tui.evaluation.importance._VALUES_AT_ONCE", 20 * 170)
    assert costs_of(vae, images, 3000).nll.mean().item() == pytest.approx(many.nll.mean().item(), abs=0.05)
