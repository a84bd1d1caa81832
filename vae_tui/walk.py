"""A walk: points in latent space, in order, at a pace; made by hand or between anchors, kept as TOML."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import tomli_w
from numpy.typing import NDArray

from vae_tui.errors import VaeTuiError
from vae_tui.runs.files import write_whole

Latents = NDArray[np.float32]
"""Points (N, Z)."""
Method = Literal["lerp", "slerp"]
MOST_POINTS = 100_000


@dataclass(frozen=True)
class Walk:
    """Points (N, Z), shown `frames_per_second` of them a second; `checkpoint` is the file they were found with."""

    points: Latents
    frames_per_second: float
    checkpoint: str = ""


def lerp(start: Latents, end: Latents, shares: NDArray[np.floating]) -> Latents:
    """Points (N, Z) on the straight line from `start` (Z,) to `end` (Z,), at `shares` (N,) of the way."""
    share = np.asarray(shares, np.float64)[:, None]
    return ((1 - share) * start + share * end).astype(np.float32)


def slerp(start: Latents, end: Latents, shares: NDArray[np.floating]) -> Latents:
    """Points (N, Z) on the arc from `start` (Z,) to `end` (Z,), lengths changing evenly, at `shares` (N,) of the way.

    A straight line passes closer to the origin than draws from N(0, I) lie in many dimensions; an arc does not.
    Directions that are equal, opposite or missing leave only the straight line. Shoemake, Animating rotation with
    quaternion curves, 1985; White, Sampling generative networks, 2016.
    """
    share = np.asarray(shares, np.float64)[:, None]
    begin, finish = start.astype(np.float64), end.astype(np.float64)
    start_length, end_length = float(np.linalg.norm(begin)), float(np.linalg.norm(finish))
    if min(start_length, end_length) < 1e-12:
        return lerp(start, end, shares)
    begin, finish = begin / start_length, finish / end_length
    angle = float(np.arccos(np.clip(begin @ finish, -1, 1)))
    if np.sin(angle) < 1e-6:
        return lerp(start, end, shares)
    direction = (np.sin((1 - share) * angle) * begin + np.sin(share * angle) * finish) / np.sin(angle)
    arc: Latents = (direction * ((1 - share) * start_length + share * end_length)).astype(np.float32)
    return arc


METHODS: dict[Method, Callable[[Latents, Latents, NDArray[np.floating]], Latents]] = {"lerp": lerp, "slerp": slerp}


def pass_through(anchors: Latents, frames: int, *, method: Method = "lerp", closed: bool = False) -> Latents:
    """Go through anchors (K, Z), `frames` points from each to the next; returns (N, Z), each anchor in it exactly once.

    `closed` goes on from the last anchor to just before the first, so that the walk can be repeated without a halt.
    Raises VaeTuiError for fewer than two anchors or fewer than two frames.
    """
    if len(anchors) < 2 or frames < 2:
        raise VaeTuiError("a way through latent space needs two anchors and two frames at least")
    stops = np.concatenate([anchors, anchors[:1]]) if closed else anchors
    shares = np.linspace(0, 1, frames)[:-1]
    legs = [METHODS[method](start, end, shares) for start, end in pairwise(stops)]
    if not closed:
        legs.append(anchors[-1:])
    return np.concatenate(legs).astype(np.float32)


def write_walk(path: Path, walk: Walk) -> None:
    """Write a walk as TOML that reads back to the same bits; raises VaeTuiError where it cannot be written."""
    tables = {
        "checkpoint": walk.checkpoint,
        "frames_per_second": float(walk.frames_per_second),
        "points": [[float(value) for value in point] for point in walk.points],
    }
    text = f"# vae-tui sample --path {path.name} --out walk.gif\n{tomli_w.dumps(tables)}"
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise VaeTuiError(f"{path} cannot be written: {error.strerror}") from error


def read_walk(path: Path) -> Walk:
    """Read a walk; raises VaeTuiError that names the file and what is wrong in it."""
    try:
        tables = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise VaeTuiError(f"{path}: no such file") from None
    except OSError as error:
        raise VaeTuiError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise VaeTuiError(f"{path} is not TOML: {error}") from None
    unknown = sorted(set(tables) - {"checkpoint", "frames_per_second", "points"})
    if unknown:
        raise VaeTuiError(f"{path}: unknown key {unknown[0]}; a walk has points, frames_per_second and checkpoint")
    pace, checkpoint = tables.get("frames_per_second", 10.0), tables.get("checkpoint", "")
    if isinstance(pace, bool) or not isinstance(pace, int | float) or not 0.01 <= pace <= 100:
        raise VaeTuiError(f"{path}: frames_per_second: expected a number from 0.01 to 100, got {pace!r}")
    if not isinstance(checkpoint, str):
        raise VaeTuiError(f"{path}: checkpoint: expected a file's name, got {checkpoint!r}")
    return Walk(_points(tables.get("points"), path), float(pace), checkpoint)


def find_checkpoint_of(walk: Walk, path: Path) -> str | None:
    """The checkpoint a walk kept at `path` was made with, seen from here or from the walk's folder; None: it says none.

    Raises VaeTuiError where it is in neither place.
    """
    if not walk.checkpoint:
        return None
    for candidate in (Path(walk.checkpoint), path.parent / walk.checkpoint):
        # As os.path sees it: what cannot be looked at, or cannot be a name, is not there.
        if os.path.isfile(candidate):  # noqa: PTH113
            return str(candidate)
    raise VaeTuiError(
        f"{path}: its checkpoint {walk.checkpoint!r} is not there; name another RUN or CHECKPOINT before --path"
    )


def _points(found: object, path: Path) -> Latents:
    if not isinstance(found, list) or not found or not all(isinstance(point, list) and point for point in found):
        raise VaeTuiError(f"{path}: points: expected a list of points, each a list of numbers")
    if len(found) > MOST_POINTS:
        raise VaeTuiError(f"{path}: points: {len(found):,} are more than the {MOST_POINTS:,} a walk may have")
    for number, point in enumerate(found):
        if len(point) != len(found[0]):
            raise VaeTuiError(f"{path}: points[{number}] has {len(point)} numbers, points[0] has {len(found[0])}")
        for value in point:
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e6:
                raise VaeTuiError(f"{path}: points[{number}]: expected numbers between -1e6 and 1e6, got {value!r}")
    return np.asarray(found, np.float32)
