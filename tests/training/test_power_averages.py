"""Averages whose memory grows with the run: what they are of, which are kept, and that no interruption changes them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.evaluation.averages import power_of
from vae_tui.model import build
from vae_tui.model.checkpoint import load_checkpoint, read_tensors
from vae_tui.recipe import parse
from vae_tui.runs.commands import Save, Stop, send_command
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.runs.metadata import read_metadata
from vae_tui.runs.status import read_status
from vae_tui.training.power_averages import PowerAverages
from vae_tui.training.train_run import train_run


@pytest.fixture
def written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Averages and checkpoints are written however quickly they come."""
    monkeypatch.setattr("vae_tui.training.snapshots._SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr("vae_tui.training.checkpoints._SECONDS_BETWEEN", 0.0)


@pytest.fixture
def looked_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether to stop is asked before every step."""
    monkeypatch.setattr("vae_tui.training.loop._POLL_SECONDS", 0.0)


def _trained(make_run: MakeRun, *overrides: str, name: str = "run") -> Run:
    run = make_run("data.validation=0.2", *overrides, name=name)
    list(train_events(run))
    return run


def _epochs(run: Run) -> list[float]:
    """After how many epochs each pair of averages was kept."""
    return [read_metadata(kept.path)["epochs_done"] for kept in run.averages()]


def _contents(run: Run) -> dict[str, list[bytes]]:
    """The tensors of each pair of averages, by its file, and those in the newest state."""
    paths = [*(kept.path for kept in run.averages()), run.latest().state_path]
    found = {}
    for path in paths:
        tensors, _ = read_tensors(path)
        names = [name for name in sorted(tensors) if path.name.startswith("step-") or name.startswith("averages.")]
        found[path.name] = [tensors[name].numpy().tobytes() for name in names]
    assert all(found.values())
    return found


def test_weights_after_step_n_count_as_a_power_of_n_and_whole_numbers_are_the_newest() -> None:
    tables = {"model": {"network": "conv", "channels": [2], "norm": "batch", "latent_dim": 2}}
    vae = build(parse(tables)[0], (1, 8, 8))
    steps, widths = 40, (0.05, 0.2)
    averages = PowerAverages(vae, widths)
    seen: dict[str, list[np.ndarray]] = {name: [] for name in vae.state_dict()}
    generator = torch.Generator().manual_seed(0)
    for step in range(1, steps + 1):
        for name, tensor in vae.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
            else:
                tensor.fill_(step)
            seen[name].append(tensor.double().numpy().copy())
        averages.update(step)
    for width, averaged in zip(widths, averages.vaes, strict=True):
        reached = (np.arange(steps + 1) / steps) ** (power_of(width) + 1)
        for name, tensor in averaged.state_dict().items():
            if tensor.is_floating_point():
                expected = np.tensordot(np.diff(reached), np.stack(seen[name]), 1)
                np.testing.assert_allclose(tensor.numpy(), expected, atol=1e-5)
            else:
                assert int(tensor) == steps


@pytest.mark.parametrize(
    ("epochs", "kept"), [(1, [1]), (3, [1, 2, 3]), (7, [2, 4, 6, 7]), (8, [4, 8]), (13, [4, 8, 12, 13])]
)
def test_they_are_kept_evenly_over_a_run_of_any_length_and_at_its_end(
    make_run: MakeRun, written_at_once: None, epochs: int, kept: list[int]
) -> None:
    assert _epochs(_trained(make_run, "optimizer.ema_snapshots=4", f"train.epochs={epochs}")) == kept


def test_a_file_is_a_checkpoint_that_says_what_it_holds_and_no_figures_of_other_weights(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = _trained(make_run, "optimizer.ema_snapshots=4", "optimizer.ema_decay=0.5")
    kept, newest = run.averages()[-1], run.latest()
    assert kept.step == newest.step
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes(kept.path.read_bytes())
    narrow, wide = (load_checkpoint(alone, averaged=averaged) for averaged in (False, True))
    assert {parameter.dtype for parameter in (*narrow.parameters(), *wide.parameters())} == {torch.float32}
    plain = load_checkpoint(newest.path, averaged=False)
    distances = [
        sum(float((a - b).detach().square().sum()) for a, b in zip(vae.parameters(), plain.parameters(), strict=True))
        for vae in (narrow, wide)
    ]
    assert 0 < distances[0] < distances[1]
    metadata = read_metadata(alone)
    assert metadata["ema_widths"] == [0.05, 0.10]
    assert metadata["recipe"]["optimizer"]["ema_snapshots"] == 4
    assert not {"train", "validation", "rate_per_dimension"} & metadata.keys()
    assert "validation" in read_metadata(newest.path)


def test_none_are_kept_or_saved_where_none_are_wanted(make_run: MakeRun) -> None:
    run = _trained(make_run)
    assert not run.averages_path.exists()
    assert not [name for name in read_tensors(run.latest().state_path)[0] if name.startswith("averages.")]


def test_a_run_that_is_stopped_has_them_as_of_its_last_step_until_it_goes_on(
    make_run: MakeRun, looked_at_every_step: None
) -> None:
    settings = ("optimizer.ema_snapshots=4", "train.epochs=6", "train.batch_size=4")
    run, whole = make_run(*settings), make_run(*settings, name="whole")
    list(train_events(whole))
    asked = iter([False] * 51)
    list(train_events(run, interrupted=lambda: next(asked, True)))
    assert read_status(run).phase == "stopped"
    stopped_at = run.latest().step
    assert 2 < _epochs(run)[-1] < 2 + 1 / 16, "so soon after the end of an epoch as to be taken for it"
    assert run.averages()[-1].step == stopped_at
    list(train_events(run, resume=True))
    assert stopped_at not in [kept.step for kept in run.averages()]
    assert _contents(run) == _contents(whole)


def test_a_run_that_is_stopped_just_after_an_epoch_was_saved_has_them_too(
    make_run: MakeRun, written_at_once: None, looked_at_every_step: None
) -> None:
    run = make_run("optimizer.ema_snapshots=2", "train.epochs=9")
    for event in train_events(run):
        if isinstance(event, ev.CheckpointSaved) and event.epoch == 5:
            send_command(run, Stop())
    assert read_status(run).phase == "stopped"
    assert _epochs(run) == [4, 5]


def test_a_save_that_is_asked_for_keeps_them_until_the_next_are(make_run: MakeRun, written_at_once: None) -> None:
    run, seen = make_run("optimizer.ema_snapshots=4", "train.epochs=13"), []
    for event in train_events(run):
        if isinstance(event, ev.EpochStarted) and event.epoch == 10:
            send_command(run, Save())
            time.sleep(0.2)  # the trainer looks for commands now and then, and these epochs are over before
        if isinstance(event, ev.CommandDone):
            seen = _epochs(run)
    assert seen[:2] == [4, 8]
    assert 9 <= seen[2] < 11
    assert _epochs(run) == [4, 8, 12, 13]


def test_a_run_that_was_stopped_again_and_again_has_those_of_one_that_was_not(make_run: MakeRun) -> None:
    settings = ("optimizer.ema_snapshots=4", "train.epochs=13", "train.batch_size=4")
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
def test_a_run_that_was_killed_has_those_of_one_that_was_not(
    make_run: MakeRun, written_at_once: None, end: int
) -> None:
    settings = ("train.epochs=12", "optimizer.ema_snapshots=4", "model.network=conv", "model.channels=[4]")
    run, whole = (make_run(*settings, "model.norm=batch", name=name) for name in ("run", "whole"))
    list(train_events(whole))
    events = train_events(run)
    for event in events:
        if isinstance(event, ev.EpochCompleted) and event.epoch == end:
            break
    events.close()
    list(train_events(run, resume=True))
    assert _contents(run) == _contents(whole)


def test_those_of_later_steps_than_a_run_goes_on_from_are_dropped(make_run: MakeRun, written_at_once: None) -> None:
    run = _trained(make_run, "train.epochs=4", "optimizer.ema_snapshots=8")
    before, *_ = run.checkpoints()
    assert run.averages()[-1].step > before.step
    job = TrainingJob(resume=run.name, overrides=("optimizer.lr=0.1",), device="cpu", from_step=before.step)
    events = train_run(run, job)
    next(event for event in events if isinstance(event, ev.TrainingStarted))
    assert run.averages()[-1].step == before.step
    events.close()


def test_those_of_a_run_that_begins_again_are_dropped(make_run: MakeRun, written_at_once: None) -> None:
    run = make_run("train.batch_size=2", "optimizer.ema_snapshots=64")
    events = train_events(run)
    while not run.averages():
        next(events)
    events.close()
    assert not run.checkpoints()
    events = train_events(run, resume=True)
    next(event for event in events if isinstance(event, ev.EpochStarted))
    assert not run.averages()
    events.close()


def test_averages_begun_late_take_what_was_before_for_the_weights_they_begin_with(make_run: MakeRun) -> None:
    run = _trained(make_run, "train.epochs=2")
    begun = load_checkpoint(run.latest().path)
    list(
        train_events(run, resume=True, overrides=["train.epochs=3", "optimizer.ema_snapshots=4", "optimizer.lr=1e-30"])
    )
    averaged = load_checkpoint(run.averages()[-1].path)
    for ours, theirs in zip(averaged.parameters(), begun.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_several_ranks_keep_them_once(make_run: MakeRun) -> None:
    run = make_run("train.epochs=2", "optimizer.ema_snapshots=4")
    list(train_events(run, devices=2))
    assert _epochs(run) == [1, 2]
