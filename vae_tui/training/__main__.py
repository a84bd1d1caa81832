"""The trainer process: `python -m vae_tui.training JOB`, where JOB is the JSON of a `TrainingJob`.

It writes one line of JSON on stdout: the run it opened, or the error that kept it from that (under torchrun the run's path
alone, and errors on stderr); from then on its output goes to the run's worker.log. It holds the run's lock for as long as it lives, taken before torch is imported. SIGTERM
and SIGINT ask for a checkpoint and a stop; exit status 0 completed, 1 failed, 2 wrong input, 130 stopped. Of several
processes that torchrun started, all this is for rank 0; the others follow it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import stat
import sys
from pathlib import Path
from typing import Any

from vae_tui.errors import RecipeError, RunError, VaeTuiError
from vae_tui.events import RunFinished, TrainingStarted
from vae_tui.recipe import find_recipe, load_recipe
from vae_tui.runs.find import find_run
from vae_tui.runs.job import DEFAULT_RECIPE, TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import acquire_lock
from vae_tui.runs.log import EventWriter, read_last_event
from vae_tui.runs.notify import TrainerNotices
from vae_tui.text import printable
from vae_tui.training.memory import keep_freed_memory
from vae_tui.training.preparation import Resumption, create_run, find_free_run, prepare_to_resume
from vae_tui.training.train_run import train_run

_EXIT = {"completed": 0, "stopped": 130, "failed": 1}
_EXIT_WRONG_INPUT = 2


def main(job: TrainingJob) -> int:
    """Open one run and train it to its end; returns the exit status."""
    keep_freed_memory()
    if job.data_root is not None:
        job = dataclasses.replace(job, data_root=job.data_root.expanduser().absolute())
    for name in ("stdout", "stderr"):
        # Closed by whoever started us; files that are opened must not take its place.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123
    if int(os.environ.get("RANK", "0")) > 0:
        from vae_tui.training.follower import follow_under_torchrun  # noqa: PLC0415 - imports torch

        return follow_under_torchrun(job.device)
    notices = TrainerNotices(job.notify, folder=Path.cwd())
    signals: list[int] = []
    training = is_ending = False

    def request_stop(number: int, _frame: object) -> None:
        signals.append(number)
        if not training and not is_ending:
            raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, request_stop)
    # Only torchrun's user reads the output of this process.
    terminal = os.dup(sys.stderr.fileno()) if "RANK" in os.environ else None
    try:
        run, resumption = _open(job)
        if terminal is not None:
            os.write(terminal, f"training; see it with: vae-tui watch {printable(str(run.shown))}\n".encode())
    except VaeTuiError as error:
        if terminal is None:
            _reply({"error": str(error)})
        else:
            os.write(terminal, f"{error}\n".encode())
        return _EXIT_WRONG_INPUT
    except KeyboardInterrupt:
        return _EXIT["stopped"]
    last = None
    try:
        for last in train_run(run, job, resumption=resumption, interrupted=lambda: bool(signals)):
            training = training or isinstance(last, TrainingStarted)
            notices.take(last, _path_now(run))
    except VaeTuiError as error:
        print(error, file=sys.stderr)  # noqa: T201 - worker.log
        if terminal is not None:
            os.write(terminal, f"{error}\n".encode())
        return _EXIT["failed"] if training else _EXIT_WRONG_INPUT
    finally:
        is_ending = True
        notices.close(read_last_event(run.events_path), _path_now(run))
    if terminal is not None and isinstance(last, RunFinished):
        os.write(terminal, f"{printable(last.sentence)}\n".encode())
    return _EXIT[last.status] if isinstance(last, RunFinished) else 1


def _path_now(run: Run) -> Path:
    """Where the run is, which may have been renamed while this process works in its folder."""
    try:
        return Path.cwd()
    except OSError:
        return run.shown


def _open(job: TrainingJob) -> tuple[Run, Resumption | None]:
    """Make or find the run and take its lock, report it, turn all further output to its log, and go into its folder.

    A folder that is renamed, and whose name goes to another run, is still the one that this process works in.
    """
    resumption: Resumption | None = None
    notes: tuple[str, ...]
    if job.resume is not None:
        run = find_free_run(job.resume, job.runs_dir)
        acquire_lock(run.path)
        resumption = prepare_to_resume(run, job)
        notes = resumption.notes
    else:
        recipe = job.recipe or DEFAULT_RECIPE
        _refuse_a_run(recipe, job)
        loaded = load_recipe(recipe, job.overrides)
        notes = loaded.notes
        run = create_run(loaded, job.runs_dir, job.name)
        acquire_lock(run.path)
    # Cuts off a torn last line, so that the log ends where this trainer begins.
    EventWriter(run.events_path).close()
    log = _open_worker_log(run)
    try:
        if "RANK" in os.environ:
            print(printable(str(run.path)), flush=True)  # noqa: T201 - to torchrun's user, as `vae-tui train` prints it
        else:
            _reply({"run": str(run.path), "log_bytes": run.events_path.stat().st_size, "notes": notes})
    except BrokenPipeError:
        # Whoever asked for this run has gone before it began.
        if job.resume is None:
            shutil.rmtree(run.path)
        os._exit(_EXIT["stopped"])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    os.close(log)
    shown = run.path.absolute()
    os.chdir(run.path)
    return Run(Path(), shown=shown), resumption


def _open_worker_log(run: Run) -> int:
    """The descriptor of worker.log; raises RunError where it is no file or cannot be written."""
    path = run.worker_log_path
    try:
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}; it should be an ordinary file") from error
    if not stat.S_ISREG(os.fstat(log).st_mode):
        os.close(log)
        raise RunError(f"{path} is no ordinary file: remove it")
    return log


def _refuse_a_run(recipe: str, job: TrainingJob) -> None:
    """Raise RunError where a run is given in place of a recipe."""
    try:
        find_recipe(recipe)
    except RecipeError:
        try:
            run = find_run(recipe, job.runs_dir)
        except VaeTuiError:
            return
        if run.name == recipe.rstrip("/").rpartition("/")[2]:
            raise RunError(
                f"{recipe} is a run, not a recipe; go on with it by: vae-tui train --resume {recipe}"
            ) from None


def _reply(body: dict[str, Any]) -> None:
    print(json.dumps(body), flush=True)  # noqa: T201 - to whoever started this process


def exit_at_once(status: int) -> None:
    """End this process: all is written, and taking torch's threads and connections down takes time or aborts."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    exit_at_once(main(TrainingJob.from_json(sys.argv[1])))
