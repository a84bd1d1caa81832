"""The way from one image to another, and on to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.imaging.grid import make_grid
from vae_tui.latent.grids import decode_points
from vae_tui.latent.picture import Picture, check_size, to_and_fro
from vae_tui.latent.sample import as_pictures
from vae_tui.latent.sources import Source
from vae_tui.latent.space import LatentAt, Space
from vae_tui.walk.paths import Method, pass_through

_WIDEST = 41
"""Images in a row by default."""


def choose_ends(space: Space, start: str | None, end: str | None) -> tuple[Source, Source]:
    """Both ends: those named, and for one that is not, the first test image, of another class than the other end's."""
    if start is None and end is None:
        first = space.find("test:0")
        return first, space.another_class(first)
    if end is None:
        assert start is not None
        first = space.find(start)
        return first, space.another_class(first)
    last = space.find(end)
    return (space.another_class(last) if start is None else space.find(start)), last


def draw_interpolation(
    space: Space,
    anchors: Sequence[Source],
    *,
    frames: int,
    method: Method,
    at: LatentAt,
    seed: int,
    bounce: bool,
    columns: int | None,
    frames_per_second: float,
    scale: int | None,
) -> Picture:
    """Images at `frames` points from each anchor to the next, both included: a strip, or a GIF that goes to and fro.

    A GIF that does not `bounce` goes on from the last anchor to the first.
    """
    legs = len(anchors) - 1
    count = legs * (frames - 1) + 1
    row = min(count, columns or _WIDEST)
    check_size(2 * (legs + 1) * frames, space.vae.image_shape, scale, rows=-(-count // row), columns=row)
    places = space.locate(anchors, at, seed)
    space.give_class_of(*anchors)
    points = pass_through(places, frames, method=method)
    images = decode_points(space.vae, points, progress=space.progress)
    if bounce:
        moving = to_and_fro(images)
    else:
        moving = decode_points(space.vae, pass_through(places, frames, method=method, closed=True))
    arrays: dict[str, NDArray[Any]] = {
        "images": images,
        "latents": points,
        "anchors": places,
        "anchor_names": np.array([anchor.name for anchor in anchors]),
    }
    if all(anchor.pixels is not None for anchor in anchors):
        arrays["anchor_images"] = np.concatenate([as_pictures(a.pixels[None]) for a in anchors if a.pixels is not None])
    way = " to ".join(anchor.name for anchor in anchors)
    return Picture(
        f"interpolate {way}, {method}, at {at}, {frames} a leg, seed {seed}{space.given_class}",
        arrays,
        make_grid(images, row),
        moving,
        frames_per_second,
        ("from " + " to ".join(anchor.caption for anchor in anchors) + space.given_class,),
    )
