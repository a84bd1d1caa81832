"""What keys and the mouse do about the view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vae_tui.errors import DataError
from vae_tui.walk.classes import find_class
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

    @property
    def class_names(self) -> Sequence[str]:
        """The classes that may be lit up."""
        codes, opened = self._walk.scene.codes, self._walk.opened
        if codes is not None:
            return codes.names
        return () if opened is None else opened.class_names

    @property
    def class_counts(self) -> Sequence[int]:
        """How many codes are of each class; empty while that is not known."""
        codes = self._walk.scene.codes
        return () if codes is None else [int((codes.labels == label).sum()) for label in range(len(codes.names))]

    def light(self, name: str) -> None:
        """Light up the codes of a class, by its name or the beginning of it, and let the others be grey."""
        try:
            self._light(find_class(name, self.class_names))
        except DataError as error:
            self._walk.fail(str(error))

    def light_next(self) -> None:
        """Light up the next class; after the last, all."""
        lit, count = self._walk.views.scatter.lit, len(self.class_names)
        following = 0 if lit is None else lit + 1
        self._light(following if following < count else None)

    def light_all(self) -> None:
        """Let the codes of all classes have their colours."""
        self._light(None)

    def _light(self, label: int | None) -> None:
        walk = self._walk
        if not self.class_names:
            walk.notify("the classes of these images are not known")
            return
        walk.views.scatter.lit = label
        name = "all classes" if label is None else f"class {self.class_names[label]}"
        if label is not None and (counts := self.class_counts):
            name += f": {counts[label]:,} of {sum(counts):,} codes"
        walk.notify(name if walk.views.current is walk.views.scatter else f"{name}; 5 shows the codes", "plain")

    def point_at(self, spot: Spot | None) -> bool:
        """Point at the code whose point is nearest to a place, or at none; whether that is another than before."""
        walk = self._walk
        changed = walk.views.scatter.point_at(walk.scene, spot)
        if changed:
            walk.update()
        return changed

    def go_to_spot(self, spot: Spot) -> None:
        """Go to a place in the plane of the codes."""
        self._walk.go(self._walk.views.scatter.latent_at(self._walk.scene, spot))
