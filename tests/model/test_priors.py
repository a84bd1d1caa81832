"""Mixtures have the density that torch's own have, shared out over the dimensions."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vae_tui.model import build
from vae_tui.model.priors import LadderPrior, MixturePrior, StandardNormal, VampPrior, mixture_log_density, settle
from vae_tui.recipe import parse


def test_shares_sum_to_the_density_of_the_mixture_and_so_do_their_gradients() -> None:
    generator = torch.Generator().manual_seed(0)
    weights, means, log_variances = (torch.randn(7, *size, generator=generator) for size in ((), (3,), (3,)))
    latent = (torch.randn(2, 5, 3, generator=generator) * 3).requires_grad_()
    inputs = [latent, *(part.requires_grad_() for part in (weights, means, log_variances))]
    shares = mixture_log_density(latent, weights.log_softmax(0), means, log_variances)
    components = Independent(Normal(means, torch.exp(0.5 * log_variances)), 1)
    expected = MixtureSameFamily(Categorical(logits=weights), components).log_prob(latent)
    torch.testing.assert_close(shares.sum(-1), expected)
    ours = torch.autograd.grad(shares.sum(), inputs)
    theirs = torch.autograd.grad(expected.sum(), inputs)
    for found, wanted in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_narrow_components_cost_no_precision() -> None:
    means, log_variances = torch.full((500, 40), 3.0), torch.full((500, 40), -9.0)
    latent = means[:4] + 0.01 * torch.randn(4, 40, generator=torch.Generator().manual_seed(0))
    found = mixture_log_density(latent, torch.zeros(500).log_softmax(0), means, log_variances).sum(1)
    expected = Normal(means[0].double(), torch.exp(0.5 * log_variances[0].double())).log_prob(latent.double()).sum(1)
    torch.testing.assert_close(found.double(), expected, atol=1e-3, rtol=0)


def test_a_mixture_of_one_standard_normal_is_one() -> None:
    prior = MixturePrior(3, 1)
    latent = torch.randn(4, 3)
    torch.testing.assert_close(prior.log_density(latent), StandardNormal(3).log_density(latent))


@pytest.mark.parametrize("name", ["mixture", "vamp"])
def test_draws_come_from_the_components(name: str) -> None:
    images = torch.rand(2, 1, 6, 6)
    tables = {"prior": {"name": name, "components": 2}, "model": {"latent_dim": 2, "hidden": [8]}}
    vae = build(parse(tables)[0], (1, 6, 6), examples=images)
    draws = vae.prior.draw(20_000, torch.Generator().manual_seed(0))
    if name == "vamp":
        means, log_variances = vae.encode(0.5 + 0.9 * (images - 0.5))
    else:
        assert isinstance(vae.prior, MixturePrior)
        means, log_variances = vae.prior.means, vae.prior.log_variances
    torch.testing.assert_close(draws.mean(0), means.mean(0), atol=0.05, rtol=0)
    second = (log_variances.exp() + means.square()).mean(0)
    torch.testing.assert_close(draws.square().mean(0), second, atol=0.1, rtol=0)


@pytest.mark.parametrize("name", ["mixture", "vamp"])
def test_temperature_is_of_the_noise_within_a_component(name: str) -> None:
    tables = {"prior": {"name": name, "components": 2}, "model": {"latent_dim": 2, "hidden": [8]}}
    vae = build(parse(tables)[0], (1, 6, 6), examples=torch.rand(2, 1, 6, 6))
    draws = vae.prior.draw(100, torch.Generator().manual_seed(0), temperature=0)
    assert len(draws.unique(dim=0)) == 2
    assert len(vae.sample(20, temperature=0).mul(1e4).round().unique(dim=0)) == 2


def test_of_a_ladder_a_vampprior_is_of_the_upper_level_and_the_lower_is_standard_normal() -> None:
    images = torch.rand(3, 1, 6, 6)
    tables = {
        "prior": {"name": "vamp", "components": 3},
        "model": {"network": "ladder", "hidden": [8], "latent_dim": 5, "upper_dim": 2},
    }
    vae = build(parse(tables)[0], (1, 6, 6), examples=images)
    means, log_variances = (part[:, :2] for part in vae.encode(0.5 + 0.9 * (images - 0.5)))
    components = Independent(Normal(means, torch.exp(0.5 * log_variances)), 1)
    upper = MixtureSameFamily(Categorical(logits=torch.zeros(3)), components)
    latent = torch.randn(4, 7, 5)
    expected = upper.log_prob(latent[..., :2]) + Normal(0, 1).log_prob(latent[..., 2:]).sum(-1)
    prior = vae.prior
    assert isinstance(prior, LadderPrior)
    settled = settle(prior)
    assert isinstance(settled, LadderPrior)
    for one in (prior, settled, settled.settled()):
        torch.testing.assert_close(one.log_density(latent).sum(-1), expected)
        assert torch.equal(
            one.draw(5, torch.Generator().manual_seed(0)), prior.draw(5, torch.Generator().manual_seed(0))
        )
    draws = prior.draw(20_000, torch.Generator().manual_seed(0), temperature=1)
    torch.testing.assert_close(draws[:, :2].mean(0), means.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(draws[:, 2:].std(0), torch.ones(3), atol=0.03, rtol=0)
    assert prior.draw(9, torch.Generator(), temperature=0)[:, 2:].abs().max() == 0


def test_a_small_set_gives_a_vampprior_its_images_again() -> None:
    images = torch.rand(2, 1, 6, 6)
    vae = build(parse({"prior": {"name": "vamp", "components": 5}})[0], (1, 6, 6), examples=images)
    assert isinstance(vae.prior, VampPrior)
    assert torch.equal(vae.prior.images[0], vae.prior.images[4])
    assert not torch.equal(vae.prior.images[0], vae.prior.images[1])


def test_a_dimension_that_does_not_part_the_components_gets_nothing_of_what_they_share() -> None:
    means = torch.tensor([[-3.0, 0.0], [3.0, 0.0]])
    latent = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    shares = mixture_log_density(latent, torch.full((2,), 0.5).log(), means, torch.zeros(2, 2))
    torch.testing.assert_close(shares[:, 1], StandardNormal(1).log_density(latent[:, 1]))


def test_pseudo_images_begin_as_grey_noise_where_that_is_wanted() -> None:
    examples = torch.rand(3, 1, 6, 6)
    recipe = parse({"prior": {"name": "vamp", "components": 50, "start": "noise"}})[0]
    prior = build(recipe, (1, 6, 6), examples=examples).prior
    assert isinstance(prior, VampPrior)
    assert prior.images.mean().item() == pytest.approx(0.5, abs=0.01)
    assert prior.images.std().item() == pytest.approx(0.02, rel=0.1)
    again = build(recipe, (1, 6, 6)).prior
    assert isinstance(again, VampPrior)
    assert torch.equal(prior.images, again.images)
