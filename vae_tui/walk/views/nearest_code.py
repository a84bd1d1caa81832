"""The test image whose code is nearest to where one stands, or to where one points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from vae_tui.walk.messages import ShowTestImage, TestImageShown
from vae_tui.walk.paths import Point
from vae_tui.walk.plane import Codes
from vae_tui.walk.views.view import Pixels, Query, Scene


@dataclass(frozen=True, eq=False)
class TestImage:
    """The test image (H, W, C) of that number, and its class, empty where that is not known."""

    __test__ = False

    index: int
    class_name: str
    pixels: Pixels


class NearestCode:
    """Knows which code is nearest at once, and has its image shown, the newest one wanted."""

    def __init__(self) -> None:
        self.shown: TestImage | None = None
        """The newest image there is."""
        self._found: tuple[Codes, Point, int] | None = None
        self._pointed_at: tuple[Point, int] | None = None
        """The code that is pointed at, and where one stood when it was."""
        self._queried: int | None = None

    def index(self, codes: Codes, z: Point) -> int:
        """Which code it is: the one that is pointed at, until one moves, or else the nearest to z (Z,)."""
        if self._pointed_at is not None and np.array_equal(self._pointed_at[0], z):
            return self._pointed_at[1]
        if self._found is None or self._found[0] is not codes or not np.array_equal(self._found[1], z):
            self._found = codes, z, codes.nearest(z)
        return self._found[2]

    def point_at(self, index: int | None, z: Point) -> bool:
        """Point at a code, standing at z (Z,), or with None at none; whether that is another than before."""
        before, self._pointed_at = self._pointed_at, None if index is None else (z, index)
        return (before and before[1]) != index

    def query(self, scene: Scene) -> Query | None:
        """Its image, where that is another one than was queried last."""
        if scene.codes is None or (index := self.index(scene.codes, scene.z)) == self._queried:
            return None
        self._queried = index
        return Query(ShowTestImage(index), partial(self._take, index, scene.codes.class_of(index)))

    def _take(self, index: int, class_name: str, reply: TestImageShown) -> None:
        self.shown = TestImage(index, class_name, reply.image)

    def query_failed(self) -> None:
        """Query it again when it is wanted again."""
        self._queried = None

    def forget(self) -> None:
        """Begin anew: codes are others, and none is pointed at."""
        self.shown, self._found, self._pointed_at, self._queried = None, None, None, None
