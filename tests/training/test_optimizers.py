from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from vae_tui.model import build
from vae_tui.recipe import OptimizerTable, parse
from vae_tui.training.optimizers import AveragedWeights, FusedOptimizer, PublicOptimizer, build_optimizer, learning_rate


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


@pytest.mark.parametrize(
    ("table", "reference"),
    [
        ({"name": "adam"}, lambda p: torch.optim.Adam(p, lr=0.1)),
        ({"name": "adam", "weight_decay": 0.1}, lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.1)),
        ({"name": "adamw", "weight_decay": 0.1}, lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1)),
        ({"name": "sgd"}, lambda p: torch.optim.SGD(p, lr=0.1)),
        ({"name": "sgd", "momentum": 0.9}, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    ],
)
@pytest.mark.parametrize("kind", [FusedOptimizer, PublicOptimizer])
def test_every_optimizer_steps_as_torchs_own_does(table: dict[str, Any], reference: Any, kind: Any) -> None:
    start = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    ours, theirs, unused = (torch.nn.Parameter(start.clone()) for _ in range(3))
    optimizer = kind(OptimizerTable.model_validate({"lr": 0.1, **table}), [unused, ours])
    expected = reference([theirs])
    for _ in range(5):
        for weight, step in ((ours, optimizer.step), (theirs, expected.step)):
            weight.grad = None
            (weight.square().sum() + weight.sin().sum()).backward()
            step()
    torch.testing.assert_close(ours, theirs)
    # What has no gradient stays: a decoder that is not trained, say.
    assert torch.equal(unused, start)


@pytest.mark.parametrize(
    "table", [{"name": "adam"}, {"name": "adamw"}, {"name": "sgd", "momentum": 0.9}, {"name": "sgd"}]
)
def test_a_run_goes_on_with_public_optimizers_where_torchs_fused_kernels_are_gone(
    table: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = OptimizerTable.model_validate({"lr": 0.1, **table})
    weights = [torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0])) for _ in range(2)]
    fused = build_optimizer(chosen, [weights[0]])
    assert isinstance(fused, FusedOptimizer)
    monkeypatch.setattr("vae_tui.training.optimizers._KERNELS", {table["name"]: "_gone_with_a_newer_torch_"})
    public = build_optimizer(chosen, [weights[1]])
    assert isinstance(public, PublicOptimizer)

    def take_steps(optimizer: Any, weight: torch.nn.Parameter) -> None:
        for lr in (0.1, 0.05):
            optimizer.lr = lr
            optimizer.clear_gradients()
            weight.square().sum().backward()
            optimizer.step()

    monkeypatch.undo()
    take_steps(fused, weights[0])
    take_steps(public, weights[1])
    torch.testing.assert_close(weights[0], weights[1])
    resumed = PublicOptimizer(chosen, [weights[1]])
    resumed.restore(fused.state())
    assert resumed.state().keys() == fused.state().keys()
    take_steps(fused, weights[0])
    take_steps(resumed, weights[1])
    torch.testing.assert_close(weights[0], weights[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        [],
        ["prior.name=vamp", "prior.components=5"],
        ["model.network=conv", "model.channels=[4]"],
        ["objective.name=tcvae"],
        ["objective.name=iwae", "objective.samples=2"],
    ],
)
def test_training_does_without_torchs_compiler(tmp_path: Path, more: list[str]) -> None:
    settings = ["train.epochs=1", "train.threads=1", "optimizer.clip_norm=1.0", "optimizer.ema_decay=0.9", *more]
    code = (
        "import sys, vae_tui\n"
        f"list(vae_tui.train('digits', {settings}, runs_dir={str(tmp_path)!r}))\n"
        "print({'torch._dynamo', 'sympy', 'torchvision', 'sklearn'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_averaged_weights_follow_the_weights_at_their_decay() -> None:
    vae = build(parse({})[0], (1, 4, 4))
    averaged = AveragedWeights(vae, 0.9)
    before = next(averaged.vae.parameters()).clone()
    with torch.no_grad():
        next(vae.parameters()).add_(1.0)
    averaged.update(step=10_000)
    torch.testing.assert_close(next(averaged.vae.parameters()), before + 0.1)
