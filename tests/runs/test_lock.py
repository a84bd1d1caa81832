from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from vae_tui.errors import RunError
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import acquire_lock, lock_holder, release_lock, renew_lock
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
    assert read_status(run).phase == "interrupted"
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


@pytest.mark.parametrize("kind", ["folder", "fifo", "link", "device"])
def test_a_lock_that_is_no_file_holds_nothing_and_is_named(run: Run, kind: str) -> None:
    path = run.path / "lock"
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "link":
            path.symlink_to("elsewhere")
        case "device":
            path.symlink_to("/dev/zero")
    assert lock_holder(run.path) is None
    named = {"folder": "a folder", "fifo": "a FIFO"}.get(kind, "a link")
    with pytest.raises(RunError, match=rf"here/lock is {named}, expected the file that a trainer locks: remove it"):
        acquire_lock(run.path)
    assert not (run.path / "elsewhere").exists()


def test_a_lock_that_may_not_be_opened_is_not_called_something_else() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "lock").touch()
        (folder / "lock").chmod(0)
        folder.chmod(0o755)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # whom files forbid something
        try:
            with pytest.raises(RunError, match=r"lock cannot be opened: Permission denied; train the run as the user"):
                acquire_lock(folder)
        finally:
            os.seteuid(user)
        assert lock_holder(folder) is None


def test_a_deleted_lock_is_made_anew_by_its_holder_and_lets_nobody_else_in(run: Run) -> None:
    acquire_lock(run.path)
    try:
        (run.path / "lock").unlink()
        script = f"from pathlib import Path; from vae_tui.runs.lock import acquire_lock; acquire_lock(Path({str(run.path)!r}))"
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert "here is being trained by another process" in other.stderr
        renew_lock(run.path)
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert f"here is being trained by process {os.getpid()}" in other.stderr
    finally:
        release_lock(run.path)
