"""Straight lines and arcs between points of latent space."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vae_tui.errors import VaeTuiError

Latents = NDArray[np.float32]
"""Points (N, Z)."""
Point = NDArray[np.float32]
"""One point (Z,)."""
Method = Literal["lerp", "slerp"]


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
