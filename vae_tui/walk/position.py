"""The present place in latent space, and every place before it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from vae_tui.walk.paths import Point
from vae_tui.walk.shares import Shares

_MOST = 10_000
"""Places that can be gone back to: a key that is stuck leaves thousands a minute."""


@dataclass(frozen=True)
class Place:
    """A latent `z` (Z,), and where it is from: the `seed` it was drawn with, or None, and `shares` (K + 1,) of images' classes."""

    z: Point
    seed: int | None = None
    shares: Shares | None = None


class Position:
    """The present place, with undo and redo of the last 10,000."""

    def __init__(self, latent_dim: int) -> None:
        self.place = Place(np.zeros(latent_dim, np.float32))
        self._before: deque[Place] = deque(maxlen=_MOST)
        self._after: deque[Place] = deque(maxlen=_MOST)

    @property
    def z(self) -> Point:
        """The present latent (Z,)."""
        return self.place.z

    @property
    def undo_count(self) -> int:
        """How many places can be gone back to."""
        return len(self._before)

    @property
    def redo_count(self) -> int:
        """How many places that were undone can be gone forward to."""
        return len(self._after)

    def go(self, z: Point, *, seed: int | None = None) -> bool:
        """Go to a latent (Z,), so that it can be undone; False where that is the present one already."""
        if np.array_equal(z, self.z) and seed == self.place.seed:
            return False
        self._before.append(self.place)
        self._after.clear()
        self.drift(z, seed=seed)
        return True

    def drift(self, z: Point, *, seed: int | None = None) -> None:
        """Go on to a latent (Z,) as part of the last step, as an animation does; classes stay."""
        self.place = Place(z.astype(np.float32, copy=True), seed, self.place.shares)

    def give(self, shares: Shares | None) -> None:
        """Give the present place shares of classes (K + 1,), or take them away."""
        self.place = replace(self.place, shares=shares)

    def set(self, dimension: int, value: float) -> bool:
        """Change one dimension; False where it has that value already."""
        z = self.z.copy()
        z[dimension] = value
        return self.go(z)

    def undo(self) -> bool:
        """Go back a step; False where there is none."""
        if not self._before:
            return False
        self._after.append(self.place)
        self.place = self._before.pop()
        return True

    def redo(self) -> bool:
        """Go forward a step that was undone; False where there is none."""
        if not self._after:
            return False
        self._before.append(self.place)
        self.place = self._after.pop()
        return True

    def resize(self, latent_dim: int) -> None:
        """Go over to a space of another size: shared dimensions stay as they are, in every place that can be undone too."""

        def fit(place: Place) -> Place:
            z = np.zeros(latent_dim, np.float32)
            shared = min(latent_dim, len(place.z))
            z[:shared] = place.z[:shared]
            return replace(place, z=z)

        self.place = fit(self.place)
        self._before = deque(map(fit, self._before), _MOST)
        self._after = deque(map(fit, self._after), _MOST)
