"""The way from one image to another, and on to others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data import Progress
from vae_tui.imaging.grid import Pixels, make_grid
from vae_tui.imaging.labels import Labels
from vae_tui.latent.codes import Latents
from vae_tui.latent.grids import decode_points
from vae_tui.latent.picture import Picture, check_size, to_and_fro
from vae_tui.latent.sample import as_pictures
from vae_tui.latent.sources import Source
from vae_tui.latent.space import LatentAt, Space
from vae_tui.walk.paths import Method, pass_through
from vae_tui.walk.shares import Shares, describe_shares

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

    A GIF that does not `bounce` goes on from the last anchor to the first. A conditional VAE that is given no class decodes each
    anchor as of its own, and goes over from one class to the next as the latents do: a share of either.
    """
    legs = len(anchors) - 1
    count = legs * (frames - 1) + 1
    row = min(count, columns or _WIDEST)
    check_size(2 * (legs + 1) * frames, space.vae.image_shape, scale, rows=-(-count // row), columns=row)
    places = space.locate(anchors, at, seed)
    classes = space.shares_of(anchors)

    def decode(points: Latents, shares: Shares | None, progress: Progress | None = None) -> Pixels:
        labels = None if shares is None else torch.from_numpy(shares)
        return decode_points(space.vae, points, labels=labels, progress=progress)

    points = pass_through(places, frames, method=method)
    shares = None if classes is None else pass_through(classes, frames)
    images = decode(points, shares, space.progress)
    if bounce:
        moving = to_and_fro(images)
    else:
        around = None if classes is None else pass_through(classes, frames, closed=True)
        moving = decode(pass_through(places, frames, method=method, closed=True), around)
    arrays: dict[str, NDArray[Any]] = {
        "images": images,
        "latents": points,
        "anchors": places,
        "anchor_names": np.array([anchor.name for anchor in anchors]),
    }
    if all(anchor.pixels is not None for anchor in anchors):
        arrays["anchor_images"] = np.concatenate([as_pictures(a.pixels[None]) for a in anchors if a.pixels is not None])
    way, given, labels = " to ".join(anchor.name for anchor in anchors), space.given_class, None
    if classes is not None and shares is not None:
        names: list[str] = space.metadata["class_names"]
        passed = [describe_shares(one, names) for one in classes]
        given = f", class {' to '.join(name for name, _ in groupby(passed))}"
        arrays |= {"class_shares": shares, "class_names": np.array(names)}
        if row == count and len(set(passed)) > 1:
            labels = Labels(columns=[describe_shares(one, names) for one in shares])
    return Picture(
        f"interpolate {way}, {method}, at {at}, {frames} a leg, seed {seed}{given}",
        arrays,
        make_grid(images, row),
        moving,
        frames_per_second,
        ("from " + " to ".join(anchor.caption for anchor in anchors) + given,),
        labels,
    )
