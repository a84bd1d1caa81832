"""Which class a conditional VAE decodes as: one that was chosen for all, or at and between images their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vae_tui.walk.messages import NO_CLASS, CheckpointOpened
from vae_tui.walk.shares import Shares, describe_shares, share_of


class ClassChoice:
    """What stands for a class in requests: None where the decoder goes by the class that it was opened as."""

    def __init__(self) -> None:
        self.wanted: int | None = None
        """The class for all, -1 for none; None: its own for each image, and elsewhere what the model begins with."""
        self._opened: CheckpointOpened | None = None

    def enter(self, opened: CheckpointOpened) -> None:
        """Take the classes of a checkpoint."""
        self._opened = opened

    @property
    def given(self) -> Shares | None:
        """What is decoded of no class of its own, (K + 1,); None of a model that is given none."""
        if self._opened is None or self._opened.class_given is None:
            return None
        return share_of(self._opened.class_given, len(self._opened.class_names))

    def own(self, class_index: int) -> Shares | None:
        """All of an image's class, (K + 1,); None of a model that is given none."""
        given = self.given
        return None if given is None else share_of(class_index, len(given) - 1)

    def to_send(self, shares: Shares | None) -> Shares | None:
        """Those of a place (K + 1,), unless they do not count: there are none, one class is for all, or the model has others."""
        given = self.given
        if shares is None or given is None or self.wanted is not None or len(shares) != len(given):
            return None
        return shares

    def rows_to_send(self, shares: Sequence[Shares | None]) -> Shares | None:
        """Those of several places, (N, K + 1), if any has some."""
        counting, given = [self.to_send(one) for one in shares], self.given
        if given is None or all(one is None for one in counting):
            return None
        return np.stack([given if one is None else one for one in counting])

    def choices(self, *, own: bool) -> list[int | None]:
        """What there is to choose, one after the other: every class, none where that is known, with `own` each image's own."""
        if self._opened is None or self._opened.class_given is None:
            return []
        none = [NO_CLASS] if self._opened.knows_no_class else []
        return [*range(len(self._opened.class_names)), *none, *([None] if own else [])]

    def describe(self, shares: Shares | None = None) -> str:
        """As what a place with these shares (K + 1,) is decoded, in words; empty for a model that is given no class."""
        shown = self.to_send(shares)
        shown = self.given if shown is None else shown
        return "" if shown is None or self._opened is None else describe_shares(shown, self._opened.class_names)
