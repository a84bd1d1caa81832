from __future__ import annotations

import pytest
import torch

from vae_tui.objective import BetaElbo
from vae_tui.recipe import ObjectiveTable


def test_at_beta_one_it_is_the_negative_elbo() -> None:
    assert BetaElbo(ObjectiveTable()).weigh(3.0, 2.0, 1.0) == 5.0


def test_beta_zero_leaves_the_distortion_even_where_the_rate_is_infinite() -> None:
    objective = BetaElbo(ObjectiveTable(beta=0.0))
    assert objective.weigh(torch.tensor(3.0), torch.tensor(float("inf")), 0.0).item() == 3.0


def test_rate_only_leaves_the_distortion_out() -> None:
    assert BetaElbo(ObjectiveTable(distortion=False)).weigh(float("nan"), 2.0, 1.0) == 2.0


@pytest.mark.parametrize(("epochs", "beta"), [(0.0, 0.0), (1.0, 1.0), (2.5, 2.5), (4.0, 4.0), (9.0, 4.0)])
def test_beta_warms_up_linearly(epochs: float, beta: float) -> None:
    assert BetaElbo(ObjectiveTable(beta=4.0, warmup_epochs=4.0)).weights(epochs)["beta"] == beta
