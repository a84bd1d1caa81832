"""Starts trainer processes: in a session of their own, so that they outlive the terminal they were started from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from vae_tui.run import Run


def start_trainer(run: Run, *, device: str, data_root: Path | None, resume: bool = False) -> subprocess.Popen[bytes]:
    """Start training `run` in a process of its own, its output going to the run's worker.log."""
    command = [sys.executable, "-m", "vae_tui.training", str(run.path), "--device", device]
    if data_root is not None:
        command += ["--data-root", str(data_root)]
    if resume:
        run.discard_commands()
        command.append("--resume")
    with run.worker_log_path.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
