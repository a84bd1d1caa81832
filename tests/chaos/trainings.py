"""Trainings in processes that are forked from one that has imported torch, with faults put into what they ask of the disk.

`python trainings.py FOLDER` reads one request a line, {"job": ..., "fault": "kill" | "full" | null, "at": N}, starts the
training in a fork whose Nth write (a file opened, written, synced, renamed or removed below FOLDER) is its last, or is
refused as every later one, and answers {"status": ..., "writes": ...}.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def put_faults(fault: str | None, at: int, counted: Callable[[], None]) -> None:
    """Let the `at`th call that writes be the last of this process ("kill"), or be refused with all after it ("full")."""
    count = 0

    def before(path: object) -> None:
        nonlocal count
        count += 1
        counted()
        if fault == "kill" and count == at:
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "full" and count >= at:
            raise OSError(errno.ENOSPC, "No space left on device", path if isinstance(path, str) else None)

    def wrap(name: str, wanted: Callable[..., bool] = lambda *_: True) -> None:
        real = getattr(os, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if wanted(*args):
                before(str(args[0]) if not isinstance(args[0], int) else None)
            return real(*args, **kwargs)

        setattr(os, name, wrapped)

    wrap("open", lambda _path, flags=0, *_: bool(flags & _WRITING))
    wrap("write", lambda descriptor, *_: descriptor > 2)
    wrap("replace")
    wrap("rename")
    wrap("fsync")
    if fault == "kill":
        wrap("unlink")  # a full disk removes files all the same
    real_open = Path.open

    def path_open(self: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if set(mode) & set("wax+"):
            before(str(self))
        return real_open(self, mode, *args, **kwargs)

    Path.open = path_open  # type: ignore[method-assign]


def train(job: str, fault: str | None, at: int, counts: Path) -> int:
    """Train in a fork of this process; its exit status, negative where a signal ended it."""
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            counter = os.open(counts, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            real_write = os.write
            put_faults(fault, at, lambda: (real_write(counter, b"."), None)[1])
            from vae_tui.runs.job import TrainingJob
            from vae_tui.training.__main__ import main

            status = main(TrainingJob.from_json(job))
        except BaseException:  # an exit status tells
            import traceback

            real_open = Path(counts).with_suffix(".traceback")
            with open(real_open, "w") as file:  # noqa: PTH123 - Path.open has faults
                file.write(traceback.format_exc())
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def serve(folder: Path) -> None:
    """Answer requests until there are no more."""
    os.chdir(folder)
    import torch

    import vae_tui.training.checkpoints
    import vae_tui.training.loop

    torch.set_num_threads(1)
    vae_tui.training.checkpoints._SECONDS_BETWEEN = 0.0  # every epoch is saved, so that many writes can go wrong
    counts = folder / "counts"
    for line in sys.stdin:
        asked = json.loads(line)
        counts.with_suffix(".traceback").unlink(missing_ok=True)
        status = train(asked["job"], asked["fault"], asked["at"], counts)
        problem = counts.with_suffix(".traceback")
        print(
            json.dumps(
                {
                    "status": status,
                    "writes": counts.stat().st_size,
                    "traceback": problem.read_text() if problem.exists() else "",
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
