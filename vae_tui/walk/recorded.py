"""Recorded walks: points in latent space, in order, at a pace; written as TOML."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomli_w

from vae_tui.errors import VaeTuiError
from vae_tui.runs.files import read_small, write_whole
from vae_tui.text import path_as_text, printable, text_as_path
from vae_tui.walk.paths import Latents
from vae_tui.walk.shares import Shares

MOST_POINTS = 100_000
_LONGEST = 1 << 28


@dataclass(frozen=True)
class RecordedWalk:
    """Points (N, Z), shown `frames_per_second` of them a second; `checkpoint` is the file they were found with.

    A conditional VAE decodes them as of the class called `class_name`, or "none"; empty: as of what it begins with. Where there
    are `shares` (N, K + 1) of classes, each point is decoded as of its own.
    """

    points: Latents
    frames_per_second: float
    checkpoint: str = ""
    class_name: str = ""
    shares: Shares | None = None


def write_walk(path: Path, walk: RecordedWalk) -> None:
    """Write a walk as TOML that reads back to the same bits; raises VaeTuiError where it cannot be written."""
    tables = {
        "checkpoint": path_as_text(walk.checkpoint),
        "frames_per_second": float(walk.frames_per_second),
        **({"class": walk.class_name} if walk.class_name else {}),
        **({} if walk.shares is None else {"class_shares": walk.shares.tolist()}),
        "points": [[float(value) for value in point] for point in walk.points],
    }
    text = f"# vae-tui sample --path {printable(path.name)} --out walk.gif\n{tomli_w.dumps(tables)}"
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise VaeTuiError(f"{path} cannot be written: {error.strerror}") from error


def read_walk(path: Path) -> RecordedWalk:
    """Read a walk; raises VaeTuiError that names the file and what is wrong in it."""
    try:
        tables = tomllib.loads(read_small(path, _LONGEST).decode())
    except FileNotFoundError:
        raise VaeTuiError(f"{path}: no such file") from None
    except OSError as error:
        raise VaeTuiError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise VaeTuiError(f"{path} is not TOML: {error}") from None
    unknown = sorted(set(tables) - {"checkpoint", "frames_per_second", "class", "class_shares", "points"})
    if unknown:
        raise VaeTuiError(
            f"{path}: unknown key {unknown[0]}; a walk has points, frames_per_second, checkpoint, class and class_shares"
        )
    pace, checkpoint = tables.get("frames_per_second", 10.0), tables.get("checkpoint", "")
    if isinstance(pace, bool) or not isinstance(pace, int | float) or not 0.01 <= pace <= 100:
        raise VaeTuiError(f"{path}: frames_per_second: expected a number from 0.01 to 100, got {pace!r}")
    if not isinstance(checkpoint, str):
        raise VaeTuiError(f"{path}: checkpoint: expected a file's name, got {checkpoint!r}")
    class_name = tables.get("class", "")
    if not isinstance(class_name, str):
        raise VaeTuiError(f"{path}: class: expected a name, got {class_name!r}")
    points = _rows(tables.get("points"), "points", path)
    shares = _rows(tables["class_shares"], "class_shares", path) if "class_shares" in tables else None
    if shares is not None and len(shares) != len(points):
        raise VaeTuiError(
            f"{path}: class_shares: expected a list for each of {len(points):,} points, got {len(shares):,}"
        )
    return RecordedWalk(points, float(pace), checkpoint, class_name, shares)


def find_checkpoint_of(walk: RecordedWalk, path: Path) -> str | None:
    """The checkpoint a walk written to `path` was made with, seen from here or from the walk's folder; None: it names none.

    Raises VaeTuiError where it is in neither place.
    """
    if not walk.checkpoint:
        return None
    checkpoint = text_as_path(walk.checkpoint)
    for candidate in (Path(checkpoint), path.parent / checkpoint):
        # As os.path sees it: what cannot be looked at, or cannot be a name, is not there.
        if os.path.isfile(candidate):  # noqa: PTH113
            return str(candidate)
    raise VaeTuiError(
        f"{path}: its checkpoint {walk.checkpoint!r} is not there; name another RUN or CHECKPOINT before --path"
    )


def _rows(found: object, key: str, path: Path) -> Latents:
    """Lists of numbers, all as long, (N, Z)."""
    if not isinstance(found, list) or not found or not all(isinstance(row, list) and row for row in found):
        raise VaeTuiError(f"{path}: {key}: expected a list of {key.rpartition('_')[2]}, each a list of numbers")
    if len(found) > MOST_POINTS:
        raise VaeTuiError(f"{path}: {key}: {len(found):,} are more than the {MOST_POINTS:,} a walk may have")
    for number, row in enumerate(found):
        if len(row) != len(found[0]):
            raise VaeTuiError(f"{path}: {key}[{number}] has {len(row)} numbers, {key}[0] has {len(found[0])}")
        for value in row:
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e6:
                raise VaeTuiError(f"{path}: {key}[{number}]: expected numbers between -1e6 and 1e6, got {value!r}")
    return np.asarray(found, np.float32)
