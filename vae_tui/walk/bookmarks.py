"""Ten places in latent space, stored with the run they were found in."""

from __future__ import annotations

import hashlib
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from vae_tui.errors import VaeTuiError
from vae_tui.folders import user_data
from vae_tui.runs.files import read_small, write_whole
from vae_tui.runs.layout import Run, run_folder
from vae_tui.walk.axes import FARTHEST, Direction
from vae_tui.walk.paths import Point

SLOTS = range(10)


@dataclass(frozen=True, eq=False)
class Bookmark:
    """A latent (Z,), and the directions there were when it was saved."""

    z: Point
    directions: tuple[Direction, ...] = ()


class Bookmarks:
    """The bookmarks of a checkpoint's run, or, for a file that is in no run, of that file, in the user's data folder."""

    def __init__(self, checkpoint: Path) -> None:
        folder = run_folder(checkpoint)
        if Run(folder).holds_something:
            self.path = folder / "bookmarks.toml"
        else:
            name = hashlib.sha256(os.fsencode(checkpoint.absolute())).hexdigest()[:16]
            self.path = user_data() / f"bookmarks-{name}.toml"

    def read(self) -> dict[int, Bookmark]:
        """The bookmarks by slot; raises VaeTuiError for a file that is not one of ours."""
        try:
            tables = tomllib.loads(read_small(self.path).decode())
            directions = tables.get("directions", {})
            return {
                int(slot): _read(slot, z, directions.get(slot, [])) for slot, z in tables.get("bookmarks", {}).items()
            }
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise VaeTuiError(f"{self.path} cannot be read: {error.strerror}") from error
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise VaeTuiError(f"{self.path} holds no bookmarks: {error}; mend it or move it away") from None

    def save(self, slot: int, bookmark: Bookmark) -> None:
        """Write to a slot; raises VaeTuiError for a place too far out, or where the file cannot be read or written."""
        if not (np.abs(bookmark.z) <= FARTHEST).all():
            raise VaeTuiError(
                f"this place is further than {FARTHEST:,} from 0 in a dimension: too far out for a bookmark"
            )
        saved = dict(sorted((self.read() | {slot: bookmark}).items()))
        tables = {
            "bookmarks": {str(slot): _numbers(kept.z) for slot, kept in saved.items()},
            "directions": {
                str(slot): [
                    {"name": direction.name, "note": direction.note, "vector": _numbers(direction.vector)}
                    for direction in kept.directions
                ]
                for slot, kept in saved.items()
                if kept.directions
            },
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, tomli_w.dumps(tables).encode())
        except OSError as error:
            raise VaeTuiError(f"{self.path} cannot be written: {error.strerror}") from error


def _numbers(values: Point) -> list[float]:
    return [float(value) for value in values]


def _read(slot: str, z: Any, tables: Any) -> Bookmark:
    """A bookmark as it stands in a file; raises ValueError, or what follows from values of other types."""
    place = np.asarray(z, np.float64)
    if int(slot) not in SLOTS or place.ndim != 1 or not (abs(place) <= FARTHEST).all():
        raise ValueError(f"a slot is a digit, a place a list of numbers from -{FARTHEST} to {FARTHEST}")
    directions = []
    for table in tables:
        vector = np.asarray(table["vector"], np.float64)
        if vector.shape != place.shape or not abs(np.linalg.norm(vector) - 1) < 1e-3:
            raise ValueError("a direction is as many numbers as its place has, whose squares add up to 1")
        directions.append(Direction(str(table["name"]), vector.astype(np.float32), str(table["note"])))
    return Bookmark(place.astype(np.float32), tuple(directions))
