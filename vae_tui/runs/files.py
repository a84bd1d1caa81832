"""Files that appear whole or not at all, and paths as users write them."""

from __future__ import annotations

import os
from pathlib import Path

from vae_tui.errors import VaeTuiError
from vae_tui.text import text_as_path


def write_whole(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file so that it appears whole or not at all: written aside, fsynced, renamed."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
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
