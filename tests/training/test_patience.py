"""A run ends, or learns more slowly, once no epoch has validated better for long enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.errors import RecipeError, RunError
from vae_tui.model.checkpoint import read_tensors
from vae_tui.recipe import Recipe, parse
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.training.patience import Patience
from vae_tui.training.train_run import train_run


def recipe_of(**tables: Any) -> Recipe:
    return parse(tables)[0]


def looked(patience: Patience, losses: list[float], recipe: Recipe, *, first: int = 1) -> Patience:
    for epoch, loss in enumerate(losses, start=first):
        patience.look(loss, epoch, recipe)
    return patience


def test_it_is_over_after_so_many_epochs_without_a_better_one() -> None:
    recipe = recipe_of(train={"patience": 3})
    patience = looked(Patience(), [9, 8, 8, 8.5], recipe)
    assert patience.verdict(recipe) == ""
    assert looked(patience, [8], recipe, first=5).verdict(recipe) == "3 epochs without a better one than epoch 2"
    assert looked(patience, [7], recipe, first=6).verdict(recipe) == ""
    assert patience.verdict(recipe_of()) == ""


def test_the_learning_rate_falls_at_each_plateau() -> None:
    recipe = recipe_of(optimizer={"schedule": "plateau", "plateau_epochs": 2, "gamma": 0.5})
    patience, factors = Patience(), []
    for epoch, loss in enumerate([9, 9, 9, 9, 9, 8, 9, 9], start=1):
        patience.look(loss, epoch, recipe)
        factors.append(patience.factor(recipe))
    assert factors == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_epochs_of_a_warm_up_do_not_count_and_another_objective_begins_anew() -> None:
    recipe = recipe_of(train={"patience": 2}, objective={"warmup_epochs": 4.0})
    patience = looked(Patience(), [1, 5, 5, 5, 5], recipe)
    assert patience.verdict(recipe) == ""
    assert looked(patience, [5], recipe, first=6).verdict(recipe) == "2 epochs without a better one than epoch 4"
    patience.begin_anew()
    assert patience.verdict(recipe) == ""


def test_without_validation_images_there_is_nothing_to_go_by() -> None:
    for table in ({"train": {"patience": 3}}, {"optimizer": {"schedule": "plateau"}}):
        with pytest.raises(RecipeError, match="goes by validation images"):
            parse({"data": {"validation": 0.0}, **table})


WAITING = (
    "train.epochs=1000",
    "data.validation=0.2",
    "train.patience=4",
    "optimizer.lr=0.1",
    "optimizer.schedule=plateau",
    "optimizer.plateau_epochs=2",
    "optimizer.gamma=0.3",
)


def completed(run: Run) -> list[ev.EpochCompleted]:
    from vae_tui.runs.log import read_events

    return [event for event in read_events(run.events_path) if isinstance(event, ev.EpochCompleted)]


@pytest.mark.slow
def test_a_run_ends_by_its_patience_and_says_so(make_run: MakeRun) -> None:
    run = make_run(*WAITING)
    last = list(train_events(run))[-1]
    assert isinstance(last, ev.RunFinished)
    epochs = completed(run)
    losses = [event.validation["loss"] for event in epochs if event.validation]
    best = min(range(len(losses)), key=lambda index: losses[index])  # type: ignore[arg-type, return-value]
    assert len(epochs) == best + 1 + 4
    assert (last.status, last.reason) == ("completed", f"4 epochs without a better one than epoch {best + 1}")
    rates = [event.lr or 0.0 for event in epochs]
    assert rates[0] == 0.1
    assert min(rates) < 0.031
    assert rates == sorted(rates, reverse=True)
    with pytest.raises(RunError, match=r"has ended after 4 epochs without .* --set train.patience=8"):
        list(train_run(run, TrainingJob(resume=run.name, device="cpu")))
    more = list(train_run(run, TrainingJob(resume=run.name, device="cpu", overrides=("train.patience=6",))))
    assert any(isinstance(event, ev.EpochCompleted) for event in more)


@pytest.mark.slow
def test_a_run_that_was_interrupted_waits_as_if_it_had_not_been(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("vae_tui.training.checkpoints._SECONDS_BETWEEN", 0.0)
    whole, broken = make_run(*WAITING, name="whole"), make_run(*WAITING, name="broken")
    list(train_events(whole))
    events = train_events(broken)
    for event in events:
        if isinstance(event, ev.CheckpointSaved) and event.step >= completed(whole)[-3].step:
            break
    events.close()
    assert len(completed(broken)) < len(completed(whole))
    list(train_run(broken, TrainingJob(resume=broken.name, device="cpu")))
    assert [(event.epoch, event.lr, event.validation) for event in completed(broken)][-1] == [
        (event.epoch, event.lr, event.validation) for event in completed(whole)
    ][-1]
    weights, expected = (read_tensors(run.latest().path)[0] for run in (broken, whole))
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())
