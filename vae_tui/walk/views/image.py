"""The image of the present latent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from vae_tui.walk.views.view import Scene, Spread, View, ViewName, name_place


class ImageView(View):
    """One image, as large as can be."""

    name: ClassVar[ViewName] = "image"

    def captions(self, scene: Scene) -> Sequence[str]:
        """Where it is, what share of the prior is nearer to 0, and which test code is nearest, once those are known."""
        facts = [f"image at {name_place(scene)}"]
        length = float(np.linalg.norm(scene.z))
        if scene.norms is not None:
            share = float(np.searchsorted(scene.norms, length) / len(scene.norms))
            facts.append(f"|z| {length:.2f}, past {share:.0%}")
        if scene.codes is not None and len(scene.codes.means):
            distances = np.square(scene.codes.means - scene.z).sum(1)
            nearest = int(distances.argmin())
            label = int(scene.codes.labels[nearest])
            name = f" ({scene.codes.names[label]})" if label >= 0 else ""
            facts.append(f"nearest test code{name} {distances[nearest] ** 0.5:.2f} away")
        return facts

    def spread(self, scene: Scene) -> Spread:
        """The present latent."""
        return Spread(scene.z[None], begins_with_z=True)
