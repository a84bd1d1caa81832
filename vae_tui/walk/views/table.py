"""Every active dimension, a row each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from vae_tui.events import ACTIVE_NATS
from vae_tui.walk.spread import nearest, spread, traverse
from vae_tui.walk.views.traversal import TraversalRange
from vae_tui.walk.views.view import Labels, Scene, Spread, View, ViewName, name_place, tile_size


class TableView(View):
    """As many rows as fit, around that of the chosen dimension; there the nearest to the present latent is marked."""

    name: ClassVar[ViewName] = "table"
    needs_area: ClassVar[bool] = True
    is_labelled: ClassVar[bool] = True

    def __init__(self, traversal: TraversalRange) -> None:
        super().__init__()
        self._range = traversal

    def title(self, scene: Scene) -> str:
        """What its rows are."""
        return "every active dimension, a row each"

    def captions(self, scene: Scene) -> Sequence[str]:
        """In which row and column the present latent is."""
        found = self.spread(scene)
        if found is None or found.columns is None or found.mark is None:
            return [name_place(scene)]
        return [f"{name_place(scene)}: row {found.mark // found.columns + 1}, column {found.mark % found.columns + 1}"]

    def spread(self, scene: Scene) -> Spread | None:
        """A row of values for each dimension that is seen."""
        if scene.area is None:
            return None
        shown, columns = _rows_and_columns(scene, scene.area)
        rows = [spread(*self._range.of(scene, dimension), columns) for dimension in shown]
        row = shown.index(scene.chosen)
        mark = row * columns + nearest(rows[row], scene.z[scene.chosen])
        return Spread(traverse(scene.z, shown, rows), columns, mark)

    def labels(self, scene: Scene) -> Labels | None:
        """Each row's dimension with its KL, and each column's value, where that is the same in all rows."""
        if scene.area is None:
            return None
        shown, columns = _rows_and_columns(scene, scene.area)
        names = [
            f"z{dimension} {scene.rates[dimension]:.2f}" if scene.rates else f"z{dimension}" for dimension in shown
        ]
        ends = {self._range.of(scene, dimension) for dimension in shown}
        return Labels(names, [f"{value:+.1f}" for value in spread(*ends.pop(), columns)] if len(ends) == 1 else ())

    def needs_codes(self, scene: Scene) -> bool:
        """Where the range of the data is wanted."""
        return self._range.needs_codes(scene)


def _rows_and_columns(scene: Scene, area: tuple[int, int]) -> tuple[list[int], int]:
    """The dimensions whose rows fit around the chosen one, and the number of columns."""
    height, width = area
    tile = tile_size(area) + 1
    columns = max(3, (min(15, width // tile) - 1) // 2 * 2 + 1)
    rows = max(1, height // tile)
    active = [dimension for dimension in scene.order if scene.rates and scene.rates[dimension] > ACTIVE_NATS]
    listed = active if scene.chosen in active else [*active, scene.chosen]
    first = min(max(0, listed.index(scene.chosen) - rows // 2), max(0, len(listed) - rows))
    return listed[first : first + rows], columns
