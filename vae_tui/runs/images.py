"""Where the images of a run are now: the array file or the folder its recipe names, which may have been moved since; and the pictures it drew."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from vae_tui.errors import DataError
from vae_tui.events import ImagesDrawn, from_json
from vae_tui.runs.files import read_small, user_path
from vae_tui.runs.layout import Run, run_folder
from vae_tui.runs.log import read_tail
from vae_tui.text import path_as_text

_TAIL_BYTES = 1 << 16


def newest_drawn(run: Run, kind: str) -> ImagesDrawn | None:
    """The newest "samples" or "reconstructions" that the end of a run's log tells of; None where it tells of none."""
    for line in reversed(read_tail(run.events_path, _TAIL_BYTES).split("\n")):
        event = from_json(line) if '"images_drawn"' in line else None
        if isinstance(event, ImagesDrawn) and event.kind == kind:
            return event
    return None


def locate_images(roots: Sequence[str], kind: str, data_root: Path | None) -> str:
    """The absolute path of the images: the first of `roots` that is there, else as `data_root` has them.

    `kind` is the recipe's data.name. `data_root` is the folder that holds them under one of their names, or the images
    themselves. Raises DataError where they are in none of these places.
    """
    recorded = [user_path(root) for root in roots]
    candidates = list(recorded)
    if data_root is not None:
        under = user_path(str(data_root))
        candidates += [*(under / path.name for path in recorded), under]
    for candidate in candidates:
        if _may_hold(candidate, kind):
            return path_as_text(str(candidate.absolute()))
    for path in recorded:
        if path.exists():
            return path_as_text(str(path.absolute()))  # of the wrong kind, which its reader names
    looked = f", nor under {data_root}" if data_root is not None else ""
    raise DataError(f"{roots[0]} is not there{looked}; {way_to_images(roots[0])}")


def _may_hold(path: Path, kind: str) -> bool:
    """Whether what is there can be images of that kind: a folder of photos, or a file, or a folder of such files."""
    if kind == "folder":
        return path.is_dir()
    files = {"npz": "*.npy", "csv": "*.csv*"}.get(kind, "")
    return path.is_file() or (bool(files) and path.is_dir() and any(path.glob(files)))


def way_to_images(root: str) -> str:
    """What to do about images that are not where they were."""
    name = user_path(root).name
    return (
        f"put it back, or name where it is: --data-root DIR, the folder that holds {name} or {name} itself under "
        "another name, or with vae-tui train --set data.root=PATH, relative to where you are"
    )


def recorded_roots(checkpoint: Path, root: str) -> list[str]:
    """Where a checkpoint's images may be: as its run's recipe.toml has it now, and as the checkpoint itself recorded it."""
    try:
        data = tomllib.loads(read_small(run_folder(checkpoint) / "recipe.toml").decode()).get("data")
    except (OSError, ValueError, RecursionError):
        return [root]
    now = data.get("root") if isinstance(data, dict) else None
    return [now, root] if isinstance(now, str) and now and now != root else [root]
