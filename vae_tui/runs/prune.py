"""What of a run's checkpoints can go: all but the best, the newest, and what it goes on from."""

from __future__ import annotations

import contextlib
import stat
from dataclasses import dataclass
from pathlib import Path

from vae_tui.errors import RunError
from vae_tui.runs.best import choose_best
from vae_tui.runs.layout import Checkpoint, Run
from vae_tui.runs.lock import acquire_lock, release_lock
from vae_tui.runs.resume import find_resume_point


@dataclass(frozen=True)
class Pruning:
    """The weights and states of a run that go, `freed_bytes` together, and the checkpoints that stay, oldest first.

    `best` is the step of the best; None where none was validated.
    """

    run: Run
    kept: tuple[Checkpoint, ...]
    best: int | None
    pruned: tuple[Checkpoint, ...]
    files: tuple[Path, ...]
    freed_bytes: int


def plan_pruning(run: Run, keep: int) -> Pruning:
    """What is deleted where the best checkpoint, the newest `keep`, and the one that the run goes on from are kept.

    Other files and folders stay as they are. Raises CheckpointError where none of its checkpoints can be read, or where it
    cannot go on from its newest: what it needs then is for its owner to say.
    """
    found, states = run.checkpoints(), run.states()
    choice = choose_best(run)
    kept = {choice.checkpoint.step, *(checkpoint.step for checkpoint in found[-keep:])}
    if any(checkpoint.state_path.exists() for checkpoint in found) and (point := find_resume_point(run)) is not None:
        kept.add(point.checkpoint.step)
    pruned = tuple(checkpoint for checkpoint in found if checkpoint.step not in kept)
    candidates = [checkpoint.path for checkpoint in pruned]
    candidates += [checkpoint.state_path for checkpoint in states if checkpoint.step not in kept]
    sizes = {path: size for path in candidates if (size := _size_of_file(path)) is not None}
    return Pruning(
        run=run,
        kept=tuple(checkpoint for checkpoint in found if checkpoint.step in kept),
        best=choice.checkpoint.step if choice.loss is not None else None,
        pruned=pruned,
        files=tuple(sizes),
        freed_bytes=sum(sizes.values()),
    )


def prune(run: Run, keep: int) -> int:
    """Delete all checkpoints but the best, the newest `keep` and the one a run goes on from; returns the bytes freed.

    Nobody may go on with the run meanwhile. Raises RunError for a live run and where the disk refuses, CheckpointError as
    `plan_pruning` does.
    """
    acquire_lock(run.path)
    try:
        pruning = plan_pruning(run, keep)
        _delete_files(pruning)
    finally:
        release_lock(run.path)
    return pruning.freed_bytes


def _delete_files(pruning: Pruning) -> None:
    """Delete what a pruning plans to; states before the weights they belong to."""
    for path in sorted(pruning.files, key=lambda path: path.name.startswith("step-")):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{path} cannot be deleted: {error.strerror}") from error


def _size_of_file(path: Path) -> int | None:
    """The bytes of a file; None for a folder, which is not ours, and for what is not there."""
    with contextlib.suppress(OSError):
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode):
            return status.st_size
    return None
