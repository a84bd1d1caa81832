from __future__ import annotations

from typing import Any

import pytest
import torch

from vae_tui.objective import BetaElbo
from vae_tui.recipe import ObjectiveTable


def elbo(**keys: Any) -> BetaElbo:
    return BetaElbo(ObjectiveTable(**keys), latent_dim=2, image_count=10)


def test_at_beta_one_it_is_the_negative_elbo() -> None:
    assert elbo().weigh(3.0, 2.0, 1.0) == 5.0


def test_beta_zero_leaves_the_distortion_even_where_the_rate_is_infinite() -> None:
    objective = elbo(beta=0.0)
    assert objective.weigh(torch.tensor(3.0), torch.tensor(float("inf")), 0.0).item() == 3.0


def test_rate_only_leaves_the_distortion_out() -> None:
    assert elbo(distortion=False).weigh(float("nan"), 2.0, 1.0) == 2.0


@pytest.mark.parametrize(("epochs", "beta"), [(0.0, 0.0), (1.0, 1.0), (2.5, 2.5), (4.0, 4.0), (9.0, 4.0)])
def test_beta_warms_up_linearly(epochs: float, beta: float) -> None:
    assert elbo(beta=4.0, warmup_epochs=4.0).weights(epochs)["beta"] == beta


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({}, ""),
        ({"warmup_epochs": 5.0}, ""),
        ({"beta": 4.0}, "distortion + 4 rate"),
        ({"beta": 0.0}, "distortion"),
        ({"distortion": False}, "rate"),
    ],
)
def test_what_is_minimised_has_a_name_where_it_is_not_the_negative_elbo(keys: dict[str, Any], name: str) -> None:
    assert elbo(**keys).loss_name == name
