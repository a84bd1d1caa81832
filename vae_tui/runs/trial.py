"""What training a recipe takes of time, memory and disk, by some seconds of it."""

from __future__ import annotations

import contextlib
import math
import signal
import tempfile
import threading
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vae_tui.errors import VaeTuiError
from vae_tui.events import EpochCompleted, Event, RunFinished, StepCompleted, TrainingStarted
from vae_tui.runs.job import TrainingJob, start_trainer, wait_until_opened
from vae_tui.runs.log import read_events

SECONDS_OF_A_TRIAL = 4.0


@dataclass(frozen=True)
class Trial:
    """What a run will take: seconds until its first step, for an `epoch` with its validation, and for the whole.

    `memory_bytes` is the process's so far, `gpu_memory_bytes` that of its GPU, `disk_bytes` what its checkpoints will take.
    """

    device: str
    threads: int
    parameters: int
    images_per_second: float
    seconds_to_begin: float
    seconds_per_epoch: float
    seconds: float
    memory_bytes: int | None
    gpu_memory_bytes: int | None
    disk_bytes: float


def try_training(job: TrainingJob, *, epochs: int | None, max_seconds: float | None) -> Trial:
    """Train a new run of `job` for some seconds, in a folder that is removed again; the whole would end after so many epochs or seconds.

    Raises VaeTuiError where it cannot be trained.
    """
    with _ended_by_a_hangup(), tempfile.TemporaryDirectory() as folder:
        overrides = (*job.overrides, f"train.max_seconds={SECONDS_OF_A_TRIAL}")
        trainer = start_trainer(replace(job, overrides=overrides, runs_dir=Path(folder), name="trial", sweep=""))
        try:
            run = wait_until_opened(trainer).run
            trainer.wait()
        finally:
            trainer.kill()
            trainer.wait()
        events = read_events(run.events_path)
        started = next((event for event in events if isinstance(event, TrainingStarted)), None)
        ended = events[-1]
        if started is None or not isinstance(ended, RunFinished) or ended.status == "failed":
            raise VaeTuiError(f"a trial failed: {ended.reason if isinstance(ended, RunFinished) else 'killed'}")
        recipe: dict[str, Any] = tomllib.loads(run.recipe_path.read_text())
        train, kept = recipe["train"], recipe["optimizer"]["ema_snapshots"]
        checkpoint = run.latest()
        weights, state = checkpoint.path.stat().st_size, checkpoint.state_path.stat().st_size
        averages = sum(average.path.stat().st_size for average in run.averages()[-1:])
    reports = [event for event in events if isinstance(event, StepCompleted)]
    measured = [event.images_per_second for event in events if isinstance(event, StepCompleted | EpochCompleted)]
    speed = measured[-1] or 0.0
    images = started.data_sizes["train"]
    per_epoch = images / max(1e-9, speed) + _seconds_of_validation(events)
    to_begin = started.time - events[0].time
    whole = math.inf if epochs is None else epochs * per_epoch
    return Trial(
        device=started.device,
        threads=started.threads,
        parameters=started.parameter_count,
        images_per_second=speed,
        seconds_to_begin=to_begin,
        seconds_per_epoch=per_epoch,
        seconds=to_begin + min(whole, math.inf if max_seconds is None else max_seconds),
        memory_bytes=max((report.rss_bytes for report in reports if report.rss_bytes), default=None),
        gpu_memory_bytes=max((report.gpu_memory_bytes for report in reports if report.gpu_memory_bytes), default=None),
        disk_bytes=(train["keep"] + 1) * (weights + state) + train["snapshots"] * weights + kept * averages,
    )


@contextlib.contextmanager
def _ended_by_a_hangup() -> Iterator[None]:
    """A terminal that is closed ends what it would else leave behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _seconds_of_validation(events: Sequence[Event]) -> float:
    """From the last report before the end of an epoch to that end; 0 where there is none."""
    for before, after in zip(reversed(events[:-1]), reversed(events), strict=False):
        if isinstance(after, EpochCompleted) and isinstance(before, StepCompleted):
            return after.time - before.time
    return 0.0
