"""Command lines in processes that are forked from one that has imported torch, so that thousands can be tried.

`python commands.py FOLDER` reads one command line a line, a JSON list, runs it in a fork that stands in FOLDER, and
answers {"status": ..., "stdout": ..., "stderr": ..., "mebibytes": ...}; what takes longer than `LONGEST` seconds is
killed, and its status is null.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

LONGEST = 60.0


def run(arguments: list[str], folder: Path, stdout: Path, stderr: Path) -> tuple[int | None, float]:
    """Run one command line; its exit status, and the most memory it had, in MiB."""
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            os.chdir(folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            for path, stream in ((Path(os.devnull), 0), (stdout, 1), (stderr, 2)):
                os.dup2(os.open(path, os.O_RDONLY if stream == 0 else flags, 0o644), stream)
            sys.argv = ["vae-tui", *arguments]
            from vae_tui.cli import main

            main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 0
        except BaseException:  # what Python itself would print
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    ends = time.monotonic() + LONGEST
    while time.monotonic() < ends:
        found, status, usage = os.wait4(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1024
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    return None, os.wait4(pid, 0)[2].ru_maxrss / 1024


def serve(folder: Path) -> None:
    """Answer command lines until there are no more."""
    import sklearn.manifold  # noqa: F401
    import torch

    import vae_tui.evaluation
    import vae_tui.latent
    import vae_tui.model.checkpoint  # noqa: F401

    torch.set_num_threads(1)
    stdout, stderr = folder / "stdout", folder / "stderr"
    where = folder / "here" / "and" / "there"
    where.mkdir(parents=True, exist_ok=True)
    for line in sys.stdin:
        status, mebibytes = run(json.loads(line), where, stdout, stderr)
        written = {path.name: path.read_bytes().decode("utf-8", "surrogateescape") for path in (stdout, stderr)}
        answer = {"status": status, "mebibytes": mebibytes, **written}
        sys.__stdout__.write(json.dumps(answer) + "\n")  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
