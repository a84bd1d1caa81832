from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vae_tui.errors import RecipeError
from vae_tui.model import VAE, build
from vae_tui.model.gaussian import rate_per_dimension, reparametrise
from vae_tui.model.likelihoods import Bernoulli, Gaussian
from vae_tui.recipe import parse

SHAPES = [(1, 28, 28), (1, 28, 20), (3, 33, 47), (1, 9, 6)]
NETWORKS = [
    {"network": "mlp", "hidden": []},
    {"network": "mlp", "hidden": [8, 7], "activation": "gelu"},
    {"network": "conv", "channels": [4, 6]},
    {"network": "conv", "channels": [4], "dense": [9, 7]},
    {"network": "resnet", "channels": [4, 6], "dense": [7]},
    {"network": "conv", "channels": [4, 6], "kernel_size": 4, "norm": "batch"},
    {"network": "conv", "channels": [12], "kernel_size": 5, "padding": 2, "stride": 3, "norm": "group"},
    {"network": "conv", "channels": [4, 3], "stride": 1, "padding": 0, "pool": 2},
]


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_network_takes_images_of_every_size_and_gives_them_back(
    shape: tuple[int, int, int], network: dict[str, object]
) -> None:
    recipe, _ = parse({"model": {**network, "latent_dim": 5}})
    vae = build(recipe, shape).eval()
    images = torch.rand(3, *shape)
    mean, log_variance = vae.encode(images)
    assert mean.shape == log_variance.shape == (3, 5)
    assert vae.decode(mean).shape == vae.reconstruct(images).shape == images.shape
    terms = vae(images, torch.randn(3, 5))
    assert terms.distortion.shape == (3,)
    assert terms.rate_per_dimension.shape == (3, 5)


def test_conv20_has_the_layers_of_its_notebook() -> None:
    from vae_tui.recipe import load_recipe

    vae = VAE(load_recipe("conv20").recipe, (1, 28, 28))
    assert vae.network_name == "conv 1-32-16-2304-20"
    shapes = [tuple(p.shape) for p in vae.encoder.parameters() if p.dim() > 1]
    assert shapes == [(32, 1, 3, 3), (16, 32, 3, 3), (40, 2304)]
    shapes = [tuple(p.shape) for p in vae.decoder.parameters() if p.dim() > 1]
    assert shapes == [(2304, 20), (16, 32, 3, 3), (32, 1, 3, 3)]


def test_images_too_small_for_the_convolutions_are_a_clear_error() -> None:
    recipe, _ = parse({"model": {"network": "conv", "stride": 1, "padding": 0, "kernel_size": 5, "pool": 4}})
    with pytest.raises(RecipeError, match="images of 7x5 are too small for 2 convolutions"):
        build(recipe, (1, 7, 5))


def test_images_of_another_shape_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"expected images of shape \(B, 1, 28, 28\), got \(2, 1, 8, 8\)"):
        build(parse({})[0], (1, 28, 28)).encode(torch.rand(2, 1, 8, 8))


def test_a_seed_gives_the_same_weights_and_the_same_samples() -> None:
    recipe, _ = parse({"model": {"latent_dim": 4}})
    one, two, other = (
        build(recipe, (1, 8, 8), seed=1),
        build(recipe, (1, 8, 8), seed=1),
        build(recipe, (1, 8, 8), seed=2),
    )
    assert torch.equal(one.sample(3, seed=5), two.sample(3, seed=5))
    assert not torch.equal(one.sample(3, seed=5), one.sample(3, seed=6))
    assert not torch.equal(one.sample(3, seed=5), other.sample(3, seed=5))
    assert torch.equal(one.sample(2, temperature=0.0)[0], one.sample(2, temperature=0.0)[1])


def test_initial_weights_are_spread_as_pytorch_spreads_them() -> None:
    vae = build(parse({})[0], (1, 28, 28))
    torch.manual_seed(0)
    reference = torch.nn.Linear(784, 400)
    ours = next(vae.encoder.parameters())
    assert ours.std().item() == pytest.approx(reference.weight.std().item(), rel=0.01)
    assert ours.abs().max().item() == pytest.approx(784**-0.5, rel=0.001)


@pytest.mark.parametrize("network", [{}, {"network": "conv", "channels": [4]}], ids=str)
def test_a_new_vae_decodes_to_about_the_mean_image(network: dict[str, object]) -> None:
    grey = torch.full((3, 8, 6), 0.2)
    grey[1] = 0.7
    vae = build(parse({"model": network})[0], (3, 8, 6), mean_image=grey)
    assert vae.sample(50).mean((0, 2, 3)).tolist() == pytest.approx([0.2, 0.7, 0.2], abs=0.06)


def test_the_analytic_rate_is_the_one_monte_carlo_finds() -> None:
    generator = torch.Generator().manual_seed(0)
    mean, log_variance = torch.tensor([[0.7, -1.5]]), torch.tensor([[0.3, -2.0]])
    epsilon = torch.randn(400_000, 2, generator=generator)
    latent = reparametrise(mean, log_variance, epsilon)
    posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    monte_carlo = (posterior.log_prob(latent) - torch.distributions.Normal(0, 1).log_prob(latent)).mean(0)
    torch.testing.assert_close(rate_per_dimension(mean, log_variance)[0], monte_carlo, rtol=0.01, atol=0)


def test_a_bernoulli_pixel_costs_minus_the_log_of_its_probability() -> None:
    logits, pixels = torch.tensor([[[[0.3, -2.0]]]]), torch.tensor([[[[1.0, 0.0]]]])
    p = torch.sigmoid(logits)
    expected = -(p[..., 0].log() + (1 - p[..., 1]).log()).item()
    assert Bernoulli().distortion(logits, pixels).item() == pytest.approx(expected, abs=1e-6)


def test_a_bernoulli_pixel_is_never_rounded_to_certainty() -> None:
    logits = torch.tensor([[[[200.0]]]], requires_grad=True)
    distortion = Bernoulli().distortion(logits, torch.zeros(1, 1, 1, 1))
    distortion.sum().backward()
    assert distortion.item() == pytest.approx(200.0)
    assert logits.grad is not None
    assert logits.grad.item() == pytest.approx(1.0)


@pytest.mark.parametrize("sigma", [0.1, math.sqrt(0.5)])
def test_a_gaussian_pixel_costs_nats_normaliser_included(sigma: float) -> None:
    output, images = torch.randn(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
    exact = torch.distributions.Normal(torch.sigmoid(output), sigma).log_prob(images).flatten(1).sum(1)
    torch.testing.assert_close(Gaussian(sigma).distortion(output, images), -exact, rtol=1e-5, atol=1e-3)


def test_a_gaussian_of_variance_one_half_is_the_notebooks_squared_error_and_a_constant() -> None:
    output, images = torch.randn(2, 1, 4, 5), torch.rand(2, 1, 4, 5)
    squared: Tensor = (torch.sigmoid(output) - images).square().flatten(1).sum(1)
    constant = 20 * 0.5 * math.log(math.pi)
    torch.testing.assert_close(Gaussian(0.7071067811865476).distortion(output, images), squared + constant)


def test_a_new_vae_whose_output_bias_is_zero_decodes_to_about_middle_grey() -> None:
    bright = torch.full((1, 8, 6), 0.9)
    vae = build(parse({"model": {"output_bias": "zero"}})[0], (1, 8, 6), mean_image=bright)
    last = [layer for layer in vae.decoder.modules() if isinstance(layer, torch.nn.Linear)][-1]
    assert torch.equal(last.bias, torch.zeros(48))
    assert vae.decode(torch.zeros(1, 20)).mean().item() == pytest.approx(0.5, abs=0.05)
