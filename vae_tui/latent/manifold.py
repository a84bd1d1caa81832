"""The map of two latent dimensions."""

from __future__ import annotations

import numpy as np

from vae_tui.errors import VaeTuiError
from vae_tui.imaging.grid import make_grid
from vae_tui.imaging.labels import Labels
from vae_tui.latent.codes import rank_dimensions, rate_per_dimension
from vae_tui.latent.grids import check_plane, manifold
from vae_tui.latent.picture import Picture, check_size
from vae_tui.latent.ranges import Range, choose_values, describe_range
from vae_tui.latent.sources import Source, locate_sources
from vae_tui.latent.space import LatentAt, Space


def draw_manifold(
    space: Space,
    around: Source | None,
    *,
    plane: tuple[int, int] | None,
    range_: Range,
    side: int,
    at: LatentAt,
    seed: int,
    scale: int | None,
) -> Picture:
    """A map of `side` x `side` images over two dimensions, the first to the right and the second upwards.

    Without a `plane`, the two with the highest KL on the test images, in the order of their numbers. The other
    dimensions are as they are for `around`, or 0. Raises VaeTuiError where there are no such two dimensions.
    """
    size = space.vae.latent_dim
    if size < 2:
        raise VaeTuiError("a map needs two latent dimensions, and this model has one; draw it with: vae-tui traverse")
    check_size(side * side, space.vae.image_shape, scale, rows=side, columns=side)
    if plane is None:
        first, second = sorted(rank_dimensions(rate_per_dimension(space.codes()))[:2]) if size > 2 else (0, 1)
        plane = first, second
    check_plane(plane, size)
    codes = space.codes() if range_.kind == "data" else None
    mean, log_variance = np.zeros((1, size), np.float32), np.zeros((1, size), np.float32)
    latent = mean[0]
    if around is not None:
        mean, log_variance = locate_sources(space.vae, [around], space.codes)
        latent = space.locate([around], at, seed)[0]
        space.give_class_of(around)
    xs, ys = choose_values(
        range_, side, plane, prior=space.prior, mean=mean[0], log_variance=log_variance[0], codes=codes
    )
    images = manifold(space.vae, latent, plane, xs, ys[::-1], progress=space.progress)
    center = "the origin" if around is None else around.caption
    about = "0" if around is None else around.name
    return Picture(
        f"manifold z{plane[0]} to the right, z{plane[1]} upwards, about {about}, {describe_range(range_)}, "
        f"at {at}, seed {seed}{space.given_class}",
        {"images": images, "xs": xs, "ys": ys[::-1], "plane": np.array(plane), "latent": latent},
        make_grid(images.reshape(-1, *images.shape[2:]), side, padding=1),
        notes=(
            f"z{plane[0]} to the right, {xs[0]:.2f} to {xs[-1]:.2f}; z{plane[1]} upwards, {ys[0]:.2f} to {ys[-1]:.2f}; "
            f"about {center}{space.given_class}",
        ),
        labels=Labels([f"{y:.1f}" for y in ys[::-1]], [f"{x:.1f}" for x in xs], padding=1),
    )
