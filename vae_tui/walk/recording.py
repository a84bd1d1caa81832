"""The frames of a walk, taken while one walks."""

from __future__ import annotations

from vae_tui.walk.paths import Point
from vae_tui.walk.shares import Shares

MOST_FRAMES = 36_000


class Recording:
    """The places (Z,) that were passed since it began; they stay when it ends, until another begins.

    It ends by itself after 36,000 frames, twenty minutes of an animation.
    """

    def __init__(self) -> None:
        self.frames: list[Point] = []
        self.shares: list[Shares | None] = []
        """How much of each class each is decoded as."""
        self.active = False

    def begin(self, z: Point, shares: Shares | None = None) -> None:
        """Begin anew with the present place."""
        self.active, self.frames, self.shares = True, [z], [shares]

    def end(self) -> None:
        """Take no more frames."""
        self.active = False

    def add(self, z: Point, shares: Shares | None = None) -> None:
        """Take a frame, where a recording is going on."""
        if self.active:
            self.frames.append(z)
            self.shares.append(shares)
            self.active = len(self.frames) < MOST_FRAMES

    def clear(self) -> None:
        """End it, with no frame left."""
        self.active, self.frames, self.shares = False, [], []
