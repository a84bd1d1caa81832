"""The training images nearest to the picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np

from vae_tui.walk.messages import FindNeighbors, NeighborsFound
from vae_tui.walk.paths import Point
from vae_tui.walk.views.view import Pixels, Query, Scene, Tiles, View, ViewName

_COUNT = 15


class NeighborsView(View):
    """The image of the present latent, marked, and then its neighbors; they are found for the image, once it is decoded."""

    name: ClassVar[ViewName] = "neighbors"
    has_beneath: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self._captions: Sequence[str] = [""]
        self._queried: Pixels | None = None

    def title(self, scene: Scene) -> str:
        """What is near."""
        return "nearest training images"

    def captions(self, scene: Scene) -> Sequence[str]:
        """What the neighbors are, and how far off."""
        first, *others = self._captions
        return [first, *(caption.removeprefix("train:") for caption in others)]

    def mark(self, scene: Scene) -> int | None:
        """The image of the present latent."""
        return 0 if self.tiles is not None else None

    def query(self, scene: Scene) -> Query | None:
        """The neighbors of the image."""
        if scene.decoded is None or scene.decoded[0] is self._queried:
            return None
        image, z = scene.decoded
        self._queried = image
        return Query(FindNeighbors(image, _COUNT), partial(self._take, image, z))

    def _take(self, image: Pixels, z: Point, reply: NeighborsFound) -> None:
        self._captions = reply.captions or [""]
        images, points = np.concatenate([image[None], reply.images]), np.concatenate([z[None], reply.means])
        self.tiles = Tiles(images, points, labels=["here", *reply.names])

    def forget(self) -> None:
        """Find them anew."""
        super().forget()
        self._queried, self._captions = None, [""]
