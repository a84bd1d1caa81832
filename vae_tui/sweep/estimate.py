"""About how long a sweep takes, and how much disk, from a few seconds of training of each kind of run it has."""

from __future__ import annotations

import json
import statistics
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vae_tui.errors import VaeTuiError
from vae_tui.runs.trial import try_training
from vae_tui.sweep.folder import Contents, Job, Sweep, make_sweep

_MOST_TRIALS = 6
_ALIKE = ("train.seed", "optimizer.lr", "objective.beta")
"""Keys that change neither how long a step takes nor how large a checkpoint is."""


@dataclass(frozen=True)
class Estimate:
    """`seconds` for the whole sweep, `disk_bytes` of all its runs, and the least and most `parameters` of one."""

    seconds: float
    disk_bytes: float
    parameters: tuple[int, int]


def estimate(
    contents: Contents,
    base_toml: str,
    *,
    at_once: int,
    device: str,
    data_root: Path | None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Estimate:
    """Train a run of each kind for some seconds, of at most six kinds, and go by these for all, `at_once` at a time.

    Raises VaeTuiError where one cannot be trained.
    """
    kinds: dict[str, list[Job]] = {}
    for job in contents.jobs:
        kinds.setdefault(_kind(job), []).append(job)
    every = -(-len(kinds) // _MOST_TRIALS)
    chosen = list(kinds)[::every]
    trials: dict[str, Estimate] = {}
    with tempfile.TemporaryDirectory() as folder:
        sweep = make_sweep(Path(folder), "trial", base_toml, contents)
        for index, kind in enumerate(chosen):
            progress(index, len(chosen))
            trials[kind] = _try(sweep, contents, kinds[kind][0], device, data_root)
    usual = Estimate(
        statistics.fmean(trial.seconds for trial in trials.values()),
        statistics.fmean(trial.disk_bytes for trial in trials.values()),
        (0, 0),
    )
    all_runs = [trials.get(kind, usual) for kind, jobs in kinds.items() for _ in jobs]
    all_runs += [usual] * (contents.run_count - len(all_runs))
    parameters = [trial.parameters[0] for trial in trials.values()]
    return Estimate(
        sum(run.seconds for run in all_runs) / min(at_once, len(all_runs)),
        sum(run.disk_bytes for run in all_runs),
        (min(parameters), max(parameters)),
    )


def _kind(job: Job) -> str:
    return json.dumps({key: value for key, value in job.values.items() if key not in _ALIKE}, sort_keys=True)


def _try(sweep: Sweep, contents: Contents, job: Job, device: str, data_root: Path | None) -> Estimate:
    """What one run takes, by some seconds of it."""
    base = tomllib.loads(sweep.base_path.read_text()).get("train", {})
    epochs, most = (
        contents.fixed.get(f"train.{key}", job.values.get(f"train.{key}", base.get(key)))
        for key in ("epochs", "max_seconds")
    )
    whole = sweep.training_job(contents, job, device=device, data_root=data_root)
    try:
        trial = try_training(whole, epochs=epochs, max_seconds=most)
    except VaeTuiError as error:
        raise VaeTuiError(f"{job.run}: {error}") from error
    return Estimate(trial.seconds, trial.disk_bytes, (trial.parameters, trial.parameters))
