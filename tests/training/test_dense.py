"""The gradients derived by hand are those of autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vae_tui.model import build
from vae_tui.objective import BetaElbo
from vae_tui.recipe import load_recipe
from vae_tui.training.aside import Aside
from vae_tui.training.dense import DenseGradients, supports_manual_backward

_SHAPE = (3, 4, 5)
_BATCH = 7


@pytest.mark.parametrize(
    "overrides",
    [
        *([f"model.activation={name}"] for name in ("relu", "leaky_relu", "elu", "gelu", "silu", "tanh")),
        ["model.hidden=[]"],
        ["model.hidden=[9, 8, 7]", "objective.beta=4.0"],
        ["model.network=gated", "model.hidden=[9, 8]", "objective.beta=0.7"],
        ["model.network=gated", "prior.name=vamp", "prior.components=5"],
        ["objective.beta=0.0"],
        ["likelihood.name=gaussian", "likelihood.sigma=0.3", "objective.beta=0.5"],
        ["prior.name=vamp", "prior.components=5", "objective.beta=0.5"],
        ["prior.name=vamp", "prior.components=5", "model.hidden=[]", "objective.beta=0.3"],
    ],
    ids=lambda overrides: " ".join(overrides),
)
@pytest.mark.parametrize("count", [_BATCH, 3])
def test_every_network_likelihood_and_beta_gives_the_gradients_of_autograd(overrides: list[str], count: int) -> None:
    recipe = load_recipe("digits", ["model.hidden=[9]", "model.latent_dim=4", *overrides]).recipe
    pseudo = torch.rand(5, *_SHAPE, generator=torch.Generator().manual_seed(2)) * 1.2 - 0.1
    vae = build(recipe, _SHAPE, seed=3, examples=pseudo).double()
    objective = BetaElbo(recipe.objective, latent_dim=recipe.model.latent_dim, image_count=1)
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(count, *_SHAPE, generator=generator, dtype=torch.float64)
    epsilon = torch.randn(count, 4, generator=generator, dtype=torch.float64)

    terms = vae(images, epsilon)
    rates = terms.rate_per_dimension.sum(0)
    loss = objective.weigh(terms.distortion.sum(), rates.sum(), recipe.objective.beta)
    expected = torch.autograd.grad(loss / count, list(vae.parameters()))

    by_hand = DenseGradients(vae, objective, _BATCH, Aside(torch.device("cpu")), rounded=None)
    by_hand(torch.rand_like(images), epsilon, 1.0)
    sums = by_hand(images, epsilon, recipe.objective.beta)
    torch.testing.assert_close(sums, torch.cat((loss[None], terms.distortion.sum()[None], rates)).detach())
    torch.testing.assert_close([parameter.grad for parameter in vae.parameters()], list(expected))


@pytest.mark.parametrize("prior", ["normal", "vamp"])
@pytest.mark.parametrize("network", ["mlp", "gated"])
def test_rounded_to_bfloat16_they_are_as_near_as_those_of_autocast(network: str, prior: str) -> None:
    names = [f"model.network={network}", "model.hidden=[64, 32]", "model.latent_dim=4", f"prior.name={prior}"]
    components = ["prior.components=5"] if prior == "vamp" else []
    recipe = load_recipe("digits", [*names, *components]).recipe
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(_BATCH, *_SHAPE, generator=generator)
    vae = build(recipe, _SHAPE, seed=3, examples=images[:5])
    objective = BetaElbo(recipe.objective, latent_dim=4, image_count=1)
    epsilon = torch.randn(_BATCH, 4, generator=generator)

    def by_autograd(*, rounded: bool) -> tuple[Tensor, tuple[Tensor, ...]]:
        with torch.autocast("cpu", torch.bfloat16, enabled=rounded):
            terms = vae(images, epsilon)
        loss = objective.weigh(terms.distortion.sum(), terms.rate_per_dimension.sum(), 1.0)
        return loss.detach(), torch.autograd.grad(loss / _BATCH, list(vae.parameters()))

    (loss, exact), (_, rough) = by_autograd(rounded=False), by_autograd(rounded=True)
    by_hand = DenseGradients(vae, objective, _BATCH, Aside(torch.device("cpu")), rounded=torch.bfloat16)
    sums = by_hand(images, epsilon, 1.0)

    torch.testing.assert_close(sums[0], loss, rtol=5e-3, atol=0)
    for parameter, of_autocast, expected in zip(vae.parameters(), rough, exact, strict=True):
        assert parameter.grad is not None
        assert parameter.grad.dtype == torch.float32
        assert 0 < (parameter.grad - expected).norm() < 2 * (of_autocast - expected).norm()


def test_it_serves_fully_connected_networks_that_minimise_the_distortion() -> None:
    for name in ("fc20", "mnist/gated40", "mnist/vamp-1h"):
        assert supports_manual_backward(load_recipe(name).recipe), name
    assert not supports_manual_backward(load_recipe("conv20").recipe)
    assert not supports_manual_backward(load_recipe("kl-only").recipe)
