"""Settings that are changed while a run trains: kept with it, made again at their steps, and replayed to the bit."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import MakeRun, train_events
from training.test_trainer import make_trainer

from vae_tui import events as ev
from vae_tui.errors import RecipeError, RunError
from vae_tui.model.checkpoint import read_tensors
from vae_tui.recipe import Change, load_recipe
from vae_tui.runs.answers import ask
from vae_tui.runs.best import best_checkpoint, choose_best
from vae_tui.runs.commands import Pause, Set, Unpause, send_command
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.history import SettingChange
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events
from vae_tui.training.trainer import Trainer


def take_steps(trainer: Trainer, count: int) -> None:
    for _ in range(count):
        if trainer.epoch_is_over:
            trainer.begin_epoch()
        if trainer.change_is_due:
            trainer.make_changes()
        trainer.step()


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        ((), ("objective.beta", 4.0)),
        (("objective.beta=0",), ("objective.beta", 2.0)),
        ((), ("objective.beta", 0.0)),
        (("objective.warmup_epochs=3",), ("objective.beta", 3.0)),
        (("objective.name=free-bits", "objective.free_bits=0"), ("objective.free_bits", 2.0)),
        (("objective.name=capacity", "objective.capacity_epochs=0"), ("objective.capacity", 0.0)),
        (("objective.name=capacity",), ("objective.gamma", 10.0)),
        (("objective.name=factor",), ("objective.gamma", 1.0)),
        (("objective.name=tcvae",), ("objective.beta", 6.0)),
        (("objective.name=mmd",), ("objective.beta", 0.1)),
        ((), ("optimizer.lr", 1e-2)),
        (("optimizer.schedule=cosine",), ("train.epochs", 9)),
        (("optimizer.schedule=exponential",), ("optimizer.lr", 3e-3)),
        ((), ("optimizer.clip_norm", 0.1)),
        (("model.network=conv", "model.channels=[4]"), ("optimizer.clip_norm", 0.1)),
        ((), ("data.shift", 1)),
        (("data.shift=2",), ("data.shift", 0)),
        (("model.network=conv", "model.channels=[4]", "data.shift=2", "data.crop=0.2"), ("data.crop", 0.0)),
        (("model.network=conv", "model.channels=[4]"), ("data.color_jitter", 0.3)),
    ],
)
def test_from_the_next_step_on_a_run_trains_as_if_its_recipe_had_said_so(
    make_run: MakeRun, settings: tuple[str, ...], change: tuple[str, float]
) -> None:
    key, value = change
    steered = make_trainer(make_run(*settings, name="steered"))
    take_steps(steered, 9)
    (tensors, numbers), weights = steered.state(), {k: v.clone() for k, v in steered.vae.state_dict().items()}
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    unchanged = make_trainer(make_run(*settings, name="unchanged"))
    other = make_trainer(make_run(*settings, f"{key}={value}", name="other"))
    for trainer in (unchanged, other):
        trainer.vae.load_state_dict(weights)
        trainer.restore(tensors, numbers)
        take_steps(trainer, 7)
    steered.add_change(Change(step=9, key=key, value=value))
    take_steps(steered, 7)
    for name, found in steered.vae.state_dict().items():
        assert torch.equal(found, other.vae.state_dict()[name]), name
    if key != "train.epochs":
        same = [
            torch.equal(found, unchanged.vae.state_dict()[name]) for name, found in steered.vae.state_dict().items()
        ]
        assert not all(same)


def test_draws_that_began_and_ended_go_on_after_a_resume_as_if_there_had_been_none(make_run: MakeRun) -> None:
    changes = [Change(step=step, key="data.shift", value=value) for step, value in ((3, 1), (6, 0), (12, 2))]
    whole = make_trainer(make_run(name="whole"))
    for change in changes:
        whole.add_change(change)
    take_steps(whole, 9)
    tensors, numbers = whole.state()
    saved = {name: tensor.clone() for name, tensor in tensors.items()}
    weights = {name: tensor.clone() for name, tensor in whole.vae.state_dict().items()}
    resumed = make_trainer(make_run(name="resumed"))
    for change in changes:
        resumed.add_change(change)
    resumed.vae.load_state_dict(weights)
    resumed.restore(saved, numbers)
    for trainer in (whole, resumed):
        take_steps(trainer, 6)
    for name, found in whole.vae.state_dict().items():
        assert torch.equal(found, resumed.vae.state_dict()[name]), name


def _set_after_two_epochs(run: Run, *commands: Set) -> list[ev.CommandDone]:
    """Train a run, to which these are sent after its second epoch, to its end; returns the answers."""
    for event in train_events(run):
        if isinstance(event, ev.EpochCompleted) and event.epoch == 2:
            for command in commands:
                send_command(run, command)
    return [event for event in read_events(run.events_path) if isinstance(event, ev.CommandDone)]


def test_more_epochs_at_the_very_end_are_trained_anew_too(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_tui.training.loop._POLL_SECONDS", 0.0)
    first = make_run("train.epochs=9", name="first")
    refused, changed = _set_after_two_epochs(first, Set("train.epochs", 1), Set("train.epochs", 4))
    assert refused.refused
    assert re.search(r"fewer than the \d epochs that have begun; \d ends it after this one", refused.message)
    assert not changed.refused
    assert first.latest().step == 20
    list(train_events(first, resume=True, overrides=["train.epochs=6"]))
    anew = make_run(name="anew")
    anew.write_recipe(first.recipe_path.read_text())
    last = list(train_events(anew))[-1]
    assert isinstance(last, ev.RunFinished)
    assert (last.step, last.reason) == (30, "6 epochs")
    assert anew.latest().path.read_bytes() == first.latest().path.read_bytes()


@pytest.mark.parametrize("way", ["recipe", "change", "set"])
def test_images_are_moved_by_half_of_their_side_at_most(
    make_run: MakeRun, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_tui.training.loop._POLL_SECONDS", 0.0)
    run = make_run("train.epochs=50", *(["data.shift=4"] if way == "recipe" else []))
    if way == "change":
        run.write_recipe(run.recipe_path.read_text() + '\n[[changes]]\nstep = 7\nkey = "data.shift"\nvalue = 4\n')
    wrong = r"\[data\] shift: expected at most 3, half of the side of images of 8 x 6, got 4"
    if way != "set":
        with pytest.raises(RecipeError, match=wrong):
            list(train_events(run))
        return
    refused, changed = _set_after_two_epochs(run, Set("data.shift", 4), Set("data.shift", 3))
    assert refused.refused
    assert re.search(wrong, refused.message)
    assert not changed.refused


def test_what_was_set_is_answered_kept_in_the_recipe_and_begins_the_best_anew(make_run: MakeRun) -> None:
    run = make_run("train.epochs=600")
    sent = [
        Set("objective.beta", 4),
        Set("train.epochs", 500),
        Set("train.epochs", 500),
        Set("objective.beta", -1),
        Set("model.latent_dim", 2),
    ]
    done = _set_after_two_epochs(run, *sent)
    step = done[0].step
    assert [event.message for event in done] == [
        f"from step {step} on objective.beta = 4.0",
        f"from step {step} on train.epochs = 500",
        "train.epochs is 500 already",
        "[objective] beta: expected at least 0, got -1",
        done[4].message,
    ]
    assert "model.latent_dim cannot be changed while a run trains; what can: objective.beta" in done[4].message
    assert [event.refused for event in done] == [False, False, True, True, True]
    recipe = load_recipe(str(run.recipe_path)).recipe
    assert recipe.objective.beta == 1.0
    assert [change.model_dump() for change in recipe.changes] == [
        {"step": step, "key": "objective.beta", "value": 4.0},
        {"step": step, "key": "train.epochs", "value": 500},
    ]
    feed = RunFeed(run)
    feed.catch_up()
    history = feed.history
    assert history.changes == [SettingChange(step, "objective.beta", 4.0), SettingChange(step, "train.epochs", 500)]
    assert (history.epochs, history.loss_name) == (500, "distortion + 4 rate")
    assert history.best is not None
    assert history.best.step > step
    assert history.best.step == best_checkpoint(run).step
    _, metadata = read_tensors(run.latest().path)
    assert (metadata["objective_since"], metadata["epoch"]) == (step, 500)
    assert len(metadata["changes"]) == 2


def test_a_paused_run_answers_at_once(make_run: MakeRun) -> None:
    run = make_run("train.epochs=500")
    for event in train_events(run):
        if isinstance(event, ev.EpochCompleted) and event.epoch == 1:
            for command in (Pause(), Set("optimizer.lr", 0.5), Set("optimizer.lr", 0.25), Unpause()):
                send_command(run, command)
    changes = load_recipe(str(run.recipe_path)).recipe.changes
    assert [(change.key, change.value) for change in changes] == [("optimizer.lr", 0.25)]
    last = [event for event in read_events(run.events_path) if isinstance(event, ev.EpochCompleted)][-1]
    assert last.lr == 0.25


def test_what_was_changed_can_be_set_anew_where_the_run_goes_on(make_run: MakeRun) -> None:
    run = make_run("train.epochs=4000")
    for event in train_events(run):
        if isinstance(event, ev.EpochCompleted) and event.epoch == 1:
            send_command(run, Set("objective.beta", 4))
            send_command(run, Set("train.epochs", 300))
    ended = run.latest().step
    with pytest.raises(RunError, match=r"has finished its 300 epochs; go on with: .*train.epochs=600"):
        list(train_events(run, resume=True))
    overrides = ["train.epochs=310", "objective.beta=1", "optimizer.lr=0.01"]
    notes = [
        event.note for event in train_events(run, resume=True, overrides=overrides) if isinstance(event, ev.NoteAdded)
    ]
    assert "from here on objective.beta = 1.0; until now it was 4.0" in notes
    assert "from here on train.epochs = 310; until now it was 300" in notes
    assert f"what is minimised is another from here on: the best begins anew after step {ended:,}" in notes
    recipe = load_recipe(str(run.recipe_path)).recipe
    assert (recipe.train.epochs, recipe.objective.beta, recipe.optimizer.lr) == (4000, 1.0, 0.01)
    changes = [(change.step, change.key, change.value) for change in recipe.changes]
    assert changes[2:] == [(ended, "train.epochs", 310), (ended, "objective.beta", 1.0)]
    last = [event for event in read_events(run.events_path) if isinstance(event, ev.EpochCompleted)][-1]
    assert (last.epoch, last.beta, last.lr) == (310, 1.0, 0.01)


def _start(
    folder: Path, name: str, *, recipe: Path | None = None, from_step: int | None = None, devices: int = 1
) -> subprocess.Popen[bytes]:
    resumed = None if recipe else name
    job = TrainingJob(
        recipe=str(recipe) if recipe else None,
        runs_dir=folder,
        name=None if resumed else name,
        resume=resumed,
        from_step=from_step,
        device="cpu",
        devices=devices,
    )
    return subprocess.Popen([sys.executable, "-m", "vae_tui.training", job.to_json()], stdout=-3, stderr=-3)


def _wait_for_checkpoint(run: Run) -> None:
    # It took a second at least; a change that is in no checkpoint has to be made again.
    known = len(run.checkpoints())
    while len(run.checkpoints()) == known or not run.latest().state_path.exists():
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 2])
def test_steered_killed_between_two_changes_and_resumed_it_is_the_recipe_trained_anew(
    make_run: MakeRun, tmp_path: Path, devices: int
) -> None:
    recipe = make_run("train.epochs=4000", "optimizer.schedule=cosine", "train.keep=99").recipe_path
    runs_dir = tmp_path / "checkpoints"
    run = Run(runs_dir / "steered")
    process = _start(runs_dir, run.name, recipe=recipe, devices=devices)
    while not run.events_path.exists() or not run.checkpoints():
        time.sleep(0.02)
    ask(run, Set("objective.beta", 4.0))
    _wait_for_checkpoint(run)
    ask(run, Set("optimizer.lr", 3e-3))
    process.kill()
    process.wait()
    process = _start(runs_dir, run.name, devices=devices)
    while sum(isinstance(event, ev.TrainingStarted) for event in read_events(run.events_path)) < 2:
        time.sleep(0.02)
    ask(run, Set("optimizer.clip_norm", 0.5))
    ask(run, Set("data.shift", 1))
    ask(run, Set("objective.beta", 0.5))
    epoch = next(event.epoch for event in reversed(read_events(run.events_path)) if isinstance(event, ev.StepCompleted))
    ask(run, Set("train.epochs", epoch + 1000))
    assert process.wait(300) == 0

    anew = Run(runs_dir / "anew")
    assert _start(runs_dir, anew.name, recipe=run.recipe_path, devices=devices).wait(300) == 0
    name = run.latest().path.name
    assert (anew.path / name).read_bytes() == (run.path / name).read_bytes()
    assert choose_best(anew).metadata == choose_best(run).metadata
    changes = [
        [
            (event.step, event.values["key"])
            for event in read_events(one.events_path)
            if isinstance(event, ev.CommandDone)
        ]
        for one in (run, anew)
    ]
    assert set(changes[0]) == set(changes[1])
    assert len(changes[1]) == 6

    again = Run(runs_dir / "again")
    shutil.copytree(anew.path, again.path)
    assert _start(runs_dir, again.name, from_step=again.states()[0].step, devices=devices).wait(300) == 0
    assert (again.path / name).read_bytes() == (run.path / name).read_bytes()
