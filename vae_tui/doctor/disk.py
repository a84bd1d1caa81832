"""Where runs are written: whether they can be, whether locks hold there, and for how much there is room."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from vae_tui.doctor.findings import Finding
from vae_tui.runs.files import user_path
from vae_tui.runs.layout import Run

_LITTLE = 2**30
"""Bytes; runs of the shipped recipes take some 10 to 100 MiB each."""


def examine_disk(runs_dir: Path) -> list[Finding]:
    """Look at the folder of runs, or where it would be made; what is tried there is taken away again."""
    folder = user_path(str(runs_dir)).absolute()
    # As os.path sees it: what may not be looked at is not there.
    while not os.path.exists(folder):  # noqa: PTH110
        folder = folder.parent
    why = f"runs live in {runs_dir}" if folder == runs_dir.absolute() else f"runs will be made in {runs_dir}"
    facts: dict[str, object] = {"runs_dir": str(runs_dir), "free_bytes": None, "writable": False, "locks": False}
    if not folder.is_dir():
        advice = "choose another --runs-dir (or VAE_TUI_RUNS_DIR)"
        return [Finding("disk", "bad", f"{folder} is in the way", f"{why}, and it is no folder", advice, facts)]
    free = shutil.disk_usage(folder).free
    runs = _find_runs(folder) if folder == runs_dir.absolute() else []
    taken = sum(_size(run) for run in runs)
    facts |= {"free_bytes": free, "runs": len(runs), "runs_bytes": taken}
    found = f"{_in_units(free)} free" + (
        f"; {len(runs)} {'run takes' if len(runs) == 1 else 'runs take'} {_in_units(taken)}" if runs else ""
    )
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            facts["writable"] = True
            fcntl.lockf(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
            facts["locks"] = True
    except OSError as error:
        problem = (
            "cannot be locked, so nobody could tell whether a run lives" if facts["writable"] else "cannot be written"
        )
        advice = "choose another --runs-dir (or VAE_TUI_RUNS_DIR), on a disk of this machine"
        return [Finding("disk", "bad", f"{folder} {problem}", f"{why}: {error.strerror}", advice, facts)]
    why += "; writing and locking there work"
    if free < _LITTLE:
        advice = "make room: remove old runs, or keep fewer checkpoints with [train] keep = 1"
        return [Finding("disk", "fair", found, why, advice, facts)]
    return [Finding("disk", "good", found, why, "", facts)]


def _find_runs(folder: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(folder) if Run(Path(entry.path)).holds_something]
    except PermissionError:
        return []


def _size(run: Path) -> int:
    total = 0
    for folder, _, names in os.walk(run):
        for name in names:
            path = Path(folder) / name
            # A live run's files come and go.
            total += path.stat().st_size if os.path.isfile(path) else 0  # noqa: PTH113
    return total


def _in_units(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.1f} MiB"
