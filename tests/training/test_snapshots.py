"""Snapshots: weights spread evenly over a run however long it becomes, the same ones whatever came in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.latent.sample import draw_samples
from vae_tui.model.checkpoint import load_checkpoint, read_tensors
from vae_tui.runs.commands import Stop, send_command
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.runs.metadata import read_metadata
from vae_tui.runs.status import read_status
from vae_tui.runs.summary import summarize
from vae_tui.training.snapshots import find_spacing, part_reached
from vae_tui.training.train_run import train_run


@pytest.fixture
def written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots and checkpoints are written however quickly they come."""
    monkeypatch.setattr("vae_tui.training.snapshots._SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr("vae_tui.training.checkpoints._SECONDS_BETWEEN", 0.0)


def _trained(make_run: MakeRun, *overrides: str, name: str = "run") -> Run:
    run = make_run("data.validation=0.2", *overrides, name=name)
    list(train_events(run))
    return run


def _epochs(run: Run) -> list[float]:
    """After how many epochs each snapshot was taken."""
    return [read_metadata(snapshot.path)["epochs_done"] for snapshot in run.snapshots()]


def _contents(run: Run) -> dict[str, list[bytes]]:
    """The weights in each snapshot, by its name."""
    found = {}
    for snapshot in run.snapshots():
        tensors, _ = read_tensors(snapshot.path)
        found[snapshot.path.name] = [tensors[name].numpy().tobytes() for name in sorted(tensors)]
    return found


@pytest.mark.parametrize("count", [2, 3, 8, 16, 100])
def test_between_half_and_all_are_kept_at_any_time_with_one_distance_between_them(count: int) -> None:
    for part in range(3000):
        spacing = find_spacing(part, count)
        kept = len(range(0, part + 1, spacing))
        assert kept <= count
        assert kept > count // 2 or kept == part + 1


@pytest.mark.parametrize(("images", "batch"), [(1600, 100), (1000, 7), (54_321, 100), (100, 100), (100, 30)])
def test_every_part_of_an_epoch_is_reached_once_and_its_end_always(images: int, batch: int) -> None:
    positions = [min(images, end) for end in range(batch, images + batch, batch)]
    reached = [part_reached(3, position, images, batch) for position in positions]
    parts = [part for part in reached if part is not None]
    divided = images >= 16 * batch
    assert parts == (list(range(33, 49)) if divided else [48])
    assert reached[-1] == 48


@pytest.mark.parametrize(
    ("epochs", "kept"), [(3, [0, 1, 2, 3]), (7, list(range(8))), (8, [0, 2, 4, 6, 8]), (20, [0, 4, 8, 12, 16, 20])]
)
def test_a_run_of_any_length_keeps_its_first_weights_and_evenly_more(
    make_run: MakeRun, epochs: int, kept: list[int]
) -> None:
    run = _trained(make_run, "train.snapshots=8", f"train.epochs={epochs}")
    assert _epochs(run) == kept
    assert run.snapshots()[0].step == 0


def test_within_a_single_epoch_they_lie_at_its_sixteenths_with_what_was_measured_so_far(make_run: MakeRun) -> None:
    run = _trained(make_run, "train.batch_size=2", "train.epochs=1", "train.snapshots=8")
    assert [int(16 * epochs) for epochs in _epochs(run)] == [0, 4, 8, 12, 16]
    within, end = (read_metadata(run.snapshots()[index].path) for index in (2, 4))
    assert within["train"]["elbo"] < 0
    assert len(within["rate_per_dimension"]) == 3
    assert "validation" not in within
    assert end["validation"]["elbo"] < 0


def test_a_snapshot_loads_alone_as_a_checkpoint_does_with_averaged_weights_too(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = _trained(make_run, "optimizer.ema_decay=0.9", "train.epochs=2", "train.keep=1")
    snapshot = run.snapshots()[-1]
    alone = (tmp_path / "alone.safetensors").resolve()
    alone.write_bytes(snapshot.path.read_bytes())
    np.testing.assert_array_equal(
        draw_samples(load_checkpoint(alone), 4), draw_samples(load_checkpoint(run.latest().path), 4)
    )
    tensors, metadata = read_tensors(alone)
    assert {name.removeprefix("ema.") for name in tensors} == {name for name in tensors if "ema." not in name}
    assert metadata["recipe"]["optimizer"]["ema_decay"] == 0.9
    assert not list(run.snapshots_path.glob("state-*"))
    assert len(run.snapshots()) == 3


def test_none_are_kept_where_none_are_wanted(make_run: MakeRun) -> None:
    run = _trained(make_run, "train.snapshots=0")
    assert not run.snapshots_path.exists()


def test_quick_runs_write_only_what_is_kept(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    from vae_tui.runs.files import write_whole

    written = []

    def write(path: Path, content: bytes, *, durable: bool) -> None:
        written.append(path.name)
        write_whole(path, content, durable=durable)

    monkeypatch.setattr("vae_tui.training.snapshots.write_whole", write)
    monkeypatch.setattr("vae_tui.training.snapshots._SECONDS_BETWEEN", 1e9)
    monkeypatch.setattr("vae_tui.training.checkpoints._SECONDS_BETWEEN", 1e9)
    run = _trained(make_run, "train.snapshots=4", "train.epochs=40")
    assert written == [snapshot.path.name for snapshot in run.snapshots()]


def test_a_run_that_was_stopped_and_gone_on_with_has_those_of_one_that_was_not(make_run: MakeRun) -> None:
    settings = ("train.snapshots=4", "train.epochs=13", "train.batch_size=4")
    run, whole = make_run(*settings), make_run(*settings, name="whole")
    list(train_events(whole))
    stops = {10, 61, 118, 240}
    while read_status(run).phase != "completed":
        for event in train_events(run, resume=run.events_path.exists()):
            if isinstance(event, ev.EpochStarted) and stops and event.step >= min(stops):
                stops.remove(min(stops))
                send_command(run, Stop())
    assert not stops
    assert _contents(run) == _contents(whole)


@pytest.mark.parametrize("end", [2, 5, 9])
def test_what_was_left_by_a_killed_trainer_makes_no_difference(
    make_run: MakeRun, written_at_once: None, end: int
) -> None:
    run, whole = (
        make_run("train.epochs=12", "train.snapshots=4"),
        make_run("train.epochs=12", "train.snapshots=4", name="w"),
    )
    list(train_events(whole))
    events = train_events(run)
    for event in events:
        if isinstance(event, ev.EpochCompleted) and event.epoch == end:
            break
    # As a kill leaves it: later snapshots are there already, and what they took the place of is not.
    events.close()
    kept = {snapshot.path.name for snapshot in whole.snapshots()}
    for snapshot in run.snapshots():
        if snapshot.path.name not in kept:
            snapshot.path.unlink()
    for snapshot in whole.snapshots():
        if snapshot.step > run.latest().step:
            (run.snapshots_path / snapshot.path.name).write_bytes(b"of another way")
    list(train_events(run, resume=True))
    assert _contents(run) == _contents(whole)


def test_going_on_from_an_earlier_step_drops_what_was_later(make_run: MakeRun, written_at_once: None) -> None:
    run = _trained(make_run, "train.epochs=4")
    before, *_ = run.checkpoints()
    kept = run.snapshots_path / before.path.name
    assert kept.exists()
    job = TrainingJob(resume=run.name, overrides=("optimizer.lr=0.1",), device="cpu", from_step=before.step)
    events = train_run(run, job)
    for event in events:
        if isinstance(event, ev.TrainingStarted):
            break
    assert run.snapshots()[-1].path == kept
    events.close()


def test_a_run_gone_on_with_past_its_end_is_thinned_as_one_that_was_as_long_from_the_start(make_run: MakeRun) -> None:
    run = _trained(make_run, "train.snapshots=4", "train.epochs=3")
    assert _epochs(run) == [0, 1, 2, 3]
    list(train_events(run, resume=True, overrides=["train.epochs=9"]))
    whole = _trained(make_run, "train.snapshots=4", "train.epochs=9", name="whole")
    assert _contents(run) == _contents(whole)


def test_another_number_holds_from_where_the_run_goes_on(make_run: MakeRun) -> None:
    run = _trained(make_run, "train.epochs=8")
    list(train_events(run, resume=True, overrides=["train.epochs=16", "train.snapshots=3"]))
    assert _epochs(run) == [0, 8, 16]


def test_snapshots_that_cannot_be_written_are_a_note_and_no_end(make_run: MakeRun, written_at_once: None) -> None:
    run = make_run("train.epochs=3")
    run.snapshots_path.write_text("in the way")
    found = []
    for event in train_events(run):
        found.append(event)
        if isinstance(event, ev.EpochCompleted) and event.epoch == 2:
            run.snapshots_path.unlink()
    assert read_status(run).phase == "completed"
    notes = [event.note for event in found if isinstance(event, ev.NoteAdded)]
    assert notes == [
        f"snapshots cannot be written to {run.snapshots_path}: File exists; training goes on without them, and the next "
        "are tried again"
    ]
    assert _epochs(run) == [2, 3]


def test_one_that_a_power_cut_tore_goes_when_the_run_goes_on(make_run: MakeRun) -> None:
    run = _trained(make_run)
    os.truncate(run.snapshots()[1].path, 100)
    list(train_events(run, resume=True, overrides=["train.epochs=4"]))
    assert _epochs(run) == [0, 2, 3, 4]


def test_they_count_in_the_size_of_a_run_and_go_with_it(make_run: MakeRun) -> None:
    run = _trained(make_run)
    before = summarize(run).size_bytes
    taken = sum(snapshot.path.stat().st_size for snapshot in run.snapshots())
    renamed = run.rename("renamed")
    assert len(renamed.snapshots()) == 4
    for snapshot in renamed.snapshots():
        snapshot.path.unlink()
    assert before - summarize(renamed).size_bytes == taken > 0
    renamed.delete()
    assert not renamed.path.exists()


def test_several_ranks_write_them_once(make_run: MakeRun) -> None:
    run = make_run("train.epochs=2", "train.snapshots=2")
    list(train_events(run, devices=2))
    assert _epochs(run) == [0, 2]


@pytest.mark.slow
def test_after_kill_9_at_any_moment_the_same_are_there_to_the_bit(make_run: MakeRun) -> None:
    kept = ("train.snapshots=6", "optimizer.ema_snapshots=6")
    settings = ("train.epochs=60", *kept, "train.batch_size=4", "train.compile=false")
    run, whole = make_run(*settings), make_run(*settings, name="whole")
    list(train_events(whole))
    moment = np.random.default_rng(0)
    for _ in range(3):
        job = TrainingJob(resume=str(run.path), runs_dir=run.path.parent, device="cpu")
        command = [sys.executable, "-m", "vae_tui.training", job.to_json()]
        trainer = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
        before = len(run.events_path.read_bytes()) if run.events_path.exists() else 0
        while trainer.poll() is None and _trained_steps(run, before) < moment.integers(20, 200):
            time.sleep(0.01)
        trainer.send_signal(signal.SIGKILL)
        trainer.wait()
    if read_status(run).phase != "completed":
        torch.set_num_threads(1)
        list(train_events(run, resume=True))
    assert _contents(run) == _contents(whole)
    ours, theirs = ({kept.path.name: kept.path.read_bytes() for kept in one.averages()} for one in (run, whole))
    assert ours == theirs
    assert len(ours) > 3


def _trained_steps(run: Run, before: int) -> int:
    """Lines of the log about steps and epochs since it was so many bytes long."""
    if not run.events_path.exists():
        return 0
    return run.events_path.read_bytes()[before:].count(b'"epoch_completed"')
