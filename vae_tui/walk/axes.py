"""What one walks along: latent dimensions, and directions through them, which have names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_tui.walk.paths import Latents, Point

FARTHEST = 1000
"""So far from 0 along an axis one can go, and a place in a bookmark can be."""
_KINDS = "pca", "class", "jacobian", "line"
"""What the names of directions begin with."""


def split_names(text: str) -> list[str]:
    """The names of directions in a text, with commas or spaces between them; those of classes may have spaces of their own."""
    names = re.split(rf"\s*,\s*|\s+(?=(?:{'|'.join(_KINDS)}):)", text.strip())
    return [name for name in names if name]


@dataclass(frozen=True, eq=False)
class Direction:
    """A unit vector (Z,) with a name, such as "pca:1"; `note` says how much it is of, in a word or two."""

    name: str
    vector: Point
    note: str = ""

    def shorten(self, width: int) -> str:
        """The name in so many letters: if it is too long what it is of, such as "4-9" of "class:4-9"."""
        kind, _, rest = self.name.partition(":")
        short = rest if kind in ("class", "line") else f"{kind[:3]}:{rest}"
        return next((text for text in (self.name, short) if len(text) <= width), f"{short[: width - 1]}…")


class Axes:
    """Latent dimensions, 0 to Z - 1, and after them directions.

    A place's value along a direction is its product with that unit vector, as it is along a dimension. `spans` says how far
    the prior reaches along each axis to both sides of 0.
    """

    def __init__(self, latent_dim: int, directions: Sequence[Direction], spans: NDArray[np.float32]) -> None:
        """`spans` is (Z + D,)."""
        self.latent_dim, self.directions, self.spans = latent_dim, tuple(directions), spans

    def __len__(self) -> int:
        """How many there are."""
        return self.latent_dim + len(self.directions)

    def is_direction(self, axis: int) -> bool:
        """Whether an axis is no dimension."""
        return axis >= self.latent_dim

    def name(self, axis: int, width: int = 1000) -> str:
        """What an axis is called; a direction in so many letters."""
        return self.directions[axis - self.latent_dim].shorten(width) if self.is_direction(axis) else f"z{axis}"

    def find(self, name: str) -> int | None:
        """The axis of that name; None where there is none."""
        return next((axis for axis in range(len(self)) if self.name(axis) == name), None)

    def vector(self, axis: int) -> Point:
        """The unit vector (Z,) of an axis."""
        if self.is_direction(axis):
            return self.directions[axis - self.latent_dim].vector
        unit = np.zeros(self.latent_dim, np.float32)
        unit[axis] = 1
        return unit

    def value(self, z: Point, axis: int) -> float:
        """Where a latent (Z,) is along an axis."""
        return float(z[axis] if not self.is_direction(axis) else (z * self.vector(axis)).sum())

    def values(self, points: Latents, axis: int) -> NDArray[np.float32]:
        """Where each of the points (N, Z) is along an axis, (N,)."""
        found: NDArray[np.float32] = points @ self.vector(axis) if self.is_direction(axis) else points[:, axis]
        return found

    def deviation(self, deviations: Point, axis: int) -> float:
        """The standard deviation along an axis of what has these (Z,) along the dimensions, each by itself."""
        return float(np.sqrt(np.square(self.vector(axis) * deviations).sum()))

    def move(self, z: Point, axis: int, value: float) -> Point:
        """The latent (Z,) with another value along an axis, and as before across it."""
        moved: Point = self.spread(z, axis, np.array([value], np.float32))[0]
        return moved

    def spread(self, z: Point, axis: int, values: NDArray[np.float32]) -> Latents:
        """The latent (Z,) at each of the values (V,) along an axis: (V, Z)."""
        points = np.tile(z, (len(values), 1))
        if self.is_direction(axis):
            points += np.outer(values - np.float32(self.value(z, axis)), self.vector(axis)).astype(np.float32)
        else:
            points[:, axis] = values
        return points

    def spread_plane(
        self, z: Point, plane: tuple[int, int], across: NDArray[np.float32], upwards: NDArray[np.float32]
    ) -> Latents:
        """The latent (Z,) at each pair (N,) of values along two axes, moved no further than that takes: (N, Z)."""
        vectors = np.stack([self.vector(axis) for axis in plane])
        moved = np.stack([across - self.value(z, plane[0]), upwards - self.value(z, plane[1])], axis=1)
        points: Latents = (z + moved @ np.linalg.pinv(vectors).T).astype(np.float32)
        for axis, values in zip(plane, (across, upwards), strict=True):
            if not self.is_direction(axis):
                points[:, axis] = values  # to the bit
        return points
