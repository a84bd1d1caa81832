"""The codes of a quantised model, at the place of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from vae_tui.walk.paths import Latents, Point
from vae_tui.walk.views.view import Scene, Spread, View, ViewName, tile_size

_PAGE = 10


class CodesView(View):
    """What the image would be with each code of the codebook in the place that the chosen dimension is of; the present one is marked."""

    name: ClassVar[ViewName] = "codes"
    needs_area: ClassVar[bool] = True

    def title(self, scene: Scene) -> str:
        """Which place, and which codes of how many are seen."""
        if scene.codebook is None or scene.area is None:
            return "the codes"
        first, _, count = self._seen(scene, scene.area)
        place, places = self._place(scene)
        shown = f"codes {first:,} to {first + count - 1:,} of {len(scene.codebook):,}"
        return f"place {place + 1} of {places}: {shown}" if places > 1 else shown

    def captions(self, scene: Scene) -> Sequence[str]:
        """Every place's code, the chosen one's between brackets."""
        if scene.codebook is None:
            return [""]
        vectors = scene.z.reshape(-1, scene.codebook.shape[1])
        place, places = self._place(scene)
        numbers = [_nearest(scene.codebook, vector) for vector in vectors]
        shown = [f"[{number}]" if index == place else str(number) for index, number in enumerate(numbers)]
        side = round(places**0.5)
        rows = [" ".join(shown[start : start + side]) for start in range(0, places, side)] if side**2 == places else []
        return [f"code {numbers[place]:,}", " / ".join(rows) or " ".join(shown)]

    def spread(self, scene: Scene) -> Spread | None:
        """The present latent with one code after the other in that place."""
        if scene.codebook is None or scene.area is None:
            return None
        first, columns, count = self._seen(scene, scene.area)
        points = np.repeat(scene.z[None], count, axis=0)
        points[:, self._dimensions(scene)] = scene.codebook[first : first + count]
        return Spread(points, columns, self._present(scene) - first)

    def has_cursor(self, scene: Scene) -> bool:
        """Where there are codes."""
        return scene.codebook is not None

    def move(self, scene: Scene, right: int, up: int, *, big: bool) -> Point:
        """To the code beside, or in the row above or below."""
        if scene.codebook is None or scene.area is None:
            return scene.z
        _, columns, _ = self._seen(scene, scene.area)
        steps = (right - up * columns) * (_PAGE if big else 1)
        wanted = min(max(self._present(scene) + steps, 0), len(scene.codebook) - 1)
        z = scene.z.copy()
        z[self._dimensions(scene)] = scene.codebook[wanted]
        return z

    def choose(self, scene: Scene, rows: int) -> int | None:
        """The first dimension of the place so many further on."""
        if scene.codebook is None:
            return None
        place, places = self._place(scene)
        return min(max(place + rows, 0), places - 1) * int(scene.codebook.shape[1])

    def _seen(self, scene: Scene, area: tuple[int, int]) -> tuple[int, int, int]:
        """The first code that is seen, in how many columns, and how many are."""
        assert scene.codebook is not None, "only where there is one"
        height, width = area
        tile = tile_size(area) + 1
        rows, columns = max(1, height // tile), max(1, width // tile)
        total = len(scene.codebook)
        above = max(0, min(self._present(scene) // columns - rows // 2, -(-total // columns) - rows))
        first = above * columns
        return first, min(columns, total), min(rows * columns, total - first)

    def _present(self, scene: Scene) -> int:
        assert scene.codebook is not None, "only where there is one"
        return _nearest(scene.codebook, scene.z[self._dimensions(scene)])

    def _place(self, scene: Scene) -> tuple[int, int]:
        """The place of the chosen dimension, from 0, and how many there are."""
        assert scene.codebook is not None, "only where there is one"
        size = scene.codebook.shape[1]
        chosen = 0 if scene.axes.is_direction(scene.chosen) else scene.chosen
        return chosen // size, len(scene.z) // size

    def _dimensions(self, scene: Scene) -> slice:
        assert scene.codebook is not None, "only where there is one"
        place, size = self._place(scene)[0], scene.codebook.shape[1]
        return slice(place * size, (place + 1) * size)


def _nearest(codebook: Latents, vector: Point) -> int:
    return int(np.square(codebook - vector).sum(1).argmin())
