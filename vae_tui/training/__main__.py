"""The trainer process: `python -m vae_tui.training RUN [--device D] [--data-root DIR] [--resume]`.

Holds the run's lock for as long as it lives, taken before torch is imported. SIGTERM and SIGINT ask for a checkpoint
and a stop; exit status 0 completed, 1 failed, 2 not started, 130 stopped.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from vae_tui.errors import VaeTuiError
from vae_tui.events import RunFinished, TrainingStarted
from vae_tui.run import Run
from vae_tui.training.attempt import attempt

_EXIT = {"completed": 0, "stopped": 130, "failed": 1}


def main() -> int:
    """Train one run to its end."""
    parser = argparse.ArgumentParser(prog="python -m vae_tui.training", description="Train a run that exists already.")
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--resume", action="store_true", help="go on from its newest checkpoint")
    arguments = parser.parse_args()

    asked: list[int] = []
    training = False

    def ask_to_stop(number: int, _frame: object) -> None:
        asked.append(number)
        if not training:
            raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    run = Run(arguments.run)
    try:
        run.acquire_lock()
        events = attempt(
            run,
            device=arguments.device,
            data_root=arguments.data_root,
            resume=arguments.resume,
            interrupted=lambda: bool(asked),
        )
        last = None
        for last in events:
            training = training or isinstance(last, TrainingStarted)
    except VaeTuiError as error:
        print(error, file=sys.stderr)  # noqa: T201 - worker.log
        return 2
    return _EXIT[last.status] if isinstance(last, RunFinished) else 1


if __name__ == "__main__":
    sys.exit(main())
