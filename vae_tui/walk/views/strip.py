"""The chosen axis, from one end to the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from vae_tui.walk.spread import nearest, spread
from vae_tui.walk.views.traversal import TraversalRange
from vae_tui.walk.views.view import Scene, Spread, View, ViewName, name_place

_COUNT = 11


class StripView(View):
    """A row of images; the one nearest to the present latent is marked."""

    name: ClassVar[ViewName] = "strip"

    def __init__(self, traversal: TraversalRange) -> None:
        super().__init__()
        self._range = traversal

    def title(self, scene: Scene) -> str:
        """The axis and its ends."""
        low, high = self._range.of(scene, scene.chosen)
        return f"{scene.axes.name(scene.chosen)} from {low:+.1f} to {high:+.1f}"

    def captions(self, scene: Scene) -> Sequence[str]:
        """Which picture the present latent is nearest to."""
        return [f"{name_place(scene)}, nearest to picture {(self.mark(scene) or 0) + 1} of {_COUNT}"]

    def spread(self, scene: Scene) -> Spread:
        """Values of the chosen axis at equal distances."""
        values = spread(*self._range.of(scene, scene.chosen), _COUNT)
        points = scene.axes.spread(scene.z, scene.chosen, values)
        mark = nearest(values, scene.axes.value(scene.z, scene.chosen))
        return Spread(points, mark=mark, labels=[f"{value:+.2f}" for value in values])

    def needs_codes(self, scene: Scene) -> bool:
        """Where the range of the data is wanted."""
        return self._range.needs_codes(scene)
