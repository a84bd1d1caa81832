"""The ELBO of a set of images, and its two halves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from vae_tui.data import AnyPixels, as_floats, in_slices
from vae_tui.model import VAE
from vae_tui.model.quantised import perplexity
from vae_tui.objective import importance_bound

_IMAGES_AT_ONCE = 500
_VALUES_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Elbo:
    """Means over images, in nats: `distortion`, the `rate_per_dimension` (Z values) that sums to `rate`, and `elbo`.

    `class_rate` is a part of the rate too: KL(q(y|x) || p(y)), 0 without a classifier.

    `bound` is the importance-weighted bound of several draws an image; of one it is the ELBO. `code_perplexity` is how many of a
    quantised posterior's codes are used, as `perplexity` counts them; None of any other.
    """

    distortion: float
    rate_per_dimension: tuple[float, ...]
    bound: float
    class_rate: float = 0.0
    code_perplexity: float | None = None

    @property
    def rate(self) -> float:
        """KL(q(z|x) || p(z)), and that of the class."""
        return sum(self.rate_per_dimension) + self.class_rate

    @property
    def elbo(self) -> float:
        """-(distortion + rate)."""
        return -(self.distortion + self.rate)

    def figures(self, loss: float) -> dict[str, float | None]:
        """As events carry them, beside the loss that is minimised."""
        used = {} if self.code_perplexity is None else {"codes_used": self.code_perplexity}
        return {"loss": loss, "elbo": self.elbo, "distortion": self.distortion, "rate": self.rate, **used}


class Partners(Protocol):
    """Processes that evaluate together: `count` of them, of which this is number `index`."""

    index: int
    count: int

    def sum(self, tensor: Tensor) -> None:
        """Add up what all of them have, in place, on each of them."""


@torch.no_grad()
def evaluate_elbo(
    vae: VAE,
    pixels: AnyPixels,
    *,
    labels: Tensor | None = None,
    seed: int,
    batch_size: int | None = None,
    draws: int = 1,
    partners: Partners | None = None,
) -> Elbo:
    """The ELBO of uint8 images (N, C, H, W), given their labels (N,) or not, with one draw of z each, or several; the same for
    the same seed.

    With `partners` who call it too, each takes its turn at the batches. The VAE is left in the mode, training or
    evaluation, it was found in.
    """
    device = next(vae.parameters()).device
    if batch_size is None:
        # A GPU has more to do at once in more images, where these are small.
        at_once = _VALUES_AT_ONCE // pixels.shape[1:].numel() if device.type == "cuda" else 0
        batch_size = max(_IMAGES_AT_ONCE, at_once)
    generator = torch.Generator(device).manual_seed(seed)
    precise = torch.float32 if device.type == "mps" else torch.float64
    sums = torch.zeros(2 + vae.rate_count, dtype=precise, device=device)
    shape = (draws, vae.latent_dim) if draws > 1 else (vae.latent_dim,)
    quantiser = vae.posterior if vae.recipe.model.is_quantised else None
    used = torch.zeros(0 if quantiser is None else quantiser.code_count, device=device)
    training = vae.training
    vae.eval()
    rows = max(1, batch_size // draws)
    for number, part in enumerate(in_slices(pixels, rows)):
        epsilon = torch.randn(len(part), *shape, generator=generator, device=device)
        if partners is not None and number % partners.count != partners.index:
            continue
        of_part = None if labels is None else labels[number * rows : number * rows + len(part)].to(device)
        terms = vae(as_floats(part.to(device)), epsilon, of_part)
        distortion = terms.distortion.view(len(part), draws).to(precise)
        rates = terms.rate_per_dimension.view(len(part), draws, -1).to(precise)
        sums[0] += importance_bound(-distortion - rates.sum(2)).sum()
        sums[1] += distortion.mean(1).sum()
        sums[2:] += rates.mean(1).sum(0)
        if quantiser is not None:
            used += torch.bincount(quantiser.codes(terms.latent).flatten(), minlength=len(used))
    vae.train(training)
    if partners is not None:
        partners.sum(sums)
        if quantiser is not None:
            partners.sum(used)
    bound, mean_distortion, *mean_rates = (sums / len(pixels)).tolist()
    return Elbo(
        mean_distortion,
        tuple(mean_rates[: vae.latent_dim]),
        bound,
        class_rate=sum(mean_rates[vae.latent_dim :]),
        code_perplexity=perplexity(used) if quantiser is not None else None,
    )
