"""A conditional VAE of images of which few have a class, with a classifier that learns beside it."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional

from vae_tui.model import Terms
from vae_tui.objective.objective import Objective


class SemiSupervised(Objective):
    """distortion + rate, over all classes as the classifier q(y|x) weighs them where an image has none, + alpha times its cross-entropy.

    Kingma et al., Semi-supervised Learning with Deep Generative Models, 2014, equations 6 to 9 (M2), with every class as probable. Alpha
    is `classification` times all images for each that has a class. Checkpoints are chosen by -ELBO.
    """

    name = "m2"
    is_sum_over_images = True

    def weights(self, epochs: float) -> dict[str, float]:
        """Beta is always 1."""
        return {"beta": 1.0}

    def loss(self, terms: Terms, inputs: Mapping[str, Tensor]) -> Tensor:
        """What is minimised, in nats, summed over the images."""
        assert terms.label_logits is not None, "the VAE has a classifier for it"
        labels = inputs["labels"]
        wrong = functional.cross_entropy(terms.label_logits, labels.clamp_min(0), reduction="none")
        weight = self.table.classification / inputs["labelled_share"]
        classified = weight * (wrong * (labels >= 0)).sum()
        return terms.distortion.sum() + terms.rate_per_dimension.sum() + classified
