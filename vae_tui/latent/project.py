"""The codes of a split, in a plane."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vae_tui.imaging.scatter import draw_scatter
from vae_tui.latent.codes import Codes
from vae_tui.latent.picture import Picture
from vae_tui.latent.projection import Projection, project_dimensions, project_pca, project_tsne
from vae_tui.latent.space import Space
from vae_tui.wording import counted

Kind = Literal["dimensions", "pca", "tsne"]
_SIZE = (840, 720)


def draw_projection(
    space: Space,
    *,
    kind: Kind | None,
    plane: tuple[int, int] | None,
    split: str,
    seed: int,
    scale: int,
) -> Picture:
    """A scatter of a split's codes, coloured by class; its arrays are the codes themselves and their coordinates.

    Without a `kind`: two dimensions where a `plane` is given or there are but two, else the principal components.
    """
    codes = space.codes(split)
    if kind is None:
        kind = "dimensions" if plane is not None or codes.mean.shape[1] == 2 else "pca"
    if kind == "dimensions":
        first, second = plane or (0, 1)
        projection = project_dimensions(codes, first, second)
    elif kind == "pca":
        projection = project_pca(codes)
    else:
        projection = project_tsne(codes, seed=seed, progress=space.progress)
    labels = None if codes.labels is None else codes.labels[projection.indexes]
    count = len(projection.coordinates)
    still = draw_scatter(
        projection.coordinates,
        labels,
        codes.class_names,
        size=(_SIZE[0] * scale, _SIZE[1] * scale),
        title=f"{space.name} · {counted(count, f'{split} image')}",
        axes=projection.axes,
    )
    facts = f"project {split}, {' against '.join(projection.axes[::-1])}, seed {seed}"
    notes = (f"{counted(count, f'{split} image')}, {kind}",)
    return Picture(facts, _arrays(codes, projection), still, notes=notes, is_plot=True)


def _arrays(codes: Codes, projection: Projection) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "mean": codes.mean,
        "log_variance": codes.log_variance,
        "coordinates": projection.coordinates,
        "indexes": projection.indexes,
        "axes": np.array(projection.axes, dtype=np.str_),
        "class_names": np.array(codes.class_names, dtype=np.str_),
    }
    return arrays if codes.labels is None else {**arrays, "labels": codes.labels}
