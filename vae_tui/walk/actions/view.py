"""What keys and the mouse do about the view."""

from __future__ import annotations

import numpy as np

from vae_tui.walk.plane import Spot
from vae_tui.walk.views.view import ViewName
from vae_tui.walk.walk import Walk


class ViewActions:
    """Changes what is seen, and goes to what is pointed at."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    def show(self, name: ViewName) -> None:
        """Change the view."""
        self._walk.views.show(name)
        self._walk.show_known_image()
        self._walk.update()

    def fit(self, area: tuple[int, int] | None, labelled: tuple[int, int] | None = None) -> None:
        """Fit the view into the room there is, height and width in pixels; None: it is not known yet.

        `labelled` is the room beside the labels of a view that has some: as much if not given.
        """
        self._walk.area, self._walk.labelled_area = area, labelled or area
        self._walk.update()

    def vary(self) -> None:
        """Change how the view looks at its subject."""
        self._walk.notify(self._walk.views.vary(self._walk.scene), "plain")
        self._walk.update()

    def next_beneath(self) -> None:
        """Choose what stands beneath each picture."""
        walk = self._walk
        walk.beneath.next_kind(len(walk.z), has_anchor=bool(len(walk.anchors)), has_spread=walk.codebook is None)
        caption = walk.beneath.caption
        walk.notify(f"beneath each picture: {caption}" if caption else "nothing stands beneath the pictures", "plain")
        walk.show_again()

    def zoom(self, factor: float) -> None:
        """Zoom a plane."""
        self._walk.views.current.zoom(self._walk.scene, factor)
        self._walk.update()

    def set_plane(self, first: str, second: str) -> None:
        """Take two axes for map and scatter, by their names, the horizontal one first."""
        self._walk.views.set_plane(first, second)
        self._walk.update()

    def go_to_tile(self, tile: int) -> None:
        """Go to the latent of a picture."""
        tiles = self._walk.views.current.tiles
        if tiles is not None and tile < len(tiles.points):
            self._walk.go(tiles.points[tile])

    def drag(self, right: float, up: float, *, begins: bool) -> None:
        """Move along the map's two axes by shares of what they reach; what one drag does is undone in one step."""
        walk, scene = self._walk, self._walk.scene
        plane = walk.views.plane_of(scene)
        moved = 2 * scene.axes.spans[list(plane)] * np.array([right, up], np.float32)
        x, y = (scene.axes.value(scene.z, axis) for axis in plane)
        if plane[0] == plane[1]:
            z = scene.axes.move(scene.z, plane[0], x + float(moved[0]))
        else:
            z = scene.axes.spread_plane(scene.z, plane, moved[:1] + np.float32(x), moved[1:] + np.float32(y))[0]
        walk.motion.stop()
        if begins:
            walk.position.go(z)
        else:
            walk.position.drift(z)
        walk.moved()

    def go_to_spot(self, spot: Spot) -> None:
        """Go to a place in the plane of the codes."""
        self._walk.go(self._walk.views.scatter.point_at(self._walk.scene, spot))
