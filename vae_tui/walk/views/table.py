"""Every direction and active dimension, a row each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from vae_tui.events import ACTIVE_NATS
from vae_tui.walk.spread import nearest, spread
from vae_tui.walk.views.traversal import TraversalRange
from vae_tui.walk.views.view import Labels, Scene, Spread, View, ViewName, name_place, tile_size

_LABEL_LETTERS = 10
"""Letters of a row's label."""


class TableView(View):
    """As many rows as fit, around that of the chosen axis; there the nearest to the present latent is marked."""

    name: ClassVar[ViewName] = "table"
    needs_area: ClassVar[bool] = True
    is_labelled: ClassVar[bool] = True

    def __init__(self, traversal: TraversalRange) -> None:
        super().__init__()
        self._range = traversal

    def title(self, scene: Scene) -> str:
        """What its rows are."""
        directions = "directions and active dimensions" if scene.axes.directions else "every active dimension"
        return f"{directions}, a row each"

    def captions(self, scene: Scene) -> Sequence[str]:
        """In which row and column the present latent is."""
        found = self.spread(scene)
        if found is None or found.columns is None or found.mark is None:
            return [name_place(scene)]
        return [f"{name_place(scene)}: row {found.mark // found.columns + 1}, column {found.mark % found.columns + 1}"]

    def spread(self, scene: Scene) -> Spread | None:
        """A row of values for each axis that is seen."""
        if scene.area is None:
            return None
        shown, columns = _rows_and_columns(scene, scene.area)
        rows = [spread(*self._range.of(scene, axis), columns) for axis in shown]
        row = shown.index(scene.chosen)
        mark = row * columns + nearest(rows[row], scene.axes.value(scene.z, scene.chosen))
        points = [scene.axes.spread(scene.z, axis, values) for axis, values in zip(shown, rows, strict=True)]
        return Spread(np.concatenate(points), columns, mark)

    def labels(self, scene: Scene) -> Labels | None:
        """Each row's axis, a dimension with its KL, and each column's value, where that is the same in all rows."""
        if scene.area is None:
            return None
        shown, columns = _rows_and_columns(scene, scene.area)
        names = [scene.axes.name(axis, _LABEL_LETTERS) for axis in shown]
        for row, axis in enumerate(shown):
            if scene.rates and not scene.axes.is_direction(axis):
                names[row] += f" {scene.rates[axis]:.2f}"
        ends = {self._range.of(scene, axis) for axis in shown}
        return Labels(names, [f"{value:+.1f}" for value in spread(*ends.pop(), columns)] if len(ends) == 1 else ())

    def needs_codes(self, scene: Scene) -> bool:
        """Where the range of the data is wanted."""
        return self._range.needs_codes(scene)


def _rows_and_columns(scene: Scene, area: tuple[int, int]) -> tuple[list[int], int]:
    """The axes whose rows fit around the chosen one, and the number of columns."""
    height, width = area
    tile = tile_size(area) + 1
    columns = max(3, (min(15, width // tile) - 1) // 2 * 2 + 1)
    rows = max(1, height // tile)
    directions = range(scene.axes.latent_dim, len(scene.axes))
    active = [dimension for dimension in scene.order if scene.rates and scene.rates[dimension] > ACTIVE_NATS]
    listed = [*directions, *active]
    listed += [] if scene.chosen in listed else [scene.chosen]
    first = min(max(0, listed.index(scene.chosen) - rows // 2), max(0, len(listed) - rows))
    return listed[first : first + rows], columns
