"""Who trains a run: its trainer holds the run's lock file by `fcntl.lockf` for as long as it lives.

The kernel drops the lock with the process, however it ends. Readers probe with F_GETLK, which takes nothing and
disturbs no trainer.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from pathlib import Path

from vae_tui.errors import RunError

_held: dict[Path, int] = {}
"""Locks this process holds, by run folder. POSIX drops a lock when its owner closes any descriptor of the file, so an
owner that wants to know whether it holds one looks here and leaves the file alone."""


def acquire_lock(folder: Path) -> None:
    """Take the run in `folder` for this process, until it ends or `release_lock`; raises RunError where another has it."""
    path = folder / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise RunError(f"{path} cannot be opened: {error.strerror}") from error
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise RunError(busy_message(folder)) from None
    _held[folder.resolve()] = descriptor


def release_lock(folder: Path) -> None:
    """Give the run back."""
    os.close(_held.pop(folder.resolve()))


def lock_holder(folder: Path) -> int | None:
    """The process id of the trainer that has the run in `folder` (0 where the system does not know), or None."""
    if folder.resolve() in _held:
        return os.getpid()
    path = folder / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, IsADirectoryError):
        return None
    except PermissionError:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _query_lock(descriptor)
    finally:
        os.close(descriptor)


def busy_message(folder: Path) -> str:
    """What to tell whoever wants a run that is being trained."""
    return (
        f"{folder.name} is being trained by process {lock_holder(folder) or '?'}; see it with: vae-tui watch {folder}"
    )


def _query_lock(descriptor: int) -> int | None:
    """Who would refuse us the lock on a file."""
    # struct flock, in the order each system has its fields; a write lock is refused by any other lock.
    if sys.platform == "darwin":
        layout, question, kind_at, pid_at = "qqihh", (0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET), 3, 2
    else:
        layout, question, kind_at, pid_at = "hhqqi", (fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0), 0, 4
    answer = struct.unpack(layout, fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack(layout, *question)))
    if answer[kind_at] == fcntl.F_UNLCK:
        return None
    return max(0, int(answer[pid_at]))
