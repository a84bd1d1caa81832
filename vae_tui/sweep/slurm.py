"""Workers of a sweep on a Slurm cluster: an array of batch jobs, each of which takes jobs of the sweep until none is left.

A batch job whose time runs out (SIGUSR1, a minute and a half before) has its run saved, gives it back, and is queued again;
so is one that is preempted, by Slurm itself. A node that dies takes its workers with it: Slurm queues them anew, and what
they had is taken over by whoever comes first.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vae_tui.errors import VaeTuiError
from vae_tui.sweep.folder import Sweep

_SECONDS_BEFORE_THE_END = 90
_MOST_WORKERS = 64
_SECONDS_TO_ANSWER = 30.0


def read_options(text: str) -> list[str]:
    """Options as they are given to sbatch, one a string: "--gres=gpu:1 -p long" is ["--gres=gpu:1", "-p long"].

    Raises VaeTuiError for what is no option.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise VaeTuiError(f"--slurm {text!r}: {error}") from error
    options: list[str] = []
    for word in words:
        if word.startswith("-"):
            options.append(word)
        elif options and "=" not in options[-1] and " " not in options[-1]:
            options[-1] += f" {shlex.quote(word)}"
        else:
            raise VaeTuiError(f"--slurm {text!r}: expected options of sbatch, such as --time=4:00:00, got {word!r}")
    for option in options:
        if option.startswith(("--array", "-a ", "--wrap", "--signal")):
            raise VaeTuiError(
                f"--slurm: {option.partition('=')[0]} is this program's to set; --jobs says how many workers"
            )
    return options


def cores_of(options: Sequence[str]) -> int | None:
    """How many cores each worker has by the options; None where they do not say it."""
    for option in options:
        name, _, value = option.replace(" ", "=", 1).partition("=")
        if name in ("--cpus-per-task", "-c") and value.isdecimal() and int(value):
            return int(value)
    return None


def submit(sweep: Sweep, options: Sequence[str], workers: int, *, device: str, data_root: Path | None) -> str:
    """Submit an array of so many workers; returns what Slurm calls it.

    Raises VaeTuiError, with what Slurm says, where it does not take them.
    """
    if shutil.which("sbatch") is None:
        raise VaeTuiError("sbatch is not on this machine: submit from a login node of the cluster")
    logs = sweep.folder / "slurm"
    script = logs / "worker.sh"
    try:
        logs.mkdir(exist_ok=True)
        script.write_text(_script(sweep, options, min(workers, _MOST_WORKERS), device, data_root))
    except OSError as error:
        raise VaeTuiError(f"{script} cannot be written: {error.strerror}") from error
    return _run("sbatch", "--parsable", str(script)).partition(";")[0].strip()


def _script(sweep: Sweep, options: Sequence[str], workers: int, device: str, data_root: Path | None) -> str:
    command = [sys.executable, "-m", "vae_tui", "sweep", str(sweep.folder.absolute()), "--work", "--jobs", "1"]
    command += ["--runs-dir", str(sweep.runs_dir.absolute()), "--device", device]
    command += ["--data-root", str(data_root.expanduser().absolute())] if data_root is not None else []
    own = [
        f"--job-name={job_name(sweep)}",
        f"--array=1-{workers}",
        f"--output={sweep.folder.absolute()}/slurm/%A_%a.log",
        "--open-mode=append",
        "--requeue",
        f"--signal=B:USR1@{_SECONDS_BEFORE_THE_END}",
    ]
    lines = ["#!/bin/bash", *(f"#SBATCH {option}" for option in (*own, *options))]
    # In place of the shell, so that Slurm's signals reach it.
    return "\n".join([*lines, f"cd {shlex.quote(str(Path.cwd()))}", f"exec {shlex.join(command)}", ""])


def job_name(sweep: Sweep) -> str:
    """What a sweep's batch jobs are called."""
    return f"vae-tui-{sweep.name}"


def queue_again() -> None:
    """Have the batch job that this process is queued again; raises VaeTuiError where Slurm refuses."""
    _run("scontrol", "requeue", os.environ["SLURM_JOB_ID"])


def count_workers(sweep: Sweep) -> dict[str, int]:
    """How many of a sweep's workers are in each of Slurm's states, such as PENDING and RUNNING; none where it cannot be asked."""
    if shutil.which("squeue") is None:
        return {}
    try:
        listed = _run("squeue", "--noheader", "--array", f"--name={job_name(sweep)}", "--format=%T")
    except VaeTuiError:
        return {}
    return dict(Counter(listed.split()))


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_TO_ANSWER, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VaeTuiError(f"{command[0]} did not answer: {error}") from error
    if done.returncode:
        raise VaeTuiError(f"{command[0]}: {done.stderr.strip() or f'exit status {done.returncode}'}")
    return done.stdout
