"""The trainer process: `python -m vae_tui.training RECIPE | --resume RUN`, also under torchrun, on any number of machines.

It says one line of JSON on stdout: the run it opened, or the error that kept it from that; from then on its output
goes to the run's worker.log. It holds the run's lock for as long as it lives, taken before torch is imported. SIGTERM
and SIGINT ask for a checkpoint and a stop; exit status 0 completed, 1 failed, 2 wrong input, 130 stopped. Of several
processes that torchrun started, all this is for rank 0; the others do as it tells them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from vae_tui.errors import RecipeError, RunError, VaeTuiError
from vae_tui.events import RunFinished, TrainingStarted
from vae_tui.recipe import find_recipe, load_recipe
from vae_tui.run import EventReader, Run, find_run
from vae_tui.training.attempt import attempt
from vae_tui.training.memory import keep_freed_memory
from vae_tui.training.preparation import create_run, reopen_run

_EXIT = {"completed": 0, "stopped": 130, "failed": 1}
_EXIT_WRONG_INPUT = 2


def main() -> int:
    """Open one run and train it to its end."""
    arguments = _parse_arguments()
    keep_freed_memory()
    if int(os.environ.get("RANK", "0")) > 0:
        from vae_tui.training.follower import follow_under_torchrun  # noqa: PLC0415 - imports torch

        return follow_under_torchrun(arguments.device)
    asked: list[int] = []
    training = False

    def ask_to_stop(number: int, _frame: object) -> None:
        asked.append(number)
        if not training:
            raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    # Nobody but torchrun's user reads what this process says.
    terminal = os.dup(sys.stderr.fileno()) if "RANK" in os.environ else None
    try:
        run = _open(arguments)
        if terminal is not None:
            os.write(terminal, f"training; see it with: vae-tui watch {run.path}\n".encode())
    except VaeTuiError as error:
        _answer({"error": str(error)})
        return _EXIT_WRONG_INPUT
    except KeyboardInterrupt:
        return _EXIT["stopped"]
    last = None
    try:
        for last in attempt(
            run,
            device=arguments.device,
            data_root=arguments.data_root,
            resume=arguments.resume is not None,
            devices=arguments.devices,
            interrupted=lambda: bool(asked),
        ):
            training = training or isinstance(last, TrainingStarted)
    except VaeTuiError as error:
        print(error, file=sys.stderr)  # noqa: T201 - worker.log
        if terminal is not None:
            os.write(terminal, f"{error}\n".encode())
        return _EXIT["failed"] if training else _EXIT_WRONG_INPUT
    if terminal is not None and isinstance(last, RunFinished):
        os.write(terminal, f"{last.status}: {last.reason}\n".encode())
    return _EXIT[last.status] if isinstance(last, RunFinished) else 1


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vae_tui.training", description="Train one run; see vae-tui train.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("recipe", nargs="?", metavar="RECIPE")
    source.add_argument("--resume", metavar="RUN")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE")
    parser.add_argument("--run", "--name", metavar="NAME", help="--name under torchrun, which takes --run for its own")
    parser.add_argument("--runs-dir", type=Path, default=Path("checkpoints"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--devices", type=int, default=1, metavar="N")
    parser.add_argument("--data-root", type=Path)
    return parser.parse_args()


def _open(arguments: argparse.Namespace) -> Run:
    """Make or find the run, take its lock, say so, and turn all further output to its log."""
    notes: tuple[str, ...] = ()
    if arguments.resume is not None:
        run = reopen_run(arguments.resume, arguments.set, arguments.runs_dir)
    else:
        _refuse_a_run(arguments.recipe, arguments.runs_dir)
        loaded = load_recipe(arguments.recipe, arguments.set)
        notes = loaded.notes
        run = create_run(loaded, arguments.runs_dir, arguments.run)
    run.acquire_lock()
    reader = EventReader(run.events_path)
    reader.read()
    try:
        _answer({"run": str(run.path), "log_bytes": reader.position, "notes": notes})
    except BrokenPipeError:
        # Whoever asked for this run has gone before it began.
        if arguments.resume is None:
            shutil.rmtree(run.path)
        os._exit(_EXIT["stopped"])
    log = os.open(run.worker_log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    os.close(log)
    return run


def _refuse_a_run(name: str, runs_dir: Path) -> None:
    """Raise RunError where a run is given in place of a recipe."""
    try:
        find_recipe(name)
    except RecipeError:
        try:
            run = find_run(name, runs_dir)
        except VaeTuiError:
            return
        if run.name == Path(name).name:
            raise RunError(f"{name} is a run, not a recipe; go on with it by: vae-tui train --resume {name}") from None


def _answer(said: dict[str, Any]) -> None:
    print(json.dumps(said), flush=True)  # noqa: T201 - to whoever started this process


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written. Taking torch's threads and connections down takes time, and some that are waited for abort.
    os._exit(status)
