"""Going by itself: between anchors, along a dimension or at random, at a signed speed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vae_tui.tui.position import Point
from vae_tui.walk import METHODS, Latents, Method

End = Literal["bounce", "loop"]
Kind = Literal["anchors", "dimension", "random walk"]

FRAMES_PER_SECOND = 10
"""Enough to be seen as motion, little enough for a slow line."""
SPEEDS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Anchors, or units of a dimension, that are passed each second."""


@dataclass(frozen=True)
class Way:
    """Stops (Z,), two at least, in order."""

    stops: Sequence[Point]
    method: Method

    def at(self, place: float, end: End) -> Point:
        """The latent (Z,) at `place`, counted in stops from the first and going on for ever in both directions."""
        count = len(self.stops)
        if end == "bounce":
            legs = count - 1
            folded = place % (2 * legs)
            place = folded if folded <= legs else 2 * legs - folded
            first = min(math.floor(place), legs - 1)
        else:
            place %= count
            first = math.floor(place)
        start, finish = self.stops[first], self.stops[(first + 1) % count]
        point: Point = METHODS[self.method](start, finish, np.array([place - first]))[0]
        return point


@dataclass(frozen=True)
class RandomWalk:
    """From draw to draw of the prior, the same for the same seed, in both directions without end.

    `draws` are middles and noises (M, Z) to choose from, where the prior is not N(0, I); `temperature` scales the noise.
    """

    start: Point
    seed: int
    temperature: float
    draws: tuple[Latents, Latents] | None = None

    def at(self, place: float, end: End) -> Point:
        """The latent (Z,) at `place`, counted in draws; 0 is where it starts."""
        first = math.floor(place)
        point: Point = METHODS["slerp"](self._stop(first), self._stop(first + 1), np.array([place - first]))[0]
        return point

    def _stop(self, number: int) -> Point:
        if number == 0:
            return self.start
        generator = np.random.default_rng([self.seed, abs(number), int(number < 0)])
        if self.draws is None:
            return (generator.standard_normal(len(self.start)) * self.temperature).astype(np.float32)
        middles, noises = self.draws
        row = generator.integers(len(middles))
        stop: Point = (middles[row] + self.temperature * noises[row]).astype(np.float32)
        return stop


def along(z: Point, dimension: int, low: float, high: float) -> Way:
    """Through one dimension from `low` to `high`, a stop at every unit, the others as in z (Z,)."""
    stops = []
    for value in np.linspace(low, high, max(2, round(high - low) + 1)):
        stop = z.copy()
        stop[dimension] = value
        stops.append(stop)
    return Way(stops, "lerp")
