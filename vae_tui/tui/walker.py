"""Who walks: place, chosen dimension, anchors, motion and recording; what keys change and screens show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vae_tui.tui.motion import SPEEDS, End, Kind, RandomWalk, Way, along
from vae_tui.tui.position import Point, Position
from vae_tui.walk import Latents, Method

TEMPERATURES = (0.0, 2.0)
_LEAST_SPAN = 3.0
_SPANNED_PERCENT = 99.5
KINDS: tuple[Kind, ...] = ("anchors", "dimension", "random walk")
LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True)
class Anchor:
    """A place to come back to: the posterior N(mean, exp(log_variance)) of an image, or a point, which has no spread."""

    caption: str
    mean: Point
    log_variance: Point


class Walker:
    """One walk through a space of `latent_dim` dimensions."""

    def __init__(self, latent_dim: int) -> None:
        self.position = Position(latent_dim)
        self.chosen = 0
        self.order: list[int] = list(range(latent_dim))
        self.rates: list[float] = []
        self.seed = 0
        self.temperature = 1.0
        self.epsilon: Point | None = None
        """The draw of N(0, I) that `seed` stands for, once the decoder has told it."""
        self.drawn: tuple[Point, Point] | None = None
        """The draw of the prior that `seed` stands for: its middle, and its noise at temperature 1."""
        self.prior_draws: tuple[Latents, Latents] | None = None
        """Draws of a prior that is not N(0, I): middles and noises (M, Z)."""
        self.spans = np.full(latent_dim, _LEAST_SPAN, np.float32)
        """How far from 0 the prior reaches in each dimension (Z,): sliders, traversals and maps go as far."""
        self.anchors: list[Anchor] = []
        self.at: Literal["mean", "draw"] = "mean"
        self.method: Method = "slerp"
        self.kind: Kind = "anchors"
        self.end: End = "bounce"
        self.speed = 0.5
        self.playing = False
        self.recorded: list[Point] | None = None
        self.recording = False
        self._way: Way | RandomWalk | None = None
        self._progress = 0.0
        """How far along the way one is, in stops."""

    @property
    def z(self) -> Point:
        """The present latent (Z,)."""
        return self.position.z

    def enter(self, latent_dim: int, rates: Sequence[float]) -> None:
        """Take a checkpoint's space: its size, and the rate of each dimension, which gives their order."""
        if latent_dim != len(self.z):
            self.position.resize(latent_dim)
            self.anchors, self.epsilon, self.drawn = [], None, None
            self.recorded, self.recording = None, False
            self.learn_prior(None)
            self.stop()
        self.rates = list(rates)
        self.order = sorted(range(latent_dim), key=lambda dimension: -rates[dimension])
        if self.chosen >= latent_dim:
            self.chosen = self.order[0]

    def learn_prior(self, draws: tuple[Latents, Latents] | None) -> None:
        """Take middles and noises (M, Z) drawn from the checkpoint's prior, or None where it is N(0, I)."""
        self.prior_draws = draws
        self.spans = np.full(len(self.z), _LEAST_SPAN, np.float32)
        if draws is not None:
            reached = np.percentile(np.abs(draws[0] + draws[1]), _SPANNED_PERCENT, axis=0)
            self.spans = np.maximum(self.spans, np.ceil(2 * reached) / 2).astype(np.float32)

    def choose(self, rows: int) -> None:
        """Choose the dimension so many rows further down, as far as there are any."""
        row = self.order.index(self.chosen) + rows
        self.chosen = self.order[min(max(row, 0), len(self.order) - 1)]

    def step(self, by: float) -> None:
        """Move along the chosen dimension."""
        # Rounded, so that ten steps there and ten back are no way at all.
        self.position.set(self.chosen, round(float(self.z[self.chosen]) + by, 4))

    def draw(self) -> None:
        """Stand where the seed's draw is at this temperature; nothing while it is not known."""
        if self.drawn is not None:
            middle, noise = self.drawn
            self.position.go((middle + self.temperature * noise).astype(np.float32), seed=self.seed)

    def warm(self, by: float) -> None:
        """Change the temperature; a place that was drawn moves with it."""
        self.temperature = round(min(max(self.temperature + by, TEMPERATURES[0]), TEMPERATURES[1]), 2)
        if self.position.place.seed == self.seed:
            self.draw()

    def stops(self) -> list[Point]:
        """Where each anchor is: at its mean, or drawn from its posterior, by one epsilon for all."""
        if self.at == "mean" or self.epsilon is None:
            return [anchor.mean for anchor in self.anchors]
        return [
            (anchor.mean + np.exp(0.5 * anchor.log_variance) * self.epsilon).astype(np.float32)
            for anchor in self.anchors
        ]

    def hurry(self, steps: int) -> None:
        """Change the signed speed by steps, through standing still to going backwards."""
        scale = [*(-speed for speed in reversed(SPEEDS)), *SPEEDS]
        self.speed = scale[min(max(scale.index(self.speed) + steps, 0), len(scale) - 1)]

    def play(self) -> str | None:
        """Start going by itself; returns what stands in the way, or None."""
        if self.kind == "anchors":
            stops = self.stops()
            if len(stops) < 2:
                return "two anchors are needed: a adds an image, A where you stand"
            self._way = Way(stops, self.method)
            self._progress = 0.0
        elif self.kind == "dimension":
            span = float(self.spans[self.chosen])
            self._way = along(self.z, self.chosen, -span, span)
            self._progress = min(max(float(self.z[self.chosen]), -span), span) + span
        else:
            self._way = RandomWalk(self.z, self.seed, self.temperature, self.prior_draws)
            self._progress = 0.0
        self.position.go(self._way.at(self._progress, self.end))
        self.playing = True
        return None

    def replan(self) -> None:
        """Take anchors, method and kind of place as they are now, without going back to the start."""
        stops = self.stops()
        if self.playing and self.kind == "anchors" and len(stops) > 1:
            self._way = Way(stops, self.method)

    def stop(self) -> None:
        """Stand still."""
        self.playing, self._way = False, None

    def advance(self, seconds: float) -> None:
        """Go on for a time, where one goes by itself."""
        if self.playing and self._way is not None:
            self._progress += self.speed * seconds
            self.position.drift(self._way.at(self._progress, self.end))

    def record(self) -> None:
        """Take down the place as a frame, where one records."""
        if self.recording and self.recorded is not None:
            self.recorded.append(self.z)

    def path(self) -> Latents | None:
        """The points (N, Z) there are to export: what was recorded, or else the way through the anchors and back."""
        if self.recorded:
            return np.stack(self.recorded)
        stops = self.stops()
        if len(stops) < 2:
            return None
        way, per_leg = Way(stops, self.method), 20
        length = (len(stops) - 1) * 2 if self.end == "bounce" else len(stops)
        return np.stack([way.at(frame / per_leg, self.end) for frame in range(length * per_leg)])
