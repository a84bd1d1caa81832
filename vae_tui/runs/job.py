"""Everything that starts a trainer, as one JSON; and the start, in a session of its own that outlives the terminal."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vae_tui.errors import VaeTuiError
from vae_tui.runs.layout import Run

if TYPE_CHECKING:
    from vae_tui.runs.feed import RunFeed

DEFAULT_RECIPE = "digits"
SPINNING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "30000"}
"""Variables by which threads spin for some tenths of a millisecond before they sleep; see training.waiting."""
_PLACES = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY")


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """A run to make and train: of `recipe` (None: DEFAULT_RECIPE) with `overrides` as for `--set`, or, with `resume`, to go on with.

    `from_step` is the step of the checkpoint it goes on from, instead of the newest. `name` is the new run's, `devices` how many to train on at once, `data_root` where image sets are looked for. `notify` is a command for the shell that the trainer runs when
    there is something to hear of the run. `sweep` is the sweep that a new run is made for.
    """

    recipe: str | None = None
    overrides: tuple[str, ...] = ()
    runs_dir: Path = Path("checkpoints")
    name: str | None = None
    resume: str | None = None
    from_step: int | None = None
    device: str = "auto"
    devices: int = 1
    data_root: Path | None = None
    notify: str | None = None
    sweep: str = ""

    @property
    def recipe_name(self) -> str:
        """What the recipe of a new run is called, without its folder; empty for a run that goes on."""
        return "" if self.resume is not None else Path(self.recipe or DEFAULT_RECIPE).name.removesuffix(".toml")

    def to_json(self) -> str:
        """As a trainer process takes it."""
        return json.dumps(dataclasses.asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> TrainingJob:
        """What `to_json` wrote; raises ValueError or TypeError for anything else."""
        job = cls(**json.loads(text))
        data_root = None if job.data_root is None else Path(job.data_root)
        return dataclasses.replace(
            job, overrides=tuple(job.overrides), runs_dir=Path(job.runs_dir), data_root=data_root
        )


class TrainerDied(VaeTuiError):
    """A trainer ended before it opened its run, without a word: killed, or out of memory."""


@dataclass(frozen=True)
class OpenedRun:
    """The run a trainer opened; `log_bytes` is where its events begin in the log, `notes` are for the user."""

    run: Run
    log_bytes: int
    notes: tuple[str, ...]

    def feed(self, trainer: subprocess.Popen[bytes]) -> RunFeed:
        """The run as it goes on with the trainer that opened it."""
        from vae_tui.runs.feed import RunFeed  # noqa: PLC0415 - commands that follow no run have no use for it

        return RunFeed(self.run, trainer=trainer, log_bytes=self.log_bytes)


def environment_of_torch(environment: Mapping[str, str]) -> dict[str, str]:
    """What a process that imports torch is to find in it; what the user has said of how threads wait stays as it is."""
    return {**({} if is_waiting_chosen(environment) else SPINNING), **environment}


def is_waiting_chosen(environment: Mapping[str, str]) -> bool:
    """Whether the user has said how threads are to wait, or where."""
    waiting = {name: environment[name] for name in SPINNING if name in environment}
    return waiting not in ({}, SPINNING) or any(name in environment for name in _PLACES)


def is_trainer(environment: Mapping[str, str]) -> bool:
    """Whether that is the environment of a trainer whose user has not said how threads wait."""
    return all(environment.get(name) == value for name, value in SPINNING.items()) and not is_waiting_chosen(
        environment
    )


def start_trainer(job: TrainingJob) -> subprocess.Popen[bytes]:
    """Start a trainer process.

    It reads the recipe itself, at the same time as this process does other things; `wait_until_opened` waits for it.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "vae_tui.training", job.to_json()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={
            **environment_of_torch(os.environ),
            "PYTHONUNBUFFERED": "1",
        },
    )


def wait_until_opened(trainer: subprocess.Popen[bytes]) -> OpenedRun:
    """Wait for a trainer to open its run; raises VaeTuiError with its message where it cannot, TrainerDied where it has none."""
    assert trainer.stdout is not None, "start_trainer connects it"
    with trainer.stdout as replies:
        line = replies.readline()
    if not line:
        raise TrainerDied(f"the trainer died before it opened its run (exit status {trainer.wait()})")
    reply = json.loads(line)
    if "error" in reply:
        trainer.wait()
        raise VaeTuiError(reply["error"])
    return OpenedRun(Run(Path(reply["run"])), reply["log_bytes"], tuple(reply["notes"]))
