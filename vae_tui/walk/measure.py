"""What is known of the place whose picture is seen: how probable it is, and how wide the posterior there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from vae_tui.walk.link import DecoderLink
from vae_tui.walk.messages import MeasurePlace, PlaceMeasured
from vae_tui.walk.paths import Point


class PlaceMeasure:
    """The decoder's word on the last place, which it is sent after that was decoded and not with it: pictures must not wait."""

    def __init__(self, link: DecoderLink, failed: Callable[[str], object]) -> None:
        self._link, self._failed = link, failed
        self.found: PlaceMeasured | None = None
        self._found_at: Point | None = None
        self._sent: Point | None = None

    def measure(self, place: Point | None, *, again: bool = False) -> None:
        """Have a place (Z,) measured, unless it was the last one; with `again` even so."""
        if place is None or (not again and _are_equal(place, self._sent)):
            return
        self._sent = place
        self._link.send(MeasurePlace(place), partial(self._take, place), self._failed)

    def _take(self, place: Point, reply: PlaceMeasured) -> None:
        self.found, self._found_at = reply, place

    def deviations_at(self, z: Point) -> Point | None:
        """The posterior's standard deviations (Z,) where z (Z,) is known to be an image's code."""
        return self.found.deviations if self.found is not None and _are_equal(z, self._found_at) else None

    def forget(self) -> None:
        """Let go of what another checkpoint's decoder found."""
        self.found = self._found_at = self._sent = None


def _are_equal(one: Point, other: Point | None) -> bool:
    return other is not None and bool(np.array_equal(one, other))
