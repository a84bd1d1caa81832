"""The best of a run is of one objective and of that run, and is missed where it is gone."""

from __future__ import annotations

import shutil

import pytest
from conftest import MakeRun, train_events

import vae_tui
from vae_tui import events as ev
from vae_tui.errors import CheckpointError
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.runs.best import best_checkpoint, choose_best
from vae_tui.runs.commands import Save, send_command
from vae_tui.runs.find import find_checkpoint
from vae_tui.runs.layout import Run
from vae_tui.runs.metadata import read_metadata
from vae_tui.runs.summary import summarize


@pytest.fixture
def saved_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every epoch is saved, however short."""
    monkeypatch.setattr("vae_tui.training.checkpoints._SECONDS_BETWEEN", 0.0)


def test_where_no_checkpoint_can_be_read_a_whole_snapshot_is_the_way_on(make_run: MakeRun) -> None:
    run = make_run("train.epochs=2")
    list(train_events(run))
    for checkpoint in run.checkpoints():
        checkpoint.path.write_bytes(b"")
    newest = run.snapshots()[-1].path
    with pytest.raises(CheckpointError, match=rf"--set train\.start_from={newest}"):
        choose_best(run)
    with pytest.raises(CheckpointError, match=rf"--set train\.start_from={newest}"):
        _go_on(run, "train.epochs=3")
    for snapshot in run.snapshots():
        snapshot.path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="train it anew with"):
        choose_best(run)


def _go_on(run: Run, *overrides: str) -> list[ev.Event]:
    return list(train_events(run, resume=True, overrides=overrides))


def _trained(make_run: MakeRun, *overrides: str, name: str = "run") -> Run:
    run = make_run("train.epochs=3", "data.validation=0.2", *overrides, name=name)
    list(train_events(run))
    return run


def test_where_another_objective_is_gone_on_with_the_best_begins_anew_for_every_reader(
    make_run: MakeRun, saved_often: None
) -> None:
    run = _trained(make_run, "train.keep=2")
    changed_at = run.latest().step
    events = _go_on(run, "train.epochs=6", "objective.beta=10")
    notes = [event.note for event in events if isinstance(event, ev.NoteAdded)]
    assert f"what is minimised is another from here on: the best begins anew after step {changed_at:,}" in notes
    losses = {e.step: e.validation["loss"] for e in events if isinstance(e, ev.EpochCompleted) and e.validation}
    best = min(losses, key=lambda step: losses[step] or 0.0)
    history = vae_tui.watch(run.path).history
    assert history.best is not None
    assert history.best_saved is not None
    assert history.best.step == history.best_saved.step == best > changed_at
    assert best_checkpoint(run).step == summarize(run).best_step == best
    assert history.at(changed_at - 1).best is not None, "what was the best then is not forgotten"
    _go_on(run, "train.epochs=7")
    assert best_checkpoint(run).step > changed_at


def test_figures_by_another_loss_are_not_recorded_as_those_of_the_new_objective(make_run: MakeRun) -> None:
    run = _trained(make_run)
    before = run.latest().step
    events = train_events(run, resume=True, overrides=["train.epochs=1000", "objective.beta=10"])
    for event in events:
        if isinstance(event, ev.TrainingStarted):
            send_command(run, Save())
        elif isinstance(event, ev.CheckpointSaved):
            break
    events.close()
    assert run.latest().step == before
    validation = read_metadata(run.latest().path)["validation"]
    assert validation["loss"] is None
    assert validation["elbo"] is not None
    assert summarize(run).best is None
    assert vae_tui.watch(run.path).history.best is None


@pytest.mark.parametrize("override", ["objective.warmup_epochs=2", "optimizer.lr=0.01"])
def test_another_schedule_or_optimizer_leaves_the_best_as_it_is(make_run: MakeRun, override: str) -> None:
    run = _trained(make_run)
    events = _go_on(run, "train.epochs=4", override)
    assert isinstance(events[0], ev.RunStarted)
    assert events[0].objective_since == 0
    history = vae_tui.watch(run.path).history
    losses = dict(history.validation["loss"].points())
    assert len(losses) == 4
    assert history.best is not None
    assert history.best.step == min(losses, key=lambda step: losses[step])


def test_weights_of_another_run_under_a_name_of_this_one_are_left_out_and_said(
    make_run: MakeRun, saved_often: None
) -> None:
    run, other = _trained(make_run), _trained(make_run, "train.seed=1", name="other")
    best = best_checkpoint(run)
    shutil.copy(other.path / best.path.name, best.path)
    choice = choose_best(run)
    assert choice.checkpoint.step != best.step
    assert f"{best.path} is another run's file" in choice.notes[0]
    assert "trained with train.seed = 1, and the run with 0" in choice.notes[0]
    twin = _trained(make_run, "optimizer.lr=0.02", name="twin")
    shutil.copy(twin.path / best.path.name, best.path)
    assert f"{best.state_path.name} was saved with other weights" in choose_best(run).notes[0]


def test_a_run_of_which_only_other_weights_are_left_is_refused(make_run: MakeRun) -> None:
    run, other = _trained(make_run), _trained(make_run, "train.seed=1", name="other")
    shutil.copy(other.latest().path, run.latest().path)
    for checkpoint in run.checkpoints()[:-1]:
        checkpoint.path.unlink()
    with pytest.raises(CheckpointError, match=r"another run's file .* to use it all the same, give its path"):
        choose_best(run)
    load_checkpoint(run.latest().path)


def test_a_best_that_was_deleted_is_missed_in_a_note(make_run: MakeRun, saved_often: None) -> None:
    run = _trained(make_run)
    best = best_checkpoint(run)
    notes: list[str] = []
    assert find_checkpoint(str(run.path), run.path.parent, notes.append) == best.path
    assert notes == []
    best.path.unlink()
    second = find_checkpoint(str(run.path), run.path.parent, notes.append)
    assert notes == [
        f"the best checkpoint was that of step {best.step:,}, but {best.path.name} is not there any more: the best of "
        f"those that are left, of step {best_checkpoint(run).step:,}, is taken"
    ]
    assert second == best_checkpoint(run).path
