"""The gradients derived by hand are those of autograd."""

from __future__ import annotations

import pytest
import torch

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

    by_hand = DenseGradients(vae, objective, _BATCH, Aside(torch.device("cpu")))
    by_hand(torch.rand_like(images), epsilon, 1.0)
    sums = by_hand(images, epsilon, recipe.objective.beta)
    torch.testing.assert_close(sums, torch.cat((loss[None], terms.distortion.sum()[None], rates)).detach())
    torch.testing.assert_close([parameter.grad for parameter in vae.parameters()], list(expected))


def test_it_serves_fully_connected_networks_that_minimise_the_distortion() -> None:
    for name in ("fc20", "mnist/gated40", "mnist/vamp-1h"):
        assert supports_manual_backward(load_recipe(name).recipe), name
    assert not supports_manual_backward(load_recipe("conv20").recipe)
    assert not supports_manual_backward(load_recipe("kl-only").recipe)
