from __future__ import annotations

import os
import subprocess
import sys

import pytest

from vae_tui.errors import RunError
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import acquire_lock, lock_holder, release_lock
from vae_tui.runs.status import RunStatus, read_status


def holding_process(run: Run) -> subprocess.Popen[str]:
    script = f"""
from pathlib import Path
from vae_tui.runs.lock import acquire_lock
acquire_lock(Path({str(run.path)!r}))
print("held", flush=True)
input()
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_run_is_held_by_one_process_until_it_dies(run: Run) -> None:
    assert lock_holder(run.path) is None
    assert read_status(run).phase == "starting"
    with holding_process(run) as process:
        assert lock_holder(run.path) == process.pid
        assert read_status(run) == RunStatus("training", live=True)
        with pytest.raises(RunError, match=rf"being trained by process {process.pid}"):
            acquire_lock(run.path)
        assert lock_holder(run.path) == process.pid, "asking must not take the lock away"
        process.kill()
    assert lock_holder(run.path) is None
    acquire_lock(run.path)
    assert lock_holder(run.path) == os.getpid()
    release_lock(run.path)
    assert lock_holder(run.path) is None
