"""What a GPU comes to, where there is one: the steps of every network and objective, exact resuming, figures, pictures."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Cli, MakeRun, train_events

from vae_tui import events as ev
from vae_tui.data import load_image_sets
from vae_tui.model.checkpoint import read_tensors
from vae_tui.recipe import load_recipe
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events
from vae_tui.training.ranks import Together
from vae_tui.training.steps import AutogradStep
from vae_tui.training.trainer import Trainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA GPU here")

_CONV = ("model.network=conv", "model.channels=[4, 8]")
_KINDS = {
    "dense": (),
    "gated": ("model.network=gated", "model.hidden=[16, 16]"),
    "gelu": ("model.activation=gelu", "likelihood.name=gaussian"),
    "convolutions": _CONV,
    "batch norm": (*_CONV, "model.norm=batch"),
    "group norm": (*_CONV, "model.norm=group", "data.mirror=true"),
    "residual": ("model.network=resnet", "model.channels=[4, 8]"),
    "ladder": ("model.network=ladder", "model.hidden=[16]"),
    "full covariance": ("model.posterior=full",),
    "autoregressive": ("model.posterior=iaf",),
    "mixture": ("prior.name=mixture", "prior.components=3"),
    "vamp": ("prior.name=vamp", "prior.components=5"),
    "vamp of convolutions": (*_CONV, "prior.name=vamp", "prior.components=5"),
    "continuous": ("likelihood.name=continuous-bernoulli",),
    "learned sigma": ("likelihood.name=gaussian", "likelihood.sigma=learned"),
    "optimal sigma": ("likelihood.name=gaussian", "likelihood.sigma=optimal"),
    "logistic": ("likelihood.name=discretized-logistic",),
    "laplace": ("likelihood.name=laplace", "likelihood.scale=per-pixel"),
    "free bits": ("objective.name=free-bits",),
    "capacity": ("objective.name=capacity", "objective.capacity_epochs=2"),
    "importance": ("objective.name=iwae", "objective.samples=5"),
    "correlation": ("objective.name=tcvae",),
    "adversary": ("objective.name=factor",),
    "disentangled": ("objective.name=dip",),
    "mmd": ("objective.name=mmd",),
    "rate alone": ("objective.distortion=false",),
    "sgd": ("optimizer.name=sgd", "optimizer.momentum=0.9", "optimizer.lr=1e-4"),
    "adamw": ("optimizer.name=adamw", "optimizer.weight_decay=0.01"),
    "all that changes": (
        "data.binarize=dynamic",
        "data.mirror=true",
        "data.shift=2",
        "data.crop=0.2",
        "data.color_jitter=0.2",
        "objective.warmup_epochs=2",
        "optimizer.clip_norm=5.0",
        "optimizer.schedule=cosine",
        "optimizer.ema_decay=0.9",
    ),
    "bf16": ("train.precision=bf16",),
    "bf16 convolutions": (*_CONV, "train.precision=bf16"),
}


def make_trainer(run: Run, *, device: str = "cuda", compiled: bool = False) -> Trainer:
    recipe = load_recipe(str(run.recipe_path)).recipe
    sets = load_image_sets(recipe.data, seed=0, data_root=Path(), progress=lambda *_: None)
    return Trainer(recipe, sets, torch.device(device), compiled=compiled)


def take_epochs(trainer: Trainer, count: int) -> None:
    for _ in range(count):
        trainer.begin_epoch()
        while not trainer.epoch_is_over:
            trainer.step()


def assert_close(ours: Trainer, theirs: Trainer, *, rtol: float = 1e-3) -> None:
    assert ours.epoch_means().figures() == pytest.approx(theirs.epoch_means().figures(), rel=rtol, abs=rtol)
    names = dict(ours.evaluated.named_parameters())
    for name, expected in theirs.evaluated.named_parameters():
        difference = torch.linalg.vector_norm(names[name] - expected) / torch.linalg.vector_norm(expected).clamp_min(
            0.1
        )
        assert difference < 10 * rtol, name


@pytest.mark.parametrize("kind", _KINDS)
def test_a_recorded_step_is_the_step_itself(make_run: MakeRun, kind: str) -> None:
    recorded, plain = (make_trainer(make_run(*_KINDS[kind], name=name)) for name in ("recorded", "plain"))
    plain._step, plain._record = AutogradStep(plain._parts), None
    for trainer in (recorded, plain):
        take_epochs(trainer, 3)
    assert_close(recorded, plain, rtol=2e-2 if "bf16" in kind else 1e-3)


@pytest.mark.filterwarnings("ignore")  # torch's compiler uses what torch deprecates
@pytest.mark.parametrize("kind", ["dense", "convolutions", "all that changes"])
def test_a_compiled_step_is_the_step_itself(make_run: MakeRun, kind: str) -> None:
    compiled, plain = (
        make_trainer(make_run(*_KINDS[kind], name=n), compiled=n == "compiled") for n in ("compiled", "plain")
    )
    for trainer in (compiled, plain):
        take_epochs(trainer, 3)
    assert_close(compiled, plain)


@pytest.mark.parametrize("kind", ["dense", "convolutions", "vamp", "iaf"])
def test_the_first_gradients_are_those_of_the_cpu(make_run: MakeRun, kind: str) -> None:
    overrides = _KINDS.get(kind, ("model.posterior=iaf",))
    here, there = (make_trainer(make_run(*overrides, name=d), device=d) for d in ("cuda", "cpu"))
    there.begin_epoch()
    batch = there._draw_batch(20, {})
    for trainer in (here, there):
        step = AutogradStep(trainer._parts)
        loss, _ = step.forward({name: tensor.to(trainer.device) for name, tensor in batch.items()})
        trainer.optimizer.clear_gradients()
        torch.autograd.backward(loss)
    for ours, theirs in zip(here.vae.parameters(), there.vae.parameters(), strict=True):
        assert (ours.grad is None) == (theirs.grad is None)
        if ours.grad is not None and theirs.grad is not None:
            torch.testing.assert_close(ours.grad.cpu(), theirs.grad, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", ["dense", "convolutions", "all that changes", "bf16"])
def test_a_run_that_is_stopped_goes_on_exactly(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr("vae_tui.training.loop._POLL_SECONDS", 0.0)
    whole, broken = (make_run(*_KINDS[kind], "train.epochs=5", name=name) for name in ("whole", "broken"))
    list(train_events(whole, device="cuda"))
    asked = iter([False] * 13)
    list(train_events(broken, device="cuda", interrupted=lambda: next(asked, True)))
    assert 5 < broken.latest().step < 24
    list(train_events(broken, device="cuda", resume=True))
    assert broken.latest().path.read_bytes() == whole.latest().path.read_bytes()


def test_a_run_goes_on_here_that_a_cpu_began(make_run: MakeRun) -> None:
    run = make_run("train.epochs=2", "data.validation=0.2")
    list(train_events(run))
    list(train_events(run, device="cuda", resume=True, overrides=["train.epochs=4"]))
    found = [event for event in read_events(run.events_path) if isinstance(event, ev.EpochCompleted)]
    losses = [event.train["loss"] for event in found]
    assert len(losses) == 4
    assert losses[2:] == pytest.approx(losses[:2], abs=0.5)


def test_images_larger_than_its_memory_come_as_those_that_fit(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = make_trainer(make_run("data.binarize=dynamic", name="inside"))
    monkeypatch.setattr("vae_tui.training.batches._DEVICE_SHARE", 0.0)
    outside = make_trainer(make_run("data.binarize=dynamic", name="outside"))
    assert inside._batches.resident is not None
    assert outside._batches.resident is None
    ways = []
    for trainer in (inside, outside):
        weights = []
        for _ in range(3):
            trainer.begin_epoch()
            while not trainer.epoch_is_over:
                trainer.step()
                weights.append(torch.cat([parameter.detach().flatten() for parameter in trainer.vae.parameters()]))
        ways.append(torch.stack(weights))
    apart = (ways[0] - ways[1]).abs().amax(1)
    assert not apart.any(), f"how far apart after each step: {apart.tolist()}"
    assert inside.epoch_means() == outside.epoch_means()


def test_rates_and_betas_that_are_set_reach_a_recorded_step(make_run: MakeRun) -> None:
    from vae_tui.recipe import Change

    trainer = make_trainer(make_run())
    take_epochs(trainer, 2)
    trainer.add_change(Change(step=trainer.step_count, key="objective.beta", value=50.0))
    trainer.make_changes()
    take_epochs(trainer, 1)
    means = trainer.epoch_means()
    assert means.loss == pytest.approx(means.distortion + 50 * means.rate, rel=1e-3)
    trainer.add_change(Change(step=trainer.step_count, key="optimizer.lr", value=1e-30))
    trainer.make_changes()
    before = [parameter.clone() for parameter in trainer.vae.parameters()]
    take_epochs(trainer, 1)
    for ours, theirs in zip(trainer.vae.parameters(), before, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:Grad strides do not match")  # of a single channel, where they say the same
def test_nccl_adds_up_gradients_and_sums(make_run: MakeRun) -> None:
    import torch.distributed as dist

    alone = make_trainer(make_run(*_CONV, "model.norm=batch", name="alone"))
    store = dist.HashStore()  # type: ignore[attr-defined]
    ranks = Together(torch.device("cuda:0"), index=0, count=1, count_here=1, store=store)
    try:
        assert dist.get_backend() == "nccl"
        recipe, sets = alone.recipe, alone._sets
        together = Trainer(recipe, sets, torch.device("cuda:0"), ranks=ranks)
        together._record = None  # as where there are two
        for trainer in (alone, together):
            take_epochs(trainer, 2)
            assert trainer.validate() is not None
        assert_close(together, alone)
    finally:
        ranks.leave()


def test_the_commands_find_it_and_give_what_a_cpu_gives(cli: Cli, images_path: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "blobs.toml"
    recipe.write_text(
        f'[data]\nname = "npz"\nroot = "{images_path}"\ntest = 0.2\n[model]\nhidden = [16]\nlatent_dim = 3\n'
        "[train]\nbatch_size = 20\nepochs = 20\n"
    )
    done = cli("train", recipe, "--run", "here", "--ui", "plain")
    assert done.returncode == 0, done.stderr
    started = [
        event for event in read_events(tmp_path / "checkpoints/here/events.jsonl") if event.event == "training_started"
    ]
    assert "cuda:0 (NVIDIA" in started[0].device or "cuda (NVIDIA" in started[0].device  # type: ignore[attr-defined]
    steps = [
        event
        for event in read_events(tmp_path / "checkpoints/here/events.jsonl")
        if isinstance(event, ev.StepCompleted)
    ]
    assert steps[-1].gpu_memory_bytes
    figures = {}
    for device in ("cuda", "cpu"):
        judged = cli("evaluate", "here", "--samples", "200", "--json", "--device", device)
        assert judged.returncode == 0, judged.stderr
        figures[device] = json.loads(judged.stdout)
    assert figures["cuda"]["elbo"] == pytest.approx(figures["cpu"]["elbo"], rel=0.01)
    assert figures["cuda"]["nll"] == pytest.approx(figures["cpu"]["nll"], rel=0.01)
    for command in (("sample",), ("reconstruct",), ("traverse",), ("interpolate",)):
        drawn = cli(*command, "here", "--out", tmp_path / f"{command[0]}.png")
        assert drawn.returncode == 0, drawn.stderr


def test_a_checkpoint_of_a_gpu_loads_without_one(make_run: MakeRun, cli: Cli) -> None:
    run = make_run()
    list(train_events(run, device="cuda"))
    weights, _ = read_tensors(run.latest().path)
    assert all(np.isfinite(tensor.numpy()).all() for tensor in weights.values())
    hidden = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    assert hidden
    drawn = cli("sample", run.path, "--out", run.path / "grid.png")
    assert drawn.returncode == 0, drawn.stderr
