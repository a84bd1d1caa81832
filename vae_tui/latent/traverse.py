"""One latent dimension moved at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.errors import VaeTuiError
from vae_tui.imaging.grid import make_grid
from vae_tui.imaging.labels import Labels
from vae_tui.latent.codes import active_dimensions, rank_dimensions, rate_per_dimension
from vae_tui.latent.directions import choose_distances, find_directions
from vae_tui.latent.grids import check_dimensions, decode_points, traverse
from vae_tui.latent.picture import Picture, check_size, make_grids, to_and_fro
from vae_tui.latent.ranges import Range, choose_values, describe_range
from vae_tui.latent.sources import Source, locate_sources
from vae_tui.latent.space import LatentAt, Space

_FEW = 10
"""Rows where no dimension is active."""


def draw_traversal(
    space: Space,
    around: Source,
    *,
    dimensions: Sequence[int] | None,
    range_: Range,
    count: int,
    at: LatentAt,
    seed: int,
    frames_per_second: float,
    scale: int | None,
) -> Picture:
    """A row of `count` images for each dimension, the rest of the latent as it is for `around`.

    Without `dimensions`, all that are active on the test images, that with the highest KL first. As a GIF, a tile for
    each dimension, all moving to and fro. Raises VaeTuiError where there is no such dimension.
    """
    arrays: dict[str, NDArray[Any]] = {}
    if dimensions is None:
        rates = rate_per_dimension(space.codes())
        chosen = active_dimensions(rates) or rank_dimensions(rates)[:_FEW]
        names = [f"z{dimension} ({rates[dimension]:.2f} nats)" for dimension in chosen]
        arrays["rates"] = rates
    else:
        chosen = check_dimensions(dimensions, space.vae.latent_dim)
        names = [f"z{dimension}" for dimension in chosen]
    check_size(len(chosen) * count, space.vae.image_shape, scale, rows=len(chosen), columns=count)
    mean, log_variance = locate_sources(space.vae, [around], space.codes)
    latent = space.locate([around], at, seed)[0]
    space.give_class_of(around)
    codes = space.codes() if range_.kind == "data" else None
    values = choose_values(
        range_, count, chosen, prior=space.prior, mean=mean[0], log_variance=log_variance[0], codes=codes
    )
    images = traverse(space.vae, latent, chosen, values, progress=space.progress)
    arrays |= {"images": images, "dimensions": np.array(chosen), "values": values, "latent": latent}
    return _lay_out(
        f"traverse {around.name}, dimensions {' '.join(map(str, chosen))}, {describe_range(range_)}, at {at}, seed {seed}{space.given_class}",
        arrays,
        names,
        frames_per_second,
        (f"around {around.caption}{space.given_class}", f"dimensions in order: {', '.join(names)}"),
    )


def draw_along(
    space: Space,
    around: Source,
    *,
    along: Sequence[str],
    range_: Range,
    count: int,
    at: LatentAt,
    seed: int,
    frames_per_second: float,
    scale: int | None,
) -> Picture:
    """A row of `count` images for each direction that is named so, from where `around` is.

    Raises VaeTuiError as `find_directions` and `choose_distances` do.
    """
    check_size(len(along) * count, space.vae.image_shape, scale, rows=len(along), columns=count)
    latent = space.locate([around], at, seed)[0]
    space.give_class_of(around)
    try:
        directions = find_directions(space, along, latent)
    except VaeTuiError as error:
        raise VaeTuiError(f"--along {error}") from None
    values = choose_distances(range_, count, directions, space, latent)
    points = latent + values[:, :, None] * np.stack([direction.vector for direction in directions])[:, None]
    images = decode_points(space.vae, points.reshape(-1, points.shape[2]), progress=space.progress)
    arrays: dict[str, NDArray[Any]] = {
        "images": images.reshape(*values.shape, *images.shape[1:]),
        "directions": np.stack([direction.vector for direction in directions]),
        "values": values,
        "latent": latent,
    }
    names = [f"{direction.name} ({direction.note})" for direction in directions]
    return _lay_out(
        f"traverse {around.name} along {' '.join(along)}, {describe_range(range_)}, at {at}, seed {seed}{space.given_class}",
        arrays,
        names,
        frames_per_second,
        (f"around {around.caption}{space.given_class}", f"along: {', '.join(names)}"),
    )


def _lay_out(
    facts: str,
    arrays: Mapping[str, NDArray[Any]],
    names: Sequence[str],
    frames_per_second: float,
    notes: tuple[str, ...],
) -> Picture:
    """The `images` (D, V, H, W, C) as D rows that are called so, or as D tiles that move."""
    images, values = arrays["images"], arrays["values"]
    alike = bool((values == values[0]).all())
    if not alike:
        names = [f"{name} {row[0]:+.1f} to {row[-1]:+.1f}" for name, row in zip(names, values, strict=True)]
    return Picture(
        facts,
        arrays,
        make_grid(images.reshape(-1, *images.shape[2:]), images.shape[1]),
        to_and_fro(make_grids(images, math.ceil(math.sqrt(len(images))))),
        frames_per_second,
        notes,
        labels=Labels(names, [f"{value:.1f}" for value in values[0]] if alike else ()),
    )
