"""What a run goes on by, and what is said of settings it cannot go on with."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.errors import RecipeError, RunError, VaeTuiError
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_last_event
from vae_tui.runs.status import read_status
from vae_tui.runs.summary import summarize


def _go_on(run: Run, *overrides: str) -> list[ev.Event]:
    return list(train_events(run, resume=True, overrides=overrides))


def _trained(make_run: MakeRun, *overrides: str) -> Run:
    run = make_run("train.epochs=3", *overrides)
    list(train_events(run))
    return run


@pytest.mark.parametrize("saved", [True, False])
def test_a_recipe_that_was_lost_is_written_anew_as_the_run_was_trained(make_run: MakeRun, saved: bool) -> None:
    run = _trained(make_run)
    if not saved:
        # As one that was killed before its first checkpoint.
        lines = run.events_path.read_text().splitlines(keepends=True)
        run.events_path.write_text("".join(takewhile(lambda line: "checkpoint_saved" not in line, lines)))
        for path in run.path.glob("*.safetensors"):
            path.unlink()
    whole = run.recipe_path.read_text()
    run.recipe_path.unlink()
    events = _go_on(run, "train.epochs=4")
    source = "step-000000015.safetensors" if saved else "events.jsonl"
    notes = [event.note for event in events if isinstance(event, ev.NoteAdded)]
    assert f"recipe.toml was not there, or empty; it is written anew, as {source} has it" in notes
    assert run.recipe_path.read_text() == whole.replace("epochs = 3", "epochs = 4")


@pytest.mark.parametrize("left", [b"", b"\0" * 512])
def test_a_recipe_that_a_power_cut_left_empty_is_written_anew(make_run: MakeRun, left: bytes) -> None:
    run = _trained(make_run)
    whole = run.recipe_path.read_text()
    run.recipe_path.write_bytes(left)
    _go_on(run, "train.epochs=4")
    assert run.recipe_path.read_text() == whole.replace("epochs = 3", "epochs = 4")


def test_a_damaged_recipe_says_that_it_can_be_written_anew(make_run: MakeRun) -> None:
    run = _trained(make_run)
    run.recipe_path.write_bytes(b"\x94\xff")
    with pytest.raises(RecipeError, match=r"not UTF-8 text[^$]*or move it away, and it is written anew"):
        _go_on(run, "train.epochs=4")
    assert run.recipe_path.read_bytes() == b"\x94\xff"


def test_a_run_that_could_not_go_on_is_as_it_was(make_run: MakeRun, images_path: Path) -> None:
    run = _trained(make_run)
    whole = images_path.read_bytes()
    np.save(images_path, np.load(images_path)[::-1])
    with pytest.raises(VaeTuiError, match="not those of this run"):
        _go_on(run, "train.epochs=4")
    last = read_last_event(run.events_path)
    assert isinstance(last, ev.RunFinished)
    assert (last.status, last.stood, last.step, last.epoch) == ("failed", "completed", 15, 3)
    feed = RunFeed(run)
    feed.catch_up()
    assert {read_status(run).phase, summarize(run).phase, feed.status.phase} == {"completed"}
    images_path.write_bytes(whole)
    _go_on(run, "train.epochs=4")
    assert read_status(run).phase == "completed"
    last = read_last_event(run.events_path)
    assert isinstance(last, ev.RunFinished)
    assert (last.stood, last.epoch) == (None, 4)


def test_something_else_in_place_of_the_recipe_is_named(make_run: MakeRun) -> None:
    run = _trained(make_run)
    run.recipe_path.unlink()
    run.recipe_path.mkdir()
    with pytest.raises(RunError, match=r"recipe\.toml is no file, expected the run's recipe: move it away"):
        _go_on(run, "train.epochs=4")


def test_a_lost_recipe_is_not_written_by_a_change_that_fails(make_run: MakeRun) -> None:
    run = _trained(make_run)
    run.recipe_path.unlink()
    last = _go_on(run, "train.epochs=9", "optimizer.lr=1e30")[-1]
    assert isinstance(last, ev.RunFinished)
    assert last.status == "failed"
    assert not run.recipe_path.exists()


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("train.epochs=1", r"train.epochs = 1 asks for fewer than the 3 epochs that run has trained; .*train.epochs=6"),
        ("train.epochs=3", r"run has finished its 3 epochs; .*train.epochs=6"),
        ("train.max_seconds=1e-3", r"run has had its 0.001 seconds; .*--set train.max_seconds=[1-9]"),
    ],
)
def test_an_end_that_is_past_already_is_told_with_one_that_is_not(make_run: MakeRun, override: str, told: str) -> None:
    run = _trained(make_run, "sample.count=4")
    with pytest.raises(RunError, match=told):
        _go_on(run, override, "optimizer.lr=0.01", *(["train.epochs=9"] if "seconds" in override else []))


def test_a_setting_that_would_make_another_run_is_named_as_it_was_typed(make_run: MakeRun) -> None:
    run = _trained(make_run)
    with pytest.raises(RecipeError) as caught:
        _go_on(run, "data.name=sprites", "train.epochs=9")
    assert str(caught.value).startswith("--set data.name=sprites --set train.epochs=9: [data] stays as it is")
    assert 'the run was trained with name = "npz"' in str(caught.value)
    assert f"start a new run with: vae-tui train {run.recipe_path} --set data.name=sprites" in str(caught.value)
    with pytest.raises(RecipeError) as caught:
        _go_on(run, "data.name=sprites", "data.image_size=28")
    assert '[data] name stays as it is when a run goes on: the run was trained with "npz"' in str(caught.value)
    with pytest.raises(RecipeError, match=r"^--set train\.epochs=0: \[train\] epochs: expected at least 1, got 0$"):
        _go_on(run, "train.epochs=0")
