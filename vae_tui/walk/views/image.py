"""The image of the present latent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from vae_tui.walk.views.view import Scene, Spread, View, ViewName, name_place
from vae_tui.wording import format_nats


class ImageView(View):
    """One image, as large as can be."""

    name: ClassVar[ViewName] = "image"

    def titles(self, scene: Scene) -> Sequence[str]:
        """How probable the latent is, once that is known: under the prior and, of encoded test images, the aggregated posterior."""
        found = scene.measured
        if found is None or found.log_prior is None:
            return [self.title(scene)]
        prior = f"log p(z) {format_nats(found.log_prior)}"
        if found.log_aggregated is None:
            return [f"{prior} nats"]
        aggregated = f"log q(z) {format_nats(found.log_aggregated)}"
        return [
            f"{prior} nats   {aggregated} nats, over {found.count:,} test images",
            f"{prior}   {aggregated} of {found.count:,}",
            f"log p(z) {found.log_prior:.1f}, q(z) {found.log_aggregated:.1f} of {found.count:,}",
        ]

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
