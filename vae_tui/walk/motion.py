"""Motion: between anchors, along a dimension or at random, at a signed speed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from vae_tui.walk.axes import Axes
from vae_tui.walk.paths import METHODS, Latents, Method, Point
from vae_tui.walk.shares import Shares

End = Literal["bounce", "loop"]
Kind = Literal["anchors", "dimension", "random walk"]
KINDS: tuple[Kind, ...] = get_args(Kind)

FRAMES_PER_SECOND = 10
"""Enough to be seen as motion, little enough for a slow line."""
SPEEDS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Anchors, or units of a dimension, that are passed each second."""


@dataclass(frozen=True)
class Route:
    """Stops (Z,), two at least, in order, and how much of each class each of them is, (stops, K + 1), where that is known."""

    stops: Sequence[Point]
    method: Method
    shares: Shares | None = None

    def at(self, place: float, end: End) -> Point:
        """The latent (Z,) at `place`, counted in stops from the first and going on for ever in both directions."""
        first, following, share = self._leg(place, end)
        point: Point = METHODS[self.method](self.stops[first], self.stops[following], np.array([share]))[0]
        return point

    def shares_at(self, place: float, end: End) -> Shares | None:
        """How much of each class (K + 1,) there, which changes evenly from stop to stop."""
        if self.shares is None:
            return None
        first, following, share = self._leg(place, end)
        mixed: Shares = METHODS["lerp"](self.shares[first], self.shares[following], np.array([share]))[0]
        return mixed

    def _leg(self, place: float, end: End) -> tuple[int, int, float]:
        """Between which stops a place is, and which share of the way."""
        count = len(self.stops)
        if end == "bounce":
            legs = count - 1
            folded = place % (2 * legs)
            place = folded if folded <= legs else 2 * legs - folded
            first = min(math.floor(place), legs - 1)
        else:
            place %= count
            first = math.floor(place)
        return first, (first + 1) % count, place - first


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


def along(z: Point, axes: Axes, axis: int, low: float, high: float) -> Route:
    """Along one axis from `low` to `high`, a stop at every unit, across it as z (Z,) is."""
    values = np.linspace(low, high, max(2, round(high - low) + 1), dtype=np.float32)
    return Route(list(axes.spread(z, axis, values)), "lerp")


class Motion:
    """How one goes by itself: what to play, how fast, how a route ends, and how far along it one is."""

    def __init__(self) -> None:
        self.kind: Kind = "anchors"
        self.method: Method = "slerp"
        self.end: End = "bounce"
        self.speed = 0.5
        self._route: Route | RandomWalk | None = None
        self._progress = 0.0
        """How far along the route one is, in stops."""

    @property
    def playing(self) -> bool:
        """Whether one goes by itself."""
        return self._route is not None

    @property
    def shares(self) -> Shares | None:
        """How much of each class (K + 1,) there is where one is; None where the route has none of its own."""
        return self._route.shares_at(self._progress, self.end) if isinstance(self._route, Route) else None

    def next_kind(self) -> None:
        """Play through anchors, along a dimension, or at random."""
        self.kind = KINDS[(KINDS.index(self.kind) + 1) % len(KINDS)]

    def toggle_method(self) -> None:
        """Take straight lines or arcs between anchors."""
        self.method = "lerp" if self.method == "slerp" else "slerp"

    def toggle_end(self) -> None:
        """Bounce at the end of a route, or begin again."""
        self.end = "loop" if self.end == "bounce" else "bounce"

    def change_speed(self, steps: int) -> None:
        """Change the signed speed by steps, through slow to backwards."""
        scale = [*(-speed for speed in reversed(SPEEDS)), *SPEEDS]
        self.speed = scale[min(max(scale.index(self.speed) + steps, 0), len(scale) - 1)]

    def start(self, route: Route | RandomWalk, progress: float = 0.0) -> Point:
        """Start on a route, so many stops after its first; returns the latent (Z,) there."""
        self._route, self._progress = route, progress
        return route.at(progress, self.end)

    def reroute(self, route: Route) -> None:
        """Go on along another route, as far along it as one was."""
        if self.playing:
            self._route = route

    def stop(self) -> None:
        """Stop."""
        self._route = None

    def advance(self, seconds: float) -> Point | None:
        """Go on for a time; returns the latent (Z,) that is reached, None where one does not play."""
        if self._route is None:
            return None
        self._progress += self.speed * seconds
        return self._route.at(self._progress, self.end)
