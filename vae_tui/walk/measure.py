"""What is known of the place whose picture is seen: how probable it is, and how wide the posterior there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from vae_tui.walk.link import DecoderLink
from vae_tui.walk.messages import MeasurePlace, PlaceMeasured
from vae_tui.walk.paths import Point
from vae_tui.walk.shares import Shares


class PlaceMeasure:
    """The decoder's word on the last place, which it is sent after that was decoded and not with it: pictures must not wait."""

    def __init__(self, link: DecoderLink, failed: Callable[[str], object]) -> None:
        self._link, self._failed = link, failed
        self.found: PlaceMeasured | None = None
        self._found_at: Point | None = None
        self._sent: MeasurePlace | None = None

    def measure(self, place: Point, shares: Shares | None) -> None:
        """Have a place (Z,) measured that was decoded as of these shares (K + 1,) of classes, unless it was the last one."""
        last = self._sent
        if last is None or not _are_equal(place, last.point) or not _are_equal(shares, last.shares):
            self._sent = MeasurePlace(place, shares)
            self.measure_again()

    def measure_again(self) -> None:
        """Have the last place measured again, as more may be known of it."""
        if (request := self._sent) is not None:
            self._link.send(request, partial(self._take, request.point), self._failed)

    def _take(self, place: Point, reply: PlaceMeasured) -> None:
        self.found, self._found_at = reply, place

    def deviations_at(self, z: Point) -> Point | None:
        """The posterior's standard deviations (Z,) where z (Z,) is known to be an image's code."""
        return self.found.deviations if self.found is not None and _are_equal(z, self._found_at) else None

    def forget(self) -> None:
        """Let go of what another checkpoint's decoder found."""
        self.found = self._found_at = self._sent = None


def _are_equal(one: Point | None, other: Point | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.array_equal(one, other))
