"""Codes seen in a plane, and the way between the plane and latent space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vae_tui.walk.axes import Axes
from vae_tui.walk.paths import Latents, Point
from vae_tui.walk.spread import Window

PlaneMethod = Literal["dimensions", "pca", "tsne"]
"""How codes are brought to a plane."""
Spot = tuple[float, float]
"""A place in a plane: across, upwards."""


@dataclass(frozen=True)
class Codes:
    """Posterior means (M, Z) of the test images, and their classes (M,), -1 for none."""

    means: Latents
    labels: NDArray[np.int64]
    names: Sequence[str]

    def ends(self, axes: Axes, axis: int) -> tuple[float, float]:
        """The least and the greatest value along an axis, but for one code in two hundred at either end."""
        low, high = np.percentile(axes.values(self.means, axis), [0.5, 99.5]).tolist()
        return low, high

    def nearest(self, z: Point) -> int:
        """The index of the code nearest to z (Z,), the first of several."""
        return int(np.square(self.means - z).sum(axis=1).argmin())

    def next_of(self, label: int, after: int) -> int | None:
        """The index of the next code of a class after another, from the first again after the last; None of a class without codes."""
        members = np.flatnonzero(self.labels == label)
        if not len(members):
            return None
        return int(members[int(np.searchsorted(members, after, side="right")) % len(members)])

    def class_of(self, index: int) -> str:
        """The class of a code's image; empty where it is not known."""
        label = int(self.labels[index])
        return self.names[label] if label >= 0 else ""

    def caption(self, index: int) -> str:
        """What the image of a code is called."""
        name = self.class_of(index)
        return f"test {index:,} ({name})" if name else f"test {index:,}"


@dataclass(frozen=True)
class CodePlane:
    """Codes as points (M, 2); `indexes` says which code each is.

    `directions`, two unit vectors (2, Z), and `origin` (Z,) lead back to latent space; without them, as for t-SNE, only the
    codes themselves can be gone to.
    """

    points: NDArray[np.float32]
    indexes: NDArray[np.int64]
    axes: tuple[str, str]
    means: Latents
    origin: Point | None = None
    directions: Latents | None = None

    def window(self) -> Window:
        """What is seen of the plane at first: all of it but a hundredth at each side, and a margin."""
        low, high = np.percentile(self.points, [0.5, 99.5], axis=0)
        margin = np.maximum((high - low) * 0.08, 1e-3)
        (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
        return left, right, bottom, top

    def place(self, z: Point) -> Spot:
        """Where z (Z,) is in the plane; for t-SNE, where the code nearest to it is."""
        if self.origin is not None and self.directions is not None:
            # Not by BLAS, which may warn of what it reads beside vectors as short as these.
            x, y = (self.directions * (z - self.origin)).sum(1).tolist()
        else:
            nearest = int(np.square(self.means[self.indexes] - z).sum(axis=1).argmin())
            x, y = self.points[nearest].tolist()
        return x, y

    def nearest(self, spot: Spot, among: NDArray[np.bool_]) -> int | None:
        """The index of the code whose point is nearest to a place, of those `among` (M,) says; None where it says none."""
        points = np.where(among[:, None], self.points, np.inf)
        nearest = int(np.square(points - np.array(spot, np.float32)).sum(axis=1).argmin())
        return int(self.indexes[nearest]) if among[nearest] else None

    def lift(self, spot: Spot, z: Point) -> Point:
        """The z (Z,) at a place, what the plane does not show left as it is; for t-SNE, the code nearest to it."""
        if self.directions is not None:
            moved = np.array(spot, np.float32) - np.array(self.place(z), np.float32)
            lifted: Point = (z + np.linalg.pinv(self.directions) @ moved).astype(np.float32)
            return lifted
        nearest = int(np.square(self.points - np.array(spot, np.float32)).sum(axis=1).argmin())
        code: Point = self.means[self.indexes[nearest]]
        return code


def look_along(codes: Codes, axes: Axes, first: int, second: int) -> CodePlane:
    """The codes seen along two axes."""
    return CodePlane(
        np.stack([axes.values(codes.means, axis) for axis in (first, second)], axis=1),
        np.arange(len(codes.means)),
        (axes.name(first), axes.name(second)),
        codes.means,
        np.zeros(axes.latent_dim, np.float32),
        np.stack([axes.vector(first), axes.vector(second)]),
    )
