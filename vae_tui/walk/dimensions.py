"""The latent dimensions of a walk, the directions through them, how far each reaches, and the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from vae_tui.walk.axes import Axes, Direction
from vae_tui.walk.paths import Latents, Point

_LEAST_SPAN = 3.0
_SPANNED_PERCENT = 99.5


class Dimensions:
    """Directions as they were added, then dimensions in the order of their rates, the highest first; as they are numbered until rates are known."""

    def __init__(self, latent_dim: int, rates: Sequence[float] = ()) -> None:
        self.rates: list[float] = []
        self.order: list[int] = list(range(latent_dim))
        self.chosen = 0
        self._draws: Latents | None = None
        self.axes = Axes(latent_dim, (), self._spans(latent_dim, ()))
        """Sliders, traversals and maps go as far as they reach."""
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
        if latent_dim != self.axes.latent_dim:
            self._draws = None
            self.axes = Axes(latent_dim, (), self._spans(latent_dim, ()))
        if untouched or self.chosen >= len(self.axes):
            self.chosen = self.order[0]

    def reach(self, latent_dim: int, draws: tuple[Latents, Latents] | None) -> None:
        """Reach as far as draws of the prior, middles and noises (M, Z), do; three to each side where it is N(0, I)."""
        self.norms = _norms_of_normal(latent_dim)
        self._draws = None if draws is None else draws[0] + draws[1]
        if self._draws is not None:
            self.norms = np.sort(np.linalg.norm(self._draws, axis=1))
        directions = self.axes.directions
        self.axes = Axes(latent_dim, directions, self._spans(latent_dim, directions))

    @property
    def rows(self) -> list[int]:
        """Every axis, in the order in which they are listed."""
        return [*range(self.axes.latent_dim, len(self.axes)), *self.order]

    def choose(self, rows: int) -> None:
        """Choose the axis so many rows further down, as far as there are any."""
        row = self.rows.index(self.chosen) + rows
        self.chosen = self.rows[min(max(row, 0), len(self.axes) - 1)]

    def add(self, directions: Sequence[Direction]) -> None:
        """Add directions, each in place of one of the same name where there is one, and choose the first of them."""
        kept = {direction.name: direction for direction in self.axes.directions}
        self._hold([*(kept | {direction.name: direction for direction in directions}).values()])
        if directions:
            self.chosen = self.axes.find(directions[0].name) or 0

    def remove_chosen(self) -> Direction | None:
        """Remove the chosen direction, and choose the axis in the next row; None where a dimension is chosen."""
        if not self.axes.is_direction(self.chosen):
            return None
        row = self.rows.index(self.chosen)
        removed = self.axes.directions[self.chosen - self.axes.latent_dim]
        self._hold([direction for direction in self.axes.directions if direction is not removed])
        self.chosen = self.rows[row]
        return removed

    def _hold(self, directions: Sequence[Direction]) -> None:
        latent_dim = self.axes.latent_dim
        self.axes = Axes(latent_dim, directions, self._spans(latent_dim, directions))

    def _spans(self, latent_dim: int, directions: Sequence[Direction]) -> Point:
        """How far from 0 the prior reaches along each axis, (Z + D,)."""
        spans = np.full(latent_dim + len(directions), _LEAST_SPAN, np.float32)
        if self._draws is None:
            return spans
        along = np.stack([direction.vector for direction in directions]) if directions else np.zeros((0, latent_dim))
        places = np.concatenate([self._draws, self._draws @ along.T], axis=1)
        reached = np.percentile(np.abs(places), _SPANNED_PERCENT, axis=0)
        wide: Point = np.maximum(spans, np.ceil(2 * reached) / 2).astype(np.float32)
        return wide


@lru_cache(maxsize=8)
def _norms_of_normal(latent_dim: int) -> Point:
    """The lengths of a thousand draws from N(0, I), rising: square roots of chi-squared ones."""
    norms: Point = np.sort(np.sqrt(np.random.default_rng(0).chisquare(latent_dim, 1000))).astype(np.float32)
    return norms
