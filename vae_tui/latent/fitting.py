"""The place whose picture fits an image best, by gradient descent from where one is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vae_tui.data import Progress
from vae_tui.errors import VaeTuiError
from vae_tui.latent.codes import Latents
from vae_tui.model import VAE
from vae_tui.walk.shares import Shares

_STEPS = 200


@dataclass(frozen=True)
class Fit:
    """The latent (Z,) found, and -log p(x, z) in nats where it began and there."""

    latent: Latents
    before: float
    after: float


def joint_density(
    vae: VAE, latents: Tensor, image: Tensor, kept: Tensor | None = None, shares: Tensor | None = None
) -> Tensor:
    """log p(x|z) + log p(z) (N,) of latents (N, Z) for an image (C, H, W) in [0, 1], of all pixels or those `kept` (H, W).

    A conditional VAE decodes as of `shares` (K + 1,) of classes, the prior being that of the class of which there is most.
    """
    labels = None if shares is None else shares.expand(len(latents), -1)
    output, images = vae.likelihood_parameters(latents, labels), image.expand(len(latents), *image.shape)
    if kept is not None:
        # Every likelihood is a product over pixels, so that some of them are an image too.
        output, images = output[..., kept][..., None], images[..., kept][..., None]
    prior = vae.prior_given(None if labels is None else labels.argmax(1), len(latents))
    joint: Tensor = prior.log_density(latents).sum(-1) - vae.likelihood.distortion(output, images)
    return joint


def fit_latent(
    vae: VAE,
    image: Tensor,
    start: Latents,
    progress: Progress,
    *,
    kept: Tensor | None = None,
    shares: Shares | None = None,
) -> Fit:
    """Maximise `joint_density` over z, from `start` (Z,), for an image (C, H, W) in [0, 1], or its pixels `kept` (H, W).

    A conditional VAE decodes as of `shares` (K + 1,) of classes, the prior being that of the class of which there is most.

    L-BFGS looks at 200 places at most, and the best of them is taken, so never a worse one than the first. Nocedal and Wright,
    Numerical Optimization, 2006, chapters 3 and 7. Raises VaeTuiError where codes are rounded.
    """
    if vae.recipe.model.is_quantised:
        raise VaeTuiError("codes are rounded, so that no gradient leads from one to another")
    as_of = None if shares is None else torch.from_numpy(shares)
    latent = torch.from_numpy(start.copy())[None].requires_grad_()
    found: list[tuple[float, Tensor]] = []

    def look() -> Tensor:
        joint = -joint_density(vae, latent, image, kept, as_of).sum()
        (latent.grad,) = torch.autograd.grad(joint, [latent])
        found.append((float(joint.detach()), latent.detach().clone()))
        progress("fitting the image", min(len(found), _STEPS), _STEPS)
        return joint.detach()

    optimizer = torch.optim.LBFGS([latent], max_iter=_STEPS, max_eval=_STEPS, line_search_fn="strong_wolfe")
    optimizer.step(look)  # type: ignore[no-untyped-call]
    after, best = min(found, key=lambda each: each[0])
    return Fit(best[0].numpy(), found[0][0], after)
