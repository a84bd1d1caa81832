"""The seven views, of which one is seen."""

from __future__ import annotations

from vae_tui.walk.views.codes import CodesView
from vae_tui.walk.views.image import ImageView
from vae_tui.walk.views.map import MapView
from vae_tui.walk.views.neighbors import NeighborsView
from vae_tui.walk.views.plane_choice import PlaneChoice
from vae_tui.walk.views.scatter import ScatterView
from vae_tui.walk.views.strip import StripView
from vae_tui.walk.views.table import TableView
from vae_tui.walk.views.traversal import TraversalRange
from vae_tui.walk.views.view import Scene, View, ViewName


class Views:
    """Strip and table go over one range; map and scatter show one pair of axes."""

    def __init__(self) -> None:
        self._traversal, self._plane = TraversalRange(), PlaneChoice()
        self.scatter = ScatterView(self._plane)
        self._views: dict[ViewName, View] = {
            "image": ImageView(),
            "strip": StripView(self._traversal),
            "table": TableView(self._traversal),
            "map": MapView(self._plane),
            "scatter": self.scatter,
            "neighbors": NeighborsView(),
            "codes": CodesView(),
        }
        self.current: View = self._views["image"]
        self.problem = ""
        """Why what the view needs cannot be had."""

    def show(self, name: ViewName) -> None:
        """Change the view."""
        self.problem = ""
        if self.current is not self._views[name]:
            self.current = self._views[name]
            self.current.forget()

    def vary(self, scene: Scene) -> str:
        """Look at the codes in another way, where they are seen, or else go over another range; returns which."""
        self.problem = ""
        return self.scatter.vary(scene) if self.current is self.scatter else self._traversal.vary()

    def set_plane(self, first: str, second: str) -> None:
        """Take two axes for map and scatter, by their names."""
        self._plane.name(first, second)
        self.scatter.show_plane()
        self.show_all()

    def plane_of(self, scene: Scene) -> tuple[int, int]:
        """The two axes of map and scatter."""
        return self._plane.of(scene)

    def show_all(self) -> None:
        """Show whole planes again."""
        for view in self._views.values():
            view.show_all()

    def forget_checkpoint(self) -> None:
        """Begin anew with another checkpoint."""
        self.problem = ""
        for view in self._views.values():
            view.forget_checkpoint()
