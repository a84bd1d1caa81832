"""Each objective is the plain ELBO where it adds nothing, and what its paper says where it adds something."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence

from vae_tui.model import VAE, Terms, build
from vae_tui.model.gaussian import halves
from vae_tui.objective import build_objective, importance_bound
from vae_tui.objective.aggregate import discrepancy
from vae_tui.objective.correlation import decompose
from vae_tui.recipe import ObjectiveTable, parse

B, Z = 6, 3


@pytest.fixture
def vae() -> VAE:
    recipe, _ = parse({"model": {"latent_dim": Z, "hidden": [8]}})
    return build(recipe, (1, 5, 4), seed=3)


@pytest.fixture
def images() -> Tensor:
    return torch.rand(B, 1, 5, 4, generator=torch.Generator().manual_seed(0)).round()


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def loss_of(table: ObjectiveTable, terms: Terms, *, epochs: float = 1e9) -> Tensor:
    torch.manual_seed(0)
    objective = build_objective(table, latent_dim=Z, image_count=1000)
    weights = {name: torch.tensor(value) for name, value in objective.weights(epochs).items()}
    return objective.loss(terms, {**weights, "noise": noise(B, Z, seed=2)})


@pytest.mark.parametrize(
    "table",
    [
        ObjectiveTable(),
        ObjectiveTable(name="free-bits", free_bits=0.0),
        ObjectiveTable(name="tcvae", beta=1.0),
        ObjectiveTable(name="factor", gamma=0.0),
        ObjectiveTable(name="dip", off_diagonal=0.0, diagonal=0.0),
        ObjectiveTable(name="mmd", mmd=0.0),
        ObjectiveTable(name="capacity", gamma=1.0, capacity=0.0),
    ],
    ids=lambda table: table.name,
)
def test_at_its_neutral_setting_it_is_the_negative_elbo(table: ObjectiveTable, vae: VAE, images: Tensor) -> None:
    terms = vae(images, noise(B, Z))
    expected = terms.distortion.sum() + terms.rate_per_dimension.sum()
    torch.testing.assert_close(loss_of(table, terms), expected)


def test_the_loss_of_tcvae_does_not_grow_with_the_number_of_images(vae: VAE, images: Tensor) -> None:
    """Minibatch-weighted sampling adds (beta - 1) (Z - 1) log N, which would hide what is minimised."""
    terms, table = vae(images, noise(B, Z)), ObjectiveTable(name="tcvae", beta=6.0)
    few, many = (
        build_objective(table, latent_dim=Z, image_count=count).loss(terms, {"beta": torch.tensor(6.0)})
        for count in (10, 1_000_000)
    )
    torch.testing.assert_close(few, many, rtol=1e-4, atol=0)


def test_one_importance_weighted_draw_is_the_elbo_of_that_draw(vae: VAE, images: Tensor) -> None:
    terms = vae(images, noise(B, Z))
    mean, log_variance = vae.encode(images)
    log_q = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance)).log_prob(terms.latent)
    log_p = torch.distributions.Normal(0.0, 1.0).log_prob(terms.latent)
    found = loss_of(ObjectiveTable(name="iwae", samples=1), vae(images, noise(B, Z)[:, None]))
    torch.testing.assert_close(found, terms.distortion.sum() + (log_q - log_p).sum())


def test_the_importance_weighted_bound_is_the_log_of_the_mean_weight(vae: VAE, images: Tensor) -> None:
    epsilon = noise(B, 4, Z)
    each = [
        -loss_of(ObjectiveTable(name="iwae"), vae(images[b : b + 1], epsilon[b : b + 1, k : k + 1]))
        for b in range(B)
        for k in range(4)
    ]
    expected = torch.stack(each).view(B, 4).exp().mean(1).log().sum()
    torch.testing.assert_close(-loss_of(ObjectiveTable(name="iwae"), vae(images, epsilon)), expected)


@pytest.mark.slow
@pytest.mark.parametrize("posterior", ["diagonal", "full"])
def test_doubly_reparametrised_gradients_are_those_of_the_bound_with_less_noise(posterior: str) -> None:
    """Over many draws both have one mean; the encoder's gradient by DReG varies less, the decoder's is the same."""
    recipe, _ = parse({"model": {"latent_dim": 2, "hidden": [], "posterior": posterior}})
    vae = build(recipe, (1, 2, 2), seed=0).double()
    image = torch.tensor([1.0, 0, 0, 1], dtype=torch.float64).view(1, 1, 2, 2)
    count, draws = 4000, 4
    epsilon = noise(count, draws, 2).double()
    parameters = [*vae.encoder.parameters(), *vae.decoder.parameters()]
    split = len(list(vae.encoder.parameters()))

    def doubly(rows: slice) -> list[Tensor]:
        batch = image.expand(len(epsilon[rows]), -1, -1, -1)
        objective = build_objective(ObjectiveTable(name="iwae"), latent_dim=2, image_count=1)
        return list(torch.autograd.grad(objective.loss(vae(batch, epsilon[rows]), {}), parameters))

    def plainly(rows: slice) -> list[Tensor]:
        noise_ = epsilon[rows]
        read = vae.encoder(image.expand(len(noise_), -1, -1, -1))[:, None]
        draw = vae.posterior.draw(read, noise_)
        repeated = image.expand(noise_.shape[0] * draws, -1, -1, -1)
        distortion = vae.likelihood.distortion(vae.decoder(draw.latent.flatten(0, 1)), repeated).view(-1, draws)
        rate = (draw.log_density - vae.prior.log_density(draw.latent)).sum(2)
        return list(torch.autograd.grad(-importance_bound(-distortion - rate).sum(), parameters))

    ours, theirs = doubly(slice(None)), plainly(slice(None))
    for found, wanted in zip(ours[split:], theirs[split:], strict=True):
        torch.testing.assert_close(found, wanted)
    single = [
        [torch.cat([g.flatten() for g in way(slice(i, i + 1))[:split]]) for i in range(300)]
        for way in (doubly, plainly)
    ]
    variances = [torch.stack(found).var(0).sum() for found in single]
    assert variances[0] < 0.5 * variances[1]
    standard_error = (variances[1] / count).sqrt() * count
    difference = torch.cat([(a - b).flatten() for a, b in zip(ours[:split], theirs[:split], strict=True)]).norm()
    assert difference < 4 * standard_error


def test_the_three_terms_of_a_rate_sum_to_it(vae: VAE, images: Tensor) -> None:
    terms = vae(images, noise(B, Z))
    mean, log_variance = halves(terms.parameters)
    parts = decompose(terms.latent, mean, log_variance, 1000)
    log_p = torch.distributions.Normal(0.0, 1.0).log_prob(terms.latent).sum(1)
    total = parts.mutual_information + parts.total_correlation + parts.dimension_wise
    torch.testing.assert_close(total, terms.log_density.sum(1) - log_p)


def test_total_correlation_is_that_of_the_mixture_of_posteriors() -> None:
    """Of codes on a line it is large, of independent ones none: against their Gaussian's own."""
    count = 1500
    base = noise(count, 1)
    correlated = torch.cat((base, 0.9 * base + (1 - 0.81) ** 0.5 * noise(count, 1, seed=3)), 1)
    spread = torch.full((count, 2), -4.0)
    draws = correlated + torch.exp(0.5 * spread) * noise(count, 2, seed=4)
    found = decompose(draws, correlated, spread, count).total_correlation.mean().item()
    covariance = torch.cov(draws.T.double())
    expected = -0.5 * torch.logdet(covariance / covariance.diagonal().outer(covariance.diagonal()).sqrt())
    # log(N B) is taken once together and once for each of two dimensions.
    assert found - torch.tensor(float(count)).log().item() == pytest.approx(expected.item(), abs=0.1)
    assert expected > 0.7


def test_free_bits_of_a_dimension_cost_no_less_than_they_are_worth(vae: VAE, images: Tensor) -> None:
    terms = vae(images, noise(B, Z))
    rates = terms.rate_per_dimension.mean(0)
    bits = rates.sort().values[1].item() + 1e-4  # two of three dimensions are below
    expected = terms.distortion.sum() + B * (rates.max() + 2 * bits)
    torch.testing.assert_close(loss_of(ObjectiveTable(name="free-bits", free_bits=bits), terms), expected)
    whole = ObjectiveTable(name="free-bits", free_bits=50.0, free_bits_per="image")
    torch.testing.assert_close(loss_of(whole, terms), terms.distortion.sum() + B * 50.0)


def test_capacity_holds_the_rate_at_a_figure_that_grows(vae: VAE, images: Tensor) -> None:
    terms = vae(images, noise(B, Z))
    table = ObjectiveTable(name="capacity", gamma=100.0, capacity=8.0, capacity_epochs=4.0)
    rate = terms.rate_per_dimension.sum(1).mean()
    for epochs, capacity in [(0.0, 0.0), (1.0, 2.0), (4.0, 8.0), (9.0, 8.0)]:
        expected = terms.distortion.sum() + B * 100 * (rate - capacity).abs()
        torch.testing.assert_close(loss_of(table, terms, epochs=epochs), expected)


@pytest.mark.parametrize("covariance", ["means", "codes"])
def test_dip_weighs_what_the_covariance_is_off_the_identity(covariance: Any, vae: VAE, images: Tensor) -> None:
    terms = vae(images, noise(B, Z))
    mean, log_variance = halves(terms.parameters)
    expected = torch.cov(mean.T, correction=0)
    if covariance == "codes":
        expected = expected + log_variance.exp().mean(0).diag()
    off = (expected - expected.diag().diag()).square().sum()
    on = (expected.diag() - 1).square().sum()
    table = ObjectiveTable(name="dip", covariance=covariance, off_diagonal=3.0, diagonal=5.0)
    elbo = terms.distortion.sum() + terms.rate_per_dimension.sum()
    torch.testing.assert_close(loss_of(table, terms), elbo + B * (3 * off + 5 * on))


def test_the_discrepancy_of_equal_distributions_is_none_and_of_others_some() -> None:
    found = [discrepancy(noise(400, 2, seed=s), noise(400, 2, seed=s + 100)).item() for s in range(20)]
    assert abs(sum(found) / 20) < 2e-3
    assert discrepancy(noise(400, 2) + 1, noise(400, 2, seed=5)).item() > 0.1
    assert discrepancy(noise(1, 2), noise(1, 2, seed=5)).item() == 0


@pytest.mark.slow
def test_a_discriminator_that_has_learned_tells_the_total_correlation() -> None:
    torch.manual_seed(0)
    objective = build_objective(ObjectiveTable(name="factor"), latent_dim=2, image_count=1)
    assert objective.discriminator is not None
    optimizer = torch.optim.Adam(objective.discriminator.parameters(), lr=1e-3)
    covariance = torch.tensor([[1.0, 0.9], [0.9, 1.0]])
    joint = MultivariateNormal(torch.zeros(2), covariance)
    for _ in range(40):
        optimizer.zero_grad()
        codes = joint.sample((256,)).requires_grad_()
        objective.discriminator_loss(codes, torch.randn(256, 2)).backward()
        assert codes.grad is None, "codes learn nothing of it"
        optimizer.step()
    codes = joint.sample((4000,))
    nothing = torch.zeros(4000)
    terms = Terms(nothing, torch.zeros(4000, 2), codes, torch.zeros(4000, 2), torch.zeros(4000, 4))
    found = objective.loss(terms, {}).item() / 4000 / 10
    expected = kl_divergence(joint, MultivariateNormal(torch.zeros(2), torch.eye(2))).item()
    assert found == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("linear", [0, 0.5, 1, 1, 1]),
        ("sigmoid", [0, 0.5, 1, 1, 1]),
        ("cyclical", [0, 0.5, 1, 1, 0.5]),
    ],
)
def test_beta_rises_as_scheduled(schedule: Any, expected: list[float]) -> None:
    table = ObjectiveTable(beta=2.0, warmup_epochs=4.0, schedule=schedule, cycle_epochs=8.0)
    objective = build_objective(table, latent_dim=Z, image_count=1)
    found = [objective.weights(epochs)["beta"] / 2 for epochs in (0, 2, 4, 7.5, 10)]
    assert found == pytest.approx(expected)
    if schedule == "sigmoid":
        assert objective.weights(1)["beta"] / 2 < 0.1
