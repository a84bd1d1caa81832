"""Draws have the density they are said to have, and rates are what Monte Carlo says they are."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from vae_tui.model import build
from vae_tui.model.ladder import LadderPosterior, TopDown
from vae_tui.model.networks import initialize
from vae_tui.model.posteriors import DiagonalGaussian, FullGaussian, InverseAutoregressiveFlow, Posterior
from vae_tui.recipe import parse

pytestmark = pytest.mark.slow

Z = 4


def make(kind: str) -> Any:
    posterior: dict[str, Any] = {
        "diagonal": DiagonalGaussian(Z),
        "full": FullGaussian(Z),
        "iaf": InverseAutoregressiveFlow(Z, 3, 16),
        "ladder": LadderPosterior(TopDown(2, Z - 2, 8)),
    }
    chosen = posterior[kind]
    modules = [chosen, *getattr(chosen, "_top", ())]
    for module in modules:
        initialize(module, torch.Generator().manual_seed(0))
    return chosen.double() if not getattr(chosen, "_top", ()) else _double(chosen)


def _double(posterior: Any) -> Any:
    posterior._top[0].double()
    return posterior.double()


def parameters_of(posterior: Posterior, rows: int = 1) -> Tensor:
    return torch.randn(rows, posterior.size, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 0.7


KINDS = ["diagonal", "full", "iaf", "ladder"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_density_of_a_draw_is_that_of_its_noise_over_the_volume_it_is_spread_to(kind: str) -> None:
    posterior = make(kind)
    parameters = parameters_of(posterior)[0]
    epsilon = torch.randn(Z, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    jacobian = torch.autograd.functional.jacobian(lambda e: posterior.draw(parameters, e).latent, epsilon)
    noise = torch.distributions.Normal(0.0, 1.0).log_prob(epsilon).sum()
    found = posterior.draw(parameters, epsilon).log_density.sum()
    assert found.item() == pytest.approx((noise - torch.linalg.slogdet(jacobian)[1]).item(), abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_rate_is_that_of_monte_carlo_within_one_percent(kind: str) -> None:
    posterior = make(kind)
    parameters = parameters_of(posterior).expand(400_000, -1)
    epsilon = torch.randn(400_000, Z, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    draw = posterior.draw(parameters, epsilon)
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(draw.latent)
    estimated = (draw.log_density - prior).sum(1).mean().item()
    assert draw.normal_rate.sum(1).mean().item() == pytest.approx(estimated, rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_moments_are_those_of_the_draws(kind: str) -> None:
    posterior = make(kind)
    parameters = parameters_of(posterior)
    epsilon = torch.randn(200_000, Z, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    latent = posterior.draw(parameters.expand(200_000, -1), epsilon).latent
    mean, log_variance = posterior.moments(parameters)
    exact = slice(2) if kind == "ladder" else slice(Z)  # the lower level is told where the upper is at its mean
    within = 0.35 if kind == "iaf" else 0.02  # from 64 draws
    torch.testing.assert_close(mean[0, exact], latent.mean(0)[exact], atol=within, rtol=0)
    torch.testing.assert_close(log_variance[0, exact], latent.var(0).log()[exact], atol=2 * within, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_noise_a_draw_was_made_of_is_found_again(kind: str) -> None:
    posterior = make(kind)
    parameters = parameters_of(posterior, 5)
    epsilon = torch.randn(5, Z, dtype=torch.float64, generator=torch.Generator().manual_seed(6)) * 2
    latent = posterior.draw(parameters, epsilon).latent
    torch.testing.assert_close(posterior.noise_of(parameters, latent), epsilon, atol=1e-8, rtol=0)


@pytest.mark.parametrize("kind", ["diagonal", "full"])
def test_the_density_of_any_latent_is_that_of_the_draw_it_could_be(kind: str) -> None:
    posterior = make(kind)
    parameters = parameters_of(posterior, 3)
    draw = posterior.draw(parameters, torch.randn(3, Z, dtype=torch.float64))
    torch.testing.assert_close(posterior.log_density(parameters, draw.latent), draw.log_density)


def test_a_step_of_the_flow_looks_only_back() -> None:
    step = make("iaf").steps[0]
    latent = torch.randn(Z, dtype=torch.float64)
    context = torch.randn(16, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda z: step(z, context)[0], latent)
    assert torch.equal(jacobian, jacobian.tril())
    assert (jacobian.diagonal() > 0).all()
    assert (jacobian.tril(-1)[1:] != 0).any()


def test_a_ladders_latents_are_a_standard_normal_seen_through_its_levels() -> None:
    """The rate of (z2, u) is KL(q(z2|x) q(z1|x, z2) || p(z2) p(z1|z2)), by Monte Carlo in z1."""
    posterior = make("ladder")
    top = posterior._top[0]
    count = 400_000
    parameters = parameters_of(posterior).expand(count, -1)
    epsilon = torch.randn(count, Z, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    draw = posterior.draw(parameters, epsilon)
    upper, standard = draw.latent[:, :2], draw.latent[:, 2:]
    prior_mean, prior_log_variance = top.lower_prior(upper)
    lower = prior_mean + torch.exp(0.5 * prior_log_variance) * standard
    # By precisions, as in the paper's equations 8 and 9.
    image_mean, image_log_variance = parameters[:, 4:6], parameters[:, 6:]
    precision = torch.exp(-image_log_variance) + torch.exp(-prior_log_variance)
    mean = (image_mean * torch.exp(-image_log_variance) + prior_mean * torch.exp(-prior_log_variance)) / precision
    normal = torch.distributions.Normal
    log_q = normal(mean, precision.rsqrt()).log_prob(lower).sum(1)
    log_q += normal(parameters[:, :2], torch.exp(0.5 * parameters[:, 2:4])).log_prob(upper).sum(1)
    log_p = normal(prior_mean, torch.exp(0.5 * prior_log_variance)).log_prob(lower).sum(1)
    log_p += normal(0.0, 1.0).log_prob(upper).sum(1)
    assert draw.normal_rate.sum(1).mean().item() == pytest.approx((log_q - log_p).mean().item(), rel=0.01)


NETWORKS: list[tuple[str, dict[str, Any]]] = [
    ("mlp", {"hidden": [8]}),
    ("gated", {"hidden": [8, 7]}),
    ("gated", {"hidden": [8], "posterior": "full"}),
    ("mlp", {"hidden": [8], "posterior": "iaf", "flow_hidden": 6}),
    ("resnet", {"channels": [4, 6, 8], "blocks": 2, "posterior": "iaf"}),
    ("ladder", {"hidden": [8, 6], "upper_dim": 2}),
]
PRIORS: list[dict[str, Any]] = [
    {"name": "normal"},
    {"name": "mixture", "components": 3},
    {"name": "vamp", "components": 3},
]


@pytest.mark.parametrize(
    "tables",
    [
        {"model": {"network": network, **more}, "prior": prior}
        for network, more in NETWORKS
        for prior in PRIORS
        if prior["name"] != "vamp" or more.get("posterior", "diagonal") == "diagonal"
    ],
    ids=str,
)
@pytest.mark.parametrize("likelihood", [{"name": "bernoulli"}, {"name": "discretized-logistic", "scale": "per-pixel"}])
def test_every_part_joins_with_every_other(tables: dict[str, dict[str, Any]], likelihood: dict[str, str]) -> None:
    tables = {**tables, "model": {**tables["model"], "latent_dim": 5}, "likelihood": likelihood}
    shape = (3, 11, 8)
    images = torch.rand(6, *shape)
    vae = build(parse(tables)[0], shape, mean_image=images.mean(0), examples=images)
    terms = vae(images, torch.randn(6, 5))
    (terms.distortion.sum() + terms.rate_per_dimension.sum()).backward()
    without = [name for name, parameter in vae.named_parameters() if parameter.grad is None]
    assert without == []
    vae.eval()
    mean, log_variance = vae.encode(images)
    assert mean.shape == log_variance.shape == (6, 5)
    assert vae.sample(4).shape == vae.decode(mean)[:4].shape == (4, *shape)
    assert torch.equal(vae.sample(4, seed=1), vae.sample(4, seed=1))
    fresh = vae.decode(torch.zeros(1, 5))[0].mean((1, 2))
    assert (fresh - images.mean((0, 2, 3))).abs().max() < 0.25, "it begins near the mean image"
