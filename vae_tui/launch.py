"""Starts trainer processes: in a session of their own, so that they outlive the terminal they were started from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vae_tui.errors import VaeTuiError
from vae_tui.run import EventReader, Run


@dataclass(frozen=True)
class Opened:
    """The run a trainer opened; `reader` is where its log begins to be this attempt's, `notes` are for the user."""

    run: Run
    reader: EventReader
    notes: tuple[str, ...]


def start_trainer(
    recipe: str | None,
    overrides: Sequence[str],
    *,
    runs_dir: Path,
    name: str | None = None,
    resume: str | None = None,
    device: str = "auto",
    devices: int = 1,
    data_root: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a trainer on a new run of `recipe`, or on the run `resume`.

    It reads the recipe itself, at the same time as this process does other things; `opened` waits for what it says.
    """
    given = {"--resume": resume, "--run": name, "--device": device, "--devices": devices, "--data-root": data_root}
    command = [sys.executable, "-m", "vae_tui.training", "--runs-dir", str(runs_dir)]
    command += [f"{option}={value}" for option, value in given.items() if value is not None]
    command += [f"--set={override}" for override in overrides]
    command += ["--", recipe] if recipe is not None else []
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={
            # Threads that spin while they wait starve on a busy machine: 0.8k images/s for 9.0k (benchmarks/LOG.md).
            "OMP_WAIT_POLICY": "PASSIVE",
            **os.environ,
            "PYTHONUNBUFFERED": "1",
        },
    )


def opened(process: subprocess.Popen[bytes]) -> Opened:
    """Wait for a trainer to open its run; raises VaeTuiError with its message where it cannot."""
    assert process.stdout is not None, "start_trainer connects it"
    with process.stdout as answers:
        answer = answers.readline()
    if not answer:
        raise VaeTuiError(f"the trainer died before it opened its run (exit status {process.wait()})")
    said = json.loads(answer)
    if "error" in said:
        process.wait()
        raise VaeTuiError(said["error"])
    run = Run(Path(said["run"]))
    return Opened(run, EventReader(run.events_path, position=said["log_bytes"]), tuple(said["notes"]))
