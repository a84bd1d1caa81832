from __future__ import annotations

import pytest
import torch

from vae_tui.model import build
from vae_tui.recipe import OptimizerTable, parse
from vae_tui.training.optimizers import AveragedWeights, build_optimizer, learning_rate


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({}, [1.0, 1.0, 1.0, 1.0]),
        ({"schedule": "step", "milestones": (1, 3), "gamma": 0.5}, [1.0, 0.5, 0.5, 0.25]),
        ({"schedule": "exponential", "gamma": 0.5}, [1.0, 0.5, 0.25, 0.125]),
        ({"schedule": "cosine"}, [1.0, 0.8535533905932737, 0.5, 0.14644660940672627]),
    ],
)
def test_the_learning_rate_of_four_epochs(table: dict[str, object], expected: list[float]) -> None:
    optimizer = OptimizerTable.model_validate({"lr": 1.0, **table})
    assert [learning_rate(optimizer, epoch, 4) for epoch in range(1, 5)] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_every_optimizer_takes_a_step_downhill(name: str) -> None:
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    optimizer = build_optimizer(OptimizerTable(name=name, lr=0.1), [weight], torch.device("cpu"))  # type: ignore[arg-type]
    weight.square().sum().backward()
    optimizer.step()
    assert 0 < weight.item() < 2


def test_averaged_weights_follow_the_weights_at_their_decay() -> None:
    vae = build(parse({})[0], (1, 4, 4))
    averaged = AveragedWeights(vae, 0.9)
    before = next(averaged.vae.parameters()).clone()
    with torch.no_grad():
        next(vae.parameters()).add_(1.0)
    averaged.update(step=10_000)
    torch.testing.assert_close(next(averaged.vae.parameters()), before + 0.1)
