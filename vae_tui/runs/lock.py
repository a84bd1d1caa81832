"""Who trains a run: its trainer holds the run's lock file by `fcntl.lockf` for as long as it lives.

The kernel drops the lock with the process, however it ends. Readers probe with F_GETLK, which takes nothing and
disturbs no trainer. A file can be deleted, so a trainer holds the folder itself too, by `flock`: of two trainers that want
a folder only one gets it, whatever became of the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import struct
import sys
from pathlib import Path
from typing import NamedTuple

from vae_tui.errors import RunError
from vae_tui.runs.files import describe_kind

_FLAGS = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW


class _Held(NamedTuple):
    """The descriptors of a lock file and of its folder."""

    file: int
    folder: int


_held: dict[tuple[int, int], _Held] = {}
"""Locks this process holds, by the folder's device and inode. POSIX drops a lock when its owner closes any descriptor of
the file, so an owner that wants to know whether it holds one looks here and leaves the file alone."""


def acquire_lock(folder: Path) -> None:
    """Take the run in `folder` for this process, until it ends or `release_lock`; raises RunError where another has it."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise RunError(f"{folder} cannot be opened: {error.strerror}") from error
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(busy_message(folder)) from None
        except OSError:
            pass  # a file system that locks no folders; the file has to do
        file = _lock_file(folder, held)
    except BaseException:
        os.close(held)
        raise
    _held[_identity(held)] = _Held(file, held)


def renew_lock(folder: Path) -> None:
    """Make the lock file of a run that this process holds anew where it was deleted, so that readers see it again."""
    key = _key(folder)
    if key is None or key not in _held:
        return
    held = _held[key]
    try:
        there = os.stat("lock", dir_fd=held.folder, follow_symlinks=False)
        if (there.st_dev, there.st_ino) == _identity(held.file):
            return
    except OSError:
        pass
    with contextlib.suppress(RunError, OSError):
        file = _lock_file(folder, held.folder)
        os.close(held.file)
        _held[key] = _Held(file, held.folder)


def release_lock(folder: Path) -> None:
    """Give the run back."""
    key = _key(folder)
    if key is not None and key in _held:
        for descriptor in _held.pop(key):
            os.close(descriptor)


def lock_holder(folder: Path) -> int | None:
    """The process id of the trainer that has the run in `folder` (0 where the system does not know), or None."""
    if _key(folder) in _held:
        return os.getpid()
    path = folder / "lock"
    try:
        try:
            descriptor = os.open(path, os.O_RDWR | _FLAGS)
        except OSError:
            descriptor = os.open(path, os.O_RDONLY | _FLAGS)  # of somebody else, or on a disk that is read only
    except OSError:
        return None
    try:
        return _query_lock(descriptor) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _lock_file(folder: Path, descriptor: int) -> int:
    """Open and lock the lock file in a folder that is open."""
    path = folder / "lock"
    try:
        file = os.open("lock", os.O_RDWR | os.O_CREAT | _FLAGS, 0o644, dir_fd=descriptor)
    except OSError as error:
        raise RunError(_describe_unopened(path, error)) from error
    try:
        if not stat.S_ISREG(kind := os.fstat(file).st_mode):
            raise RunError(_describe_other_kind(path, kind))
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise RunError(busy_message(folder)) from None
    except OSError as error:
        os.close(file)
        raise RunError(f"{path} cannot be locked: {error.strerror}") from error
    except BaseException:
        os.close(file)
        raise
    return file


def _describe_unopened(path: Path, error: OSError) -> str:
    """What to tell of a lock file that cannot be opened."""
    try:
        found = path.lstat()
    except OSError:
        return f"{path} cannot be made: {error.strerror}; a run can only be trained where it can be written"
    if not stat.S_ISREG(found.st_mode):
        return _describe_other_kind(path, found.st_mode)
    if isinstance(error, PermissionError):
        return (
            f"{path} cannot be opened: {error.strerror}; train the run as the user it belongs to, or give yourself the "
            f"right, as by: chmod u+rw {path}"
        )
    return f"{path} cannot be opened: {error.strerror}"


def _describe_other_kind(path: Path, mode: int) -> str:
    return f"{path} is {describe_kind(mode)}, expected the file that a trainer locks: remove it, it is made anew"


def _identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


def _key(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def busy_message(folder: Path) -> str:
    """What to tell whoever wants a run that is being trained."""
    holder = lock_holder(folder)
    by = f"process {holder}" if holder else "another process"
    return f"{folder.name} is being trained by {by}; see it with: vae-tui watch {folder}"


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
