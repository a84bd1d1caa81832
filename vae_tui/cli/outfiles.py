"""Files that commands write where `--out` says, and their folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vae_tui.cli.output import give_path
from vae_tui.errors import VaeTuiError
from vae_tui.runs.files import write_whole


def check_out(out: Path, suffixes: Sequence[str], *, option: str = "--out") -> str:
    """The ending of the file to write, once it can be; raises VaeTuiError for one that makes no sense."""
    suffix = out.suffix.lower()
    if suffix not in suffixes:
        still = " (nothing moves here, so there is no GIF of it)" if suffix == ".gif" else ""
        raise VaeTuiError(f"{option} {out}: expected a name that ends in {' or '.join(suffixes)}{still}")
    if not out.absolute().parent.is_dir():
        raise VaeTuiError(f"{option} {out}: there is no folder {out.absolute().parent}")
    return suffix


def write_out(out: Path, content: bytes) -> None:
    """Write a file, in place of any of that name, and its path to stdout; raises VaeTuiError where it cannot be written."""
    write_beside(out, content)
    give_path(out)


def write_beside(out: Path, content: bytes) -> None:
    """Write a file as `write_out`, and nothing to stdout, which is for what else a command finds."""
    try:
        write_whole(out, content)
    except OSError as error:
        raise VaeTuiError(f"--out {out} cannot be written: {error.strerror}") from error
