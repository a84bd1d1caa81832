"""The latent dimensions of a walk: their order, how far each reaches, and the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from vae_tui.walk.paths import Latents, Point

_LEAST_SPAN = 3.0
_SPANNED_PERCENT = 99.5


class Dimensions:
    """Dimensions in the order of their rates, the highest first; as they are numbered until rates are known."""

    def __init__(self, latent_dim: int, rates: Sequence[float] = ()) -> None:
        self.rates: list[float] = []
        self.order: list[int] = list(range(latent_dim))
        self.chosen = 0
        self.spans = np.full(latent_dim, _LEAST_SPAN, np.float32)
        """How far from 0 the prior reaches in each dimension (Z,): sliders, traversals and maps go as far."""
        self.norms = _norms_of_normal(latent_dim)
        """The lengths of draws from the prior, rising (M,)."""
        self.rank(latent_dim, rates)

    def rank(self, latent_dim: int, rates: Sequence[float], *, keep_order: bool = False) -> None:
        """Take the rate of each dimension, in nats; the chosen one stays, unless nobody chose it or it is gone.

        With `keep_order`, each stays in its row too.
        """
        untouched = not self.rates and self.chosen == self.order[0]
        self.rates = list(rates)
        if keep_order and len(self.order) == latent_dim:
            return
        self.order = sorted(range(latent_dim), key=lambda dimension: -rates[dimension] if rates else 0.0)
        if untouched or self.chosen >= latent_dim:
            self.chosen = self.order[0]

    def reach(self, latent_dim: int, draws: tuple[Latents, Latents] | None) -> None:
        """Reach as far as draws of the prior, middles and noises (M, Z), do; three to each side where it is N(0, I)."""
        self.spans = np.full(latent_dim, _LEAST_SPAN, np.float32)
        self.norms = _norms_of_normal(latent_dim)
        if draws is not None:
            self.norms = np.sort(np.linalg.norm(draws[0] + draws[1], axis=1))
            reached = np.percentile(np.abs(draws[0] + draws[1]), _SPANNED_PERCENT, axis=0)
            self.spans = np.maximum(self.spans, np.ceil(2 * reached) / 2).astype(np.float32)

    def choose(self, rows: int) -> None:
        """Choose the dimension so many rows further down, as far as there are any."""
        row = self.order.index(self.chosen) + rows
        self.chosen = self.order[min(max(row, 0), len(self.order) - 1)]


@lru_cache(maxsize=8)
def _norms_of_normal(latent_dim: int) -> Point:
    """The lengths of a thousand draws from N(0, I), rising: square roots of chi-squared ones."""
    norms: Point = np.sort(np.sqrt(np.random.default_rng(0).chisquare(latent_dim, 1000))).astype(np.float32)
    return norms
