"""Draws from the prior: by which seed, at which temperature."""

from __future__ import annotations

import numpy as np

from vae_tui.walk.messages import PriorDrawn
from vae_tui.walk.paths import Latents, Point

TEMPERATURES = (0.0, 2.0)


class PriorDraws:
    """The seed, what it stands for once the decoder has drawn it, and the temperature, which scales the noise."""

    def __init__(self) -> None:
        self.seed = 0
        self.temperature = 1.0
        self.drawn: PriorDrawn | None = None
        """What the seed stands for; what another seed stood for until that is known."""
        self.samples: tuple[Latents, Latents] | None = None
        """Draws of a prior that is not N(0, I): middles and noises (M, Z)."""

    @property
    def point(self) -> Point | None:
        """The draw (Z,) at this temperature, once it is known."""
        if self.drawn is None:
            return None
        point: Point = (self.drawn.middle + self.temperature * self.drawn.noise).astype(np.float32)
        return point

    @property
    def epsilon(self) -> Point | None:
        """The draw (Z,) of N(0, I), once it is known."""
        return None if self.drawn is None else self.drawn.epsilon

    def change_temperature(self, by: float) -> None:
        """Make draws warmer or cooler, within what makes sense."""
        self.temperature = round(min(max(self.temperature + by, TEMPERATURES[0]), TEMPERATURES[1]), 2)
