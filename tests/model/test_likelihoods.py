"""Likelihoods are likelihoods: they integrate or sum to 1, and their means are means."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vae_tui.model.likelihoods import DiscretizedLogistic, OptimalGaussian, build_likelihood
from vae_tui.recipe import parse

DENSITIES = [
    {"name": "gaussian", "sigma": 0.1},
    {"name": "gaussian", "sigma": "learned"},
    {"name": "gaussian", "sigma": "per-pixel"},
    {"name": "gaussian", "sigma": "optimal"},
    {"name": "laplace", "scale": 0.2},
    {"name": "laplace", "scale": "learned"},
    {"name": "laplace", "scale": "per-pixel"},
]
OUTPUTS = [-4.0, -1e-3, 0.0, 0.05, 0.7, 3.0]


def of_one_pixel(table: dict[str, object], values: Tensor, output: float) -> Tensor:
    """log p(x|z) of images of one pixel each with these values, (N,)."""
    likelihood = build_likelihood(parse({"likelihood": table})[0].likelihood).eval()
    outputs = torch.full((len(values), likelihood.outputs, 1, 1), output)
    return -likelihood.distortion(outputs, values.view(-1, 1, 1, 1)).double()


@pytest.mark.slow
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("table", DENSITIES, ids=str)
def test_densities_integrate_to_one(table: dict[str, object], output: float) -> None:
    values = torch.linspace(-120, 120, 2_400_001)
    total = torch.trapezoid(of_one_pixel(table, values, output).exp(), values.double())
    assert total.item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("output", [*OUTPUTS, -30.0, 30.0, 0.0999, 0.1001])
def test_the_continuous_bernoulli_integrates_to_one_over_the_unit_interval(output: float) -> None:
    values = torch.linspace(0, 1, 100_001)
    density = of_one_pixel({"name": "continuous-bernoulli"}, values, output).exp()
    assert torch.trapezoid(density, values.double()).item() == pytest.approx(1, abs=1e-3)
    likelihood = build_likelihood(parse({"likelihood": {"name": "continuous-bernoulli"}})[0].likelihood)
    mean = torch.trapezoid(density * values, values.double()).item()
    assert likelihood.mean(torch.full((1, 1, 1, 1), output)).item() == pytest.approx(mean, abs=1e-3)


@pytest.mark.parametrize("output", [*OUTPUTS, -30.0, 30.0])
def test_the_bernoulli_sums_to_one(output: float) -> None:
    total = of_one_pixel({"name": "bernoulli"}, torch.tensor([0.0, 1.0]), output).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("output", [*OUTPUTS, -30.0, 30.0])
@pytest.mark.parametrize("scale", [1.25e-4, 1e-3, 0.05, 3.0, "learned", "per-pixel"])
def test_the_discretised_logistic_sums_to_one_over_the_grey_values(scale: object, output: float) -> None:
    values = torch.arange(256) / 255
    total = of_one_pixel({"name": "discretized-logistic", "scale": scale}, values, output).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-3)


def test_the_discretised_logistic_has_a_gradient_where_it_is_sure_and_wrong() -> None:
    output = torch.full((1, 1, 1, 1), -20.0, requires_grad=True)
    distortion = DiscretizedLogistic(1e-4).distortion(output, torch.full((1, 1, 1, 1), 200 / 255))
    assert torch.isfinite(distortion).all()
    assert torch.isfinite(torch.autograd.grad(distortion.sum(), output)[0]).all()


def test_the_optimal_sigma_costs_what_the_best_fixed_one_costs_and_is_kept() -> None:
    generator = torch.Generator().manual_seed(0)
    images, output = torch.rand(50, 1, 8, 8, generator=generator), torch.randn(50, 1, 8, 8, generator=generator)
    output.requires_grad_()
    sigma = (torch.sigmoid(output) - images).square().mean().sqrt().item()
    fixed = build_likelihood(parse({"likelihood": {"name": "gaussian", "sigma": sigma}})[0].likelihood)
    optimal = OptimalGaussian()
    distortion = optimal.distortion(output, images)
    torch.testing.assert_close(distortion, fixed.distortion(output, images))
    # The best sigma's own gradient is zero, so both have the same.
    ours, theirs = (torch.autograd.grad(d.sum(), output)[0] for d in (distortion, fixed.distortion(output, images)))
    torch.testing.assert_close(ours, theirs)
    assert optimal.variance.item() == pytest.approx(sigma**2)
    optimal.eval()
    assert optimal.distortion(output, images).sum().item() == pytest.approx(distortion.sum().item(), rel=1e-5)


def test_bits_of_uniform_noise() -> None:
    """An even spread over 256 values costs 8 bits, whatever the image."""
    wide = DiscretizedLogistic(1.0)
    values = torch.arange(1, 255).view(-1, 1, 1, 1) / 255
    bits = wide.distortion(torch.zeros_like(values), values) / math.log(2)
    # A logistic of scale 1 has a quarter of its density at the middle.
    assert bits.min().item() == pytest.approx(math.log2(4 * 255), abs=0.01)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(
    "table",
    [
        *DENSITIES,
        {"name": "bernoulli"},
        {"name": "continuous-bernoulli"},
        {"name": "discretized-logistic", "scale": 0.05},
    ],
    ids=str,
)
def test_draws_cost_on_average_what_their_distribution_says(table: dict[str, object], output: float) -> None:
    likelihood = build_likelihood(parse({"likelihood": table})[0].likelihood).eval()
    outputs = torch.full((40_000, likelihood.outputs, 1, 1), output)
    drawn = likelihood.draw(outputs, torch.Generator().manual_seed(0))
    assert drawn.shape == (40_000, 1, 1, 1)
    if table["name"] == "bernoulli":
        values, width = torch.tensor([0.0, 1.0]), 1.0
    elif table["name"] == "discretized-logistic":
        values, width = torch.arange(256) / 255, 1.0
    else:
        low, high = (0, 1) if table["name"] == "continuous-bernoulli" else (-12, 13)
        values = torch.linspace(low, high, 250_001)
        width = (values[1] - values[0]).item()
    log_probability = of_one_pixel(table, values, output)
    probability = log_probability.exp() * width
    moments = [probability @ values.double() ** power for power in (1, 2)]
    error = 5 / math.sqrt(40_000)
    assert drawn.mean().item() == pytest.approx(moments[0].item(), abs=error * max(drawn.std().item(), 0.01))
    assert drawn.square().mean().item() == pytest.approx(moments[1].item(), rel=4 * error, abs=1e-3)
    cost = -of_one_pixel(table, drawn.flatten(), output).mean().item()
    assert cost == pytest.approx(-(probability @ log_probability).item(), abs=8 * error)
