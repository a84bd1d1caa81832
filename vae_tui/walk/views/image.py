"""The image of the present latent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from vae_tui.walk.views.view import Scene, Spread, View, ViewName, name_place


class ImageView(View):
    """One image, as large as can be."""

    name: ClassVar[ViewName] = "image"

    def captions(self, scene: Scene) -> Sequence[str]:
        """Where it is."""
        return [f"image at {name_place(scene)}"]

    def spread(self, scene: Scene) -> Spread:
        """The present latent."""
        return Spread(scene.z[None], begins_with_z=True)
