"""A map of two axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from vae_tui.walk.paths import Point
from vae_tui.walk.spread import Window, fill_window, pan_to, spread, zoom
from vae_tui.walk.views.plane_choice import PlaneChoice
from vae_tui.walk.views.view import Labels, Scene, Spread, View, ViewName, tile_size

_STEP, _BIG_STEP = 0.025, 0.25
"""Of what is seen, from one side to the other."""


class MapView(View):
    """Images over a window of two axes; the one nearest to the present latent is marked."""

    name: ClassVar[ViewName] = "map"
    needs_area: ClassVar[bool] = True
    is_labelled: ClassVar[bool] = True

    def __init__(self, plane: PlaneChoice) -> None:
        super().__init__()
        self._plane = plane
        self._window: Window | None = None

    def title(self, scene: Scene) -> str:
        """Both axes and their ends."""
        first, second = self._plane.of(scene)
        across, upwards = scene.axes.name(first), scene.axes.name(second)
        left, right, bottom, top = self._seen(scene)
        if first == second:
            return f"{across} → {left:+.1f} … {right:+.1f}, row after row: there is no other dimension"
        return f"{across} → {left:+.1f} … {right:+.1f}   {upwards} ↑ {bottom:+.1f} … {top:+.1f}"

    def captions(self, scene: Scene) -> Sequence[str]:
        """Where the present latent is, and in which row and column."""
        place = ", ".join(
            f"{scene.axes.name(axis)} {scene.axes.value(scene.z, axis):+.2f}"
            for axis in dict.fromkeys(self._plane.of(scene))
        )
        found = self.spread(scene)
        if found is None or found.columns is None or found.mark is None:
            return [place]
        return [f"{place}: row {found.mark // found.columns + 1}, column {found.mark % found.columns + 1}"]

    def spread(self, scene: Scene) -> Spread | None:
        """As many points of the window as fit."""
        if scene.area is None:
            return None
        height, width = scene.area
        tile = tile_size(scene.area) + 1
        rows, columns = max(2, min(20, height // tile)), max(2, min(24, width // tile))
        plane = self._plane.of(scene)
        across, upwards = fill_window(self._seen(scene), rows, columns)
        if plane[0] == plane[1]:
            across = upwards = spread(*self._seen(scene)[:2], rows * columns)
        points = scene.axes.spread_plane(scene.z, plane, across, upwards)
        x, y = (scene.axes.value(scene.z, axis) for axis in plane)
        distance = np.square(across - x) + np.square(upwards - y)
        return Spread(points, columns, int(distance.argmin()))

    def labels(self, scene: Scene) -> Labels | None:
        """The values of both axes."""
        found = self.spread(scene)
        first, second = self._plane.of(scene)
        if found is None or found.columns is None or first == second:
            return None
        rows = scene.axes.values(found.points[:: found.columns], second)
        columns = scene.axes.values(found.points[: found.columns], first)
        return Labels([f"{value:+.2f}" for value in rows], [f"{value:+.2f}" for value in columns])

    def has_cursor(self, scene: Scene) -> bool:
        """Where there are two axes to move along."""
        return len(scene.z) > 1

    def move(self, scene: Scene, right: int, up: int, *, big: bool) -> Point:
        """Change both values; the window follows."""
        window = self._seen(scene)
        left, right_edge, bottom, top = window
        share = _BIG_STEP if big else _STEP
        plane = self._plane.of(scene)
        x, y = (scene.axes.value(scene.z, axis) for axis in plane)
        across, upwards = x + right * share * (right_edge - left), y + up * share * (top - bottom)
        self._window = pan_to(window, (across, upwards))
        spot = np.array([[across], [upwards]], np.float32)
        moved: Point = scene.axes.spread_plane(scene.z, plane, *spot)[0]
        return moved

    def zoom(self, scene: Scene, factor: float) -> None:
        """Around the present latent."""
        x, y = (scene.axes.value(scene.z, axis) for axis in self._plane.of(scene))
        self._window = zoom(self._seen(scene), factor, (x, y))

    def show_all(self) -> None:
        """As far as the prior reaches."""
        self._window = None

    def _seen(self, scene: Scene) -> Window:
        if self._window is not None:
            return self._window
        across, upwards = (float(scene.axes.spans[axis]) for axis in self._plane.of(scene))
        return -across, across, -upwards, upwards
