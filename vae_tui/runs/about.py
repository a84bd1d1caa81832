"""What a user says of a run: tags, and a note. They stand in its folder and change nothing about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vae_tui.errors import RunError
from vae_tui.runs.files import read_small, write_whole
from vae_tui.runs.layout import Run

_TAG = re.compile(r"(?!-)[\w.+-]{1,40}")
_LONGEST_NOTE = 4000


@dataclass(frozen=True)
class About:
    """The tags of a run, in alphabetical order, and a note."""

    tags: tuple[str, ...] = ()
    note: str = ""


def read_about(run: Run) -> About:
    """What was said of a run; nothing where that cannot be read."""
    try:
        return _read(run)
    except (OSError, ValueError, RecursionError):
        return About()


def _read(run: Run) -> About:
    found: Any = json.loads(read_small(run.about_path, 1 << 16))
    if not isinstance(found, dict):
        raise ValueError("no table")
    tags, note = found.get("tags"), found.get("note")
    fit = {tag for tag in tags if isinstance(tag, str) and _TAG.fullmatch(tag)} if isinstance(tags, list) else ()
    return About(tuple(sorted(fit)), note[:_LONGEST_NOTE] if isinstance(note, str) else "")


def check_tags(tags: Iterable[str]) -> None:
    """Raise RunError for what is no tag."""
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise RunError(
                f"{tag!r} cannot be a tag: expected up to 40 letters, digits, _ . + or -, and no - at its beginning"
            )


def change_about(run: Run, *, add: Iterable[str] = (), remove: Iterable[str] = (), note: str | None = None) -> About:
    """Add tags to a run and remove others; with a `note`, replace that as well.

    Raises RunError for what is no tag, for a note that is too long, where what was said before cannot be read and would be
    lost, and where the folder cannot be written.
    """
    try:
        known = _read(run)
    except FileNotFoundError:
        known = About()
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(
            f"{run.about_path} is damaged, and the tags and the note in it would be lost: mend it, or move it away"
        ) from error
    check_tags(add)
    if note is not None and len(note) > _LONGEST_NOTE:
        raise RunError(f"a note has up to {_LONGEST_NOTE:,} characters; this one has {len(note):,}")
    about = About(tuple(sorted({*known.tags, *add} - set(remove))), known.note if note is None else note)
    try:
        write_whole(run.about_path, json.dumps({"tags": about.tags, "note": about.note}).encode())
    except OSError as error:
        raise RunError(f"{run.about_path} cannot be written: {error.strerror}") from error
    return about
