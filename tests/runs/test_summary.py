from __future__ import annotations

import json
import os
import struct

import pytest
from log_events import training_started

from vae_tui import events as ev
from vae_tui.runs.layout import Run, weights_name
from vae_tui.runs.lock import acquire_lock, release_lock
from vae_tui.runs.log import EventWriter
from vae_tui.runs.summary import Summaries, summarize


def write_run(run: Run, *, epochs: int = 3, end: ev.EndStatus | None = "completed") -> None:
    writer = EventWriter(run.events_path)
    writer.write(ev.RunStarted(time=100.0, step=0, pid=1, version="0", recipe={}))
    writer.write(training_started(time=101.0, loss="distortion"))
    for epoch in range(1, epochs + 1):
        figures: ev.Figures = {"loss": 50.0 / epoch, "elbo": -100.0 - epoch, "distortion": 50.0, "rate": 50.0}
        writer.write(
            ev.EpochCompleted(
                time=101.0 + epoch,
                step=10 * epoch,
                epoch=epoch,
                train=figures,
                validation=figures,
                rate_per_dimension=[1.0, 0.001, None],
                beta=0.0,
                lr=1e-3,
                images_per_second=1.0,
                elapsed_seconds=float(epoch),
            )
        )
    if end is not None:
        writer.write(ev.RunFinished(time=500.0, step=10 * epochs, status=end, reason="3 epochs", epoch=epochs))
    writer.close()


def write_checkpoint(run: Run, step: int, loss: float) -> None:
    about = {"validation": {"loss": loss, "elbo": -2 * loss}}
    header = json.dumps({"__metadata__": {"vae_tui": json.dumps(about)}}).encode()
    (run.path / weights_name(step)).write_bytes(struct.pack("<Q", len(header)) + header)


def test_a_finished_run_in_one_line(run: Run) -> None:
    write_run(run)
    write_checkpoint(run, 20, 40.0)
    write_checkpoint(run, 30, 41.0)
    summary = summarize(run)
    assert (summary.name, summary.phase, summary.live, summary.reason) == ("here", "completed", False, "3 epochs")
    assert (summary.epoch, summary.step, summary.loss_name, summary.active_dimensions) == (3, 30, "distortion", 1)
    assert (summary.started, summary.updated) == (100.0, 500.0)
    assert summary.validation is not None
    assert summary.validation["elbo"] == -103.0
    assert summary.best is not None
    assert (summary.best_step, summary.best["loss"]) == (20, 40.0)


@pytest.mark.parametrize(("command", "phase"), [("pause", "paused"), ("unpause", "training")])
def test_a_live_run_is_training_or_paused_and_interrupted_once_its_trainer_is_gone(
    run: Run, command: str, phase: str
) -> None:
    write_run(run, end=None)
    writer = EventWriter(run.events_path)
    writer.write(ev.CommandDone(time=200.0, step=30, command=command, message=""))
    writer.write(ev.CommandDone(time=201.0, step=30, command="save", message=""))
    writer.close()
    summaries = Summaries()
    acquire_lock(run.path)
    try:
        assert (summaries.of(run).phase, summaries.of(run).live) == (phase, True)
    finally:
        release_lock(run.path)
    assert (summaries.of(run).phase, summaries.of(run).live) == ("interrupted", False)


def test_a_run_that_has_just_ended_an_epoch_or_saved_is_training(run: Run) -> None:
    write_run(run, end=None)
    acquire_lock(run.path)
    try:
        assert summarize(run).phase == "training"
        writer = EventWriter(run.events_path)
        writer.write(ev.CheckpointSaved(time=105.0, step=30, epoch=3, path=weights_name(30), best=False))
        writer.close()
        assert summarize(run).phase == "training"
    finally:
        release_lock(run.path)


def test_a_run_whose_trainer_died_before_its_first_event_was_interrupted(run: Run) -> None:
    summary = summarize(run)
    assert (summary.phase, summary.live, summary.updated, summary.best) == ("interrupted", False, None, None)
    assert summary.recipe == {"data": {}}


def test_a_long_log_is_not_read_whole(run: Run) -> None:
    write_run(run, epochs=2000)
    with run.events_path.open("r+b") as log:
        log.seek(200_000)
        log.write(b"\x00" * 100_000)
    assert summarize(run).epoch == 2000


def test_a_summary_is_read_again_only_when_the_log_changed(run: Run) -> None:
    write_run(run)
    summaries = Summaries()
    first = summaries.of(run)
    assert summaries.of(run) is first
    writer = EventWriter(run.events_path)
    writer.write(ev.RunStarted(time=900.0, step=30, pid=1, version="0", recipe={}, resumed_from=30))
    writer.close()
    os.utime(run.events_path, (1, 1))
    assert summaries.of(run).phase == "interrupted"
