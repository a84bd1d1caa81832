"""Files that appear whole or not at all, files that are read with no trust in them, and paths as users write them."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from vae_tui.errors import VaeTuiError
from vae_tui.text import text_as_path

_ASIDE = re.compile(r"\..+\.\d+", re.DOTALL)
"""The names that `write_whole` writes under."""


def open_file(path: Path) -> BinaryIO:
    """Open a file to read its bytes; raises OSError, with the reason, where there is none or it is none.

    A FIFO, which would make whoever opens it wait for ever, a device and a folder are no files.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        kind = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(kind):
            raise OSError(errno.EINVAL, f"it is {describe_kind(kind)}, expected a file", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def describe_kind(mode: int) -> str:
    """What a thing is by its mode, as `os.stat` gives it: "a folder", "a FIFO", ..."""
    if stat.S_ISREG(mode):
        return "a file"
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a FIFO"
    return "a link" if stat.S_ISLNK(mode) else "a device"


def read_small(path: Path, limit: int = 1 << 22) -> bytes:
    """The bytes of a file that should be small; raises OSError as `open_file`, and where it is longer than `limit`."""
    with open_file(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it is longer than {limit:,} bytes", str(path))
    return content


def folder_size(folder: Path) -> int:
    """The bytes of all files in a folder and its folders, links left out; what cannot be looked at counts nothing."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    total += folder_size(Path(entry.path))
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def remove_unfinished(folder: Path) -> None:
    """Remove what `write_whole` left in a folder when its process was killed; nobody else may be writing there."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _ASIDE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                os.unlink(entry)


def write_whole(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file so that it appears whole or not at all: written aside, fsynced, renamed."""
    with open_whole(path, durable=durable) as file:
        file.write(content)


@contextlib.contextmanager
def open_whole(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """A file to write bit by bit, which appears whole once the body is done, and not at all where that raises."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None  # what is in the way, and not what was written aside
        raise
    if durable:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def user_path(text: str) -> Path:
    """A path as a user writes it, with ~ for a home; raises VaeTuiError where no file can be called so."""
    try:
        path = Path(text_as_path(text)).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        shown = text if len(text) < 80 else f"{text[:77]}..."
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise VaeTuiError(f"{shown!r} cannot be looked for: {reason}") from error
    return path
