"""Anchors: places to come back to, and to walk between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vae_tui.walk.paths import Point
from vae_tui.walk.shares import Shares

LETTERS = "ABCDEFGHIJ"
"""What anchors are called, in order."""


@dataclass(frozen=True)
class Anchor:
    """The posterior N(mean, exp(log_variance)) of an image, both (Z,), or a point, which has no spread: -inf."""

    caption: str
    mean: Point
    log_variance: Point
    source: str = ""
    """What it was typed as."""
    shares: Shares | None = None
    """Of a conditional VAE: the class that it is decoded as."""


class Anchors:
    """Anchors in order, each at its mean or at a draw from its posterior."""

    def __init__(self) -> None:
        self._anchors: list[Anchor] = []
        self.at: Literal["mean", "draw"] = "mean"
        self._next = 0

    def __len__(self) -> int:
        """How many there are."""
        return len(self._anchors)

    @property
    def are_full(self) -> bool:
        """Whether there is no letter left."""
        return len(self._anchors) >= len(LETTERS)

    @property
    def letters(self) -> str:
        """What they are called."""
        return LETTERS[: len(self._anchors)]

    @property
    def captions(self) -> Sequence[str]:
        """What each is called, its letter first."""
        return [f"{LETTERS[index]} {anchor.caption}" for index, anchor in enumerate(self._anchors)]

    def add(self, anchor: Anchor) -> None:
        """Add one at the end."""
        self._anchors.append(anchor)

    def remove_last(self) -> bool:
        """Remove the last one; False where there is none."""
        if not self._anchors:
            return False
        self._anchors.pop()
        return True

    def clear(self) -> None:
        """Remove all."""
        self._anchors.clear()

    def toggle_at(self) -> None:
        """Take them at their means, or drawn from their posteriors."""
        self.at = "draw" if self.at == "mean" else "mean"

    def stops(self, epsilon: Point | None) -> list[Point]:
        """Where each anchor (Z,) is; drawn ones by one `epsilon` (Z,) for all, at their means while it is not known."""
        if self.at == "mean" or epsilon is None:
            return [anchor.mean for anchor in self._anchors]
        return [
            (anchor.mean + np.exp(0.5 * anchor.log_variance) * epsilon).astype(np.float32) for anchor in self._anchors
        ]

    @property
    def shares(self) -> list[Shares | None]:
        """As what class each is decoded."""
        return [anchor.shares for anchor in self._anchors]

    def source_at(self, z: Point) -> str:
        """What the anchor whose mean is z (Z,) was typed as; empty where there is none."""
        return next((anchor.source for anchor in self._anchors if np.array_equal(anchor.mean, z)), "")

    def image_for(self, z: Point) -> str:
        """What the image was typed as whose anchor is at z (Z,), or else the last one; empty where there is none."""
        typed = [anchor for anchor in self._anchors if anchor.source and not anchor.source.startswith("mean:")]
        here = [anchor for anchor in typed if np.array_equal(anchor.mean, z)]
        return (here or typed)[-1].source if typed else ""

    def begin_round(self) -> None:
        """Let the first anchor be the next one."""
        self._next = 0

    def next_index(self) -> int:
        """The index of one anchor after the other, from the first again after the last."""
        index = self._next % len(self._anchors)
        self._next = index + 1
        return index
