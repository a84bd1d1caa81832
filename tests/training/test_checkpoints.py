"""What is in the way of checkpoints and pictures ends no run."""

from __future__ import annotations

import pytest
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.runs.commands import Sample, send_command
from vae_tui.runs.status import read_status


def test_pictures_that_cannot_be_written_are_a_note_and_no_end(make_run: MakeRun) -> None:
    run = make_run("train.epochs=3")
    run.images_path.rmdir()
    run.images_path.write_text("in the way")
    send_command(run, Sample())
    found = []
    for event in train_events(run):
        found.append(event)
        if isinstance(event, ev.EpochCompleted) and event.epoch == 3:
            run.images_path.unlink()
    assert read_status(run).phase == "completed"
    notes = [event.note for event in found if isinstance(event, ev.NoteAdded)]
    assert [note for note in notes if "pictures" in note] == [
        f"pictures cannot be written to {run.images_path}: File exists; training goes on, and they are drawn once they can be"
    ]
    answer = next(event for event in found if isinstance(event, ev.CommandDone))
    assert answer.refused
    assert answer.message == f"nothing drawn: pictures cannot be written to {run.images_path}: File exists"
    assert [event.step for event in found if isinstance(event, ev.ImagesDrawn)] == [run.latest().step] * 2


def test_a_folder_in_the_way_of_a_checkpoint_is_set_aside_and_said(make_run: MakeRun) -> None:
    run = make_run("train.epochs=1")
    for name in ("state-000000005.safetensors", "step-000000005.safetensors"):
        (run.path / name).mkdir()
        (run.path / name / "mine").write_text("kept")
    found = list(train_events(run))
    assert read_status(run).phase == "completed"
    assert run.latest().path.is_file()
    assert run.latest().state_path.is_file()
    notes = [event.note for event in found if isinstance(event, ev.NoteAdded)]
    for name in ("state-000000005.safetensors", "step-000000005.safetensors"):
        assert (run.path / f"{name}.set-aside" / "mine").read_text() == "kept"
        assert f"a folder stood where {name} is saved; it is called {name}.set-aside now" in notes


def test_folders_called_as_old_checkpoints_are_left_alone(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_tui.training.checkpoints._SECONDS_BETWEEN", 0.0)
    run = make_run("train.epochs=6", "train.keep=1")
    for name in ("state-000000001.safetensors", "step-000000002.safetensors"):
        (run.path / name / "mine").mkdir(parents=True)
    list(train_events(run))
    assert read_status(run).phase == "completed"
    assert (run.path / "state-000000001.safetensors" / "mine").is_dir()
    assert (run.path / "step-000000002.safetensors" / "mine").is_dir()
