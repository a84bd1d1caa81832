"""What may be in a part of an image that is hidden, given the rest of it.

Latents are drawn from p(z | x_kept), in proportion to p(x_kept | z) p(z), by importance weights: from a mixture of
Student distributions around places that fit the rest, each as wide as the posterior is there (Laplace's approximation),
and then of those draws by their weights (Rubin, The calculation of posterior distributions by data augmentation, 1987).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_tui.data import Progress, as_floats
from vae_tui.errors import DataError, VaeTuiError
from vae_tui.imaging.grid import Pixels, make_grid
from vae_tui.latent.codes import Latents
from vae_tui.latent.fitting import Fit, fit_latent, joint_density
from vae_tui.latent.grids import decode_points
from vae_tui.latent.picture import Picture, check_size
from vae_tui.latent.reconstruct import image_of
from vae_tui.latent.sample import as_pictures
from vae_tui.latent.sources import Source
from vae_tui.latent.space import Space
from vae_tui.model import VAE
from vae_tui.walk.messages import FEW_DRAWS
from vae_tui.walk.shares import Shares

By = Literal["weights", "gradient"]
SIDES = ("top", "bottom", "left", "right", "center")
_PLACES = 12
"""Places that fit are looked for from so many starts: each may lead to what another image would be."""
DRAWS = 4000
"""How many are weighted."""
_BATCH = 500
_FREEDOM = 5.0
"""Degrees of freedom: tails that are wider than the posterior's, so that no weight is without bound."""
_GREY = 110
_REGION = re.compile(r"(\d*):(\d*),(\d*):(\d*)")


@dataclass(frozen=True)
class Completions:
    """Latents (N, Z), and, where they are draws, how many of the weighted ones they stand for: 1 / sum of squared weights."""

    latents: Latents
    effective_draws: float | None = None


def parse_region(text: str, height: int, width: int) -> NDArray[np.bool_]:
    """Which pixels (H, W) a text hides: a side, the center, or "rows,columns" such as "14:28,0:28".

    Raises DataError for any other text, and where all or nothing would be hidden.
    """
    rows, columns = slice(None), slice(None)
    if text in SIDES:
        rows = {"top": slice(0, height // 2), "bottom": slice(height // 2, None)}.get(text, rows)
        columns = {"left": slice(0, width // 2), "right": slice(width // 2, None)}.get(text, columns)
        if text == "center":
            rows, columns = slice(height // 4, height - height // 4), slice(width // 4, width - width // 4)
    elif found := _REGION.fullmatch(text.replace(" ", "")):
        ends = [int(end) if end else None for end in found.groups()]
        rows, columns = slice(ends[0], ends[1]), slice(ends[2], ends[3])
    else:
        raise DataError(f"--hide {text}: expected {', '.join(SIDES)} or rows,columns, such as 14:28,0:28")
    hidden = np.zeros((height, width), bool)
    hidden[rows, columns] = True
    if hidden.all() or not hidden.any():
        what = "all" if hidden.all() else "nothing"
        raise DataError(f"--hide {text}: {what} would be hidden of an image of {height} x {width} pixels (H x W)")
    return hidden


def complete(
    vae: VAE,
    image: Tensor,
    hidden: NDArray[np.bool_],
    *,
    by: By,
    count: int,
    seed: int,
    progress: Progress,
    shares: Shares | None = None,
) -> Completions:
    """Latents that agree with an image (C, H, W), in [0, 1], where it is not hidden (H, W).

    By "weights", `count` draws from p(z | x_kept); by "gradient", the `count` places that fit best of those found from as many
    starts, the best first. A conditional VAE decodes as of `shares` (K + 1,) of classes, or as of its own class. Raises VaeTuiError
    where codes are rounded, and for a likelihood of one's own.
    """
    if ":" in vae.recipe.likelihood.name:
        raise VaeTuiError(
            "a likelihood from a file of one's own may be of whole images only, so no part can be inpainted"
        )
    kept = torch.from_numpy(~hidden)
    fits = _find_places(vae, image, kept, count if by == "gradient" else _PLACES, seed, progress, shares)
    if by == "gradient":
        return Completions(np.stack([fit.latent for fit in fits]))
    as_of = None if shares is None else torch.from_numpy(shares)
    return _draw(vae, image, kept, as_of, fits, count, seed, progress)


def _find_places(
    vae: VAE, image: Tensor, kept: Tensor, count: int, seed: int, progress: Progress, shares: Shares | None
) -> list[Fit]:
    """Places that fit what is kept, from starts drawn from the prior, the best first."""
    generator = torch.Generator().manual_seed(seed)
    labels = None if shares is None else torch.full((count,), int(shares.argmax()))
    starts = vae.prior_given(labels, count).draw(count, generator).detach().numpy()
    fits = []
    for index, start in enumerate(starts):
        progress("fitting what is seen", index, count)
        fits.append(fit_latent(vae, image, start, lambda *_: None, kept=kept, shares=shares))
    progress("fitting what is seen", count, count)
    return sorted(fits, key=lambda fit: fit.after)


def _draw(
    vae: VAE,
    image: Tensor,
    kept: Tensor,
    shares: Tensor | None,
    fits: list[Fit],
    count: int,
    seed: int,
    progress: Progress,
) -> Completions:
    generator = torch.Generator().manual_seed(seed + 1)
    spread = [_factor_covariance(vae, image, kept, shares, torch.from_numpy(fit.latent)) for fit in fits]
    centers = torch.stack([torch.from_numpy(fit.latent) for fit in fits]).double()
    which = torch.randint(len(fits), (DRAWS,), generator=generator)
    normal = torch.randn((DRAWS, centers.shape[1]), generator=generator, dtype=torch.float64)
    # Chi-squared with so many degrees of freedom is a sum of as many squares.
    squares = torch.randn((DRAWS, int(_FREEDOM)), generator=generator, dtype=torch.float64).square().sum(1)
    steps = torch.einsum("nij,nj->ni", torch.stack(spread)[which], normal) / (squares / _FREEDOM).sqrt()[:, None]
    latents = (centers[which] + steps).float()
    log_weights = -_log_proposal(latents.double(), centers, spread)
    for first in range(0, DRAWS, _BATCH):
        progress("weighing draws", first, DRAWS)
        some = slice(first, first + _BATCH)
        with torch.no_grad():
            log_weights[some] += joint_density(vae, latents[some], image, kept, shares).double()
    progress("weighing draws", DRAWS, DRAWS)
    weights = torch.softmax(log_weights, dim=0)
    chosen = torch.multinomial(weights, count, replacement=True, generator=generator)
    return Completions(latents[chosen].numpy(), float(1 / weights.square().sum()))


def _factor_covariance(vae: VAE, image: Tensor, kept: Tensor, shares: Tensor | None, latent: Tensor) -> Tensor:
    """L (Z, Z) with L L^T the inverse of the curvature of -log p(x_kept, z) at a latent (Z,), where that is no less than the prior's."""

    def lose(place: Tensor) -> Tensor:
        return -joint_density(vae, place[None], image, kept, shares)[0]

    curvature: Tensor = torch.autograd.functional.hessian(lose, latent).double()  # type: ignore[no-untyped-call]
    values, vectors = torch.linalg.eigh(0.5 * (curvature + curvature.T))
    factor: Tensor = vectors * values.clamp(min=1.0).rsqrt()
    return factor


def _log_proposal(latents: Tensor, centers: Tensor, spread: list[Tensor]) -> Tensor:
    """The log density (N,), but for a constant, of an equal mixture of Student distributions with these centers and factors."""
    dimensions = latents.shape[1]
    each = []
    for center, factor in zip(centers, spread, strict=True):
        # The factor's columns are orthogonal, so that its inverse is its transpose by their squared lengths.
        lengths = factor.square().sum(0)
        distance = ((latents - center) @ factor / lengths).square().sum(1)
        each.append(-0.5 * lengths.log().sum() - 0.5 * (_FREEDOM + dimensions) * (distance / _FREEDOM).log1p())
    return torch.logsumexp(torch.stack(each), dim=0) - math.log(len(each))


def draw_inpainted(
    space: Space, source: Source, *, hide: str, by: By, count: int, seed: int, columns: int, scale: int | None
) -> Picture:
    """The image, the image with a part hidden, and completions: what is kept of the image, and what a VAE has for the rest.

    Raises DataError for a region that is none.
    """
    vae = space.vae
    pixels = image_of(source)
    hidden = parse_region(hide, *pixels.shape[1:])
    check_size(count + 2, vae.image_shape, scale)
    space.give_class_of(source)
    found = complete(vae, as_floats(pixels), hidden, by=by, count=count, seed=seed, progress=space.progress)
    drawn: Pixels = decode_points(vae, found.latents, progress=space.progress)
    image: Pixels = as_pictures(pixels[None])[0]
    covered = np.where(hidden[..., None], np.uint8(_GREY), image)
    completed = np.where(hidden[..., None], drawn, image)
    counting, notes = "", []
    if found.effective_draws is not None:
        counting = f", {found.effective_draws:.0f} of {DRAWS:,} weighted draws count"
    if found.effective_draws is not None and found.effective_draws < FEW_DRAWS:
        notes.append(
            f"only {found.effective_draws:.1f} of {DRAWS:,} weighted draws count, so that these are hardly draws from the "
            "posterior: hide more of the image, or less"
        )
    return Picture(
        f"inpaint {source.name}, {hide} hidden, by {by}, seed {seed}{counting}{space.given_class}",
        {"images": completed, "decoded": drawn, "latents": found.latents, "image": image, "hidden": hidden},
        make_grid(np.concatenate([image[None], covered[None], completed]), min(columns, count + 2)),
        notes=tuple(notes),
    )
