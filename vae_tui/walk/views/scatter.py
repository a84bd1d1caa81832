"""The codes of the test images in a plane, by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from vae_tui.walk.messages import Project, Projected
from vae_tui.walk.paths import Latents, Point
from vae_tui.walk.plane import CodePlane, Codes, PlaneMethod, Spot, look_along
from vae_tui.walk.spread import Window, pan_to, zoom
from vae_tui.walk.views.nearest_code import NearestCode
from vae_tui.walk.views.plane_choice import PlaneChoice
from vae_tui.walk.views.view import Query, Scene, View, ViewName

_METHODS: tuple[PlaneMethod, ...] = get_args(PlaneMethod)
_CAPTIONS: dict[PlaneMethod, str] = {"dimensions": "two axes", "pca": "PCA", "tsne": "t-SNE"}
_STEP, _BIG_STEP = 0.02, 0.1
"""Of what is seen, from one side to the other."""


@dataclass(frozen=True)
class Dots:
    """Points (M, 2) of classes `labels` (M,), -1 for none, to be drawn in a window, and a cursor."""

    points: NDArray[np.float32]
    labels: NDArray[np.int64]
    names: Sequence[str]
    window: Window
    cursor: Spot
    numbered: bool
    """Whether coordinates mean something: those of t-SNE do not."""
    lit: int | None = None
    """The class that is lit up."""

    def stands_like(self, other: Dots) -> bool:
        """Whether the same points are lit up and seen at the same places, wherever the cursors are."""
        same = self.points is other.points and self.window == other.window
        return same and (self.numbered, self.lit) == (other.numbered, other.lit)


class ScatterView(View):
    """Codes along two axes, by PCA or by t-SNE; a cursor moves in the plane, or among the codes."""

    name: ClassVar[ViewName] = "scatter"
    has_beneath: ClassVar[bool] = False

    def __init__(self, plane: PlaneChoice) -> None:
        super().__init__()
        self._plane_choice = plane
        self._method: PlaneMethod | None = None
        self._planes: dict[PlaneMethod, CodePlane] = {}
        self._queried: PlaneMethod | None = None
        self._window: Window | None = None
        self.nearest = NearestCode()
        self.lit: int | None = None
        """The class that is lit up."""

    def title(self, scene: Scene) -> str:
        """What the axes are."""
        plane = self._plane(scene)
        if plane is None:
            return "test codes"
        across, upwards = (axis.replace(" of the variance", "") for axis in plane.axes)
        return f"test codes   {across} →   {upwards} ↑"

    def dots(self, scene: Scene) -> Dots | None:
        """What there is to draw; None while codes or plane are not known."""
        plane = self._plane(scene)
        if plane is None or scene.codes is None:
            return None
        labels = scene.codes.labels[plane.indexes]
        numbered = self._method_for(scene) != "tsne"
        seen, cursor = self._seen(plane), plane.place(scene.z)
        return Dots(plane.points, labels, scene.codes.names, seen, cursor, numbered, self.lit)

    def captions(self, scene: Scene) -> Sequence[str]:
        """Where the cursor is, and which code is nearest to it, or pointed at."""
        plane = self._plane(scene)
        if plane is None or scene.codes is None:
            return [""]
        across, upwards = plane.place(scene.z)
        nearest = scene.codes.caption(self.nearest.index(scene.codes, scene.z))
        return [f"cursor at {across:+.2f} {upwards:+.2f}", f"near {nearest}"]

    def point_at(self, scene: Scene, spot: Spot | None) -> bool:
        """Point at the code, of those that are lit up, whose point is nearest to a place, or with None at none.

        Returns whether that is another code than before.
        """
        plane, index = self._plane(scene), None
        if spot is not None and plane is not None and scene.codes is not None:
            labels = scene.codes.labels[plane.indexes]
            index = plane.nearest(spot, np.full(len(labels), True) if self.lit is None else labels == self.lit)
        return self.nearest.point_at(index, scene.z)

    def needs_codes(self, scene: Scene) -> bool:
        """Always."""
        return scene.codes is None

    def query(self, scene: Scene) -> Query | None:
        """The plane of the codes, where it is not one of two dimensions, and then the image of the nearest one."""
        method = self._method_for(scene)
        if self._plane(scene) is not None:
            return self.nearest.query(scene)
        if scene.codes is None or method == self._queried:
            return None
        self._queried = method
        return Query(Project(method), partial(self._take, method, scene.codes))

    def _take(self, method: PlaneMethod, codes: Codes, reply: Projected) -> None:
        self._planes[method] = CodePlane(
            reply.coordinates, reply.indexes, reply.axes, codes.means, reply.origin, reply.directions
        )
        self._window, self._queried = None, None

    def has_cursor(self, scene: Scene) -> bool:
        """Where there are two dimensions to move in."""
        return len(scene.z) > 1

    def move(self, scene: Scene, right: int, up: int, *, big: bool) -> Point:
        """Move in the plane; the window follows."""
        plane = self._plane(scene)
        if plane is None:
            return scene.z
        window, share = self._seen(plane), _BIG_STEP if big else _STEP
        x, y = plane.place(scene.z)
        spot = x + right * share * (window[1] - window[0]), y + up * share * (window[3] - window[2])
        z = _lift_at_least(plane, scene.z, spot, right, up)
        self._window = pan_to(window, plane.place(z))
        return z

    def latent_at(self, scene: Scene, spot: Spot) -> Point:
        """The latent (Z,) at a place of the plane."""
        plane = self._plane(scene)
        return scene.z if plane is None else plane.lift(spot, scene.z)

    def zoom(self, scene: Scene, factor: float) -> None:
        """Around the cursor."""
        if (plane := self._plane(scene)) is not None:
            self._window = zoom(self._seen(plane), factor, plane.place(scene.z))

    def show_all(self) -> None:
        """All codes but the outermost."""
        self._window = None

    def show_plane(self) -> None:
        """Show the codes along the two axes that are chosen."""
        self._method = "dimensions"
        self.forget_axes()

    def forget_axes(self) -> None:
        """Look along the axes as they are now."""
        if self._planes.pop("dimensions", None) is not None:
            self._window = None

    def vary(self, scene: Scene) -> str:
        """Bring the codes to the plane in the next way."""
        if len(scene.z) < 2:
            return "codes along a line: there is one latent dimension"
        method = _METHODS[(_METHODS.index(self._method_for(scene)) + 1) % len(_METHODS)]
        self._method, self._window, self._queried = method, None, None
        return f"codes by {_CAPTIONS[method]}"

    def query_failed(self) -> None:
        """Query again when it is wanted again."""
        self._queried = None
        self.nearest.query_failed()

    def forget_checkpoint(self) -> None:
        """The planes are of other codes."""
        super().forget_checkpoint()
        self._planes, self._window, self._queried = {}, None, None
        self.nearest.forget()

    def _method_for(self, scene: Scene) -> PlaneMethod:
        return self._method or ("dimensions" if len(scene.z) == 2 else "pca")

    def _plane(self, scene: Scene) -> CodePlane | None:
        method = self._method_for(scene)
        if method == "dimensions" and scene.codes is not None and method not in self._planes:
            self._planes[method] = look_along(scene.codes, scene.axes, *self._plane_choice.of(scene))
        return self._planes.get(method)

    def _seen(self, plane: CodePlane) -> Window:
        return self._window or plane.window()


def _lift_at_least(plane: CodePlane, z: Point, spot: Spot, right: int, up: int) -> Point:
    """The latent at a spot; among codes alone, at least the next one that lies in the direction of the step."""
    lifted = plane.lift(spot, z)
    if plane.directions is not None or not np.array_equal(lifted, plane.lift(plane.place(z), z)):
        return lifted
    offsets: Latents = plane.points - np.array(plane.place(z), np.float32)
    ahead = offsets @ np.array([right, up], np.float32)
    aside = np.abs(offsets @ np.array([up, right], np.float32))
    reach = np.where((ahead > 1e-6) & (aside <= ahead), np.square(offsets).sum(axis=1), np.inf)
    best = int(reach.argmin())
    found: Point = plane.means[plane.indexes[best]] if np.isfinite(reach[best]) else lifted
    return found
