"""The aggregated posterior, q(z) = the mean of q(z|x) over the training images, and a Gaussian mixture fitted to it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data import PackedImages, Progress, binarize, draw_bits, read_all
from vae_tui.errors import VaeTuiError
from vae_tui.latent.codes import Latents, draw_posteriors
from vae_tui.model import VAE

MOST_FITTED = 10_000
"""Training images whose codes a mixture is fitted to, at the most."""
_ROUNDS, _ROUNDS_AT_ONCE = 100, 5
_VALUES_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Mixture:
    """K Gaussians: their `weights` (K,), `means` (K, Z), and `factors` (K, Z, Z) L of the covariances L L^T."""

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    factors: NDArray[np.float64]

    def draw(self, count: int, generator: torch.Generator, *, temperature: float = 1.0) -> Latents:
        """Latents (count, Z); `temperature` scales the noise about the mean of the component chosen."""
        weights = torch.from_numpy(self.weights)
        chosen = torch.multinomial(weights, count, replacement=True, generator=generator).numpy()
        noise = temperature * torch.randn(count, self.means.shape[1], generator=generator).double().numpy()
        latents: Latents = self.means[chosen].astype(np.float32)
        for component in np.unique(chosen):
            rows = chosen == component
            latents[rows] += noise[rows] @ self.factors[component].T
        return latents


def draw_aggregated(
    vae: VAE,
    images: PackedImages,
    count: int,
    generator: torch.Generator,
    *,
    temperature: float = 1.0,
    progress: Progress,
) -> Latents:
    """Latents (count, Z), each from the posterior of a training image chosen at random.

    `temperature` scales the noise that the posterior's draw is made from.
    """
    chosen = torch.randint(len(images), (count,), generator=generator)
    return _draw_posteriors_of(vae, images, chosen, generator, temperature, progress)


def fit_to_posteriors(
    vae: VAE, images: PackedImages, components: int, generator: torch.Generator, *, seed: int, progress: Progress
) -> Mixture:
    """A Gaussian mixture fitted to one draw from the posterior of each of MOST_FITTED training images, evenly spread.

    Ghosh et al., From Variational to Deterministic Autoencoders, 2020, section 4. Raises VaeTuiError where there are
    fewer images than components.
    """
    count = min(len(images), MOST_FITTED)
    if count < components:
        raise VaeTuiError(f"mixture({components}) needs as many training images, and there are {count:,}")
    chosen = torch.arange(count) * len(images) // count
    return fit_mixture(
        _draw_posteriors_of(vae, images, chosen, generator, 1.0, progress), components, seed=seed, progress=progress
    )


def fit_mixture(latents: Latents, components: int, *, seed: int, progress: Progress) -> Mixture:
    """A mixture of `components` Gaussians with full covariances, fitted to latents (N, Z) by at most 100 rounds of EM."""
    stage = "fitting a Gaussian" if components == 1 else f"fitting a mixture of {components:,} Gaussians"
    progress(stage, 0, _ROUNDS)
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415  a second to import, and only this needs it
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    values = latents.astype(np.float64)
    mixture = GaussianMixture(
        components,
        reg_covar=1e-6 * max(1.0, float(values.var())),
        max_iter=_ROUNDS_AT_ONCE,
        warm_start=True,
        random_state=seed % 2**32,
    )
    # Threads add up in whatever order they end, and the same seed is to give the same bytes.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        for done in range(_ROUNDS_AT_ONCE, _ROUNDS + 1, _ROUNDS_AT_ONCE):
            mixture.fit(values)
            if mixture.converged_:
                break
            progress(stage, done, _ROUNDS)
    progress(stage, _ROUNDS, _ROUNDS)
    return Mixture(mixture.weights_, mixture.means_, np.linalg.cholesky(mixture.covariances_))


def _draw_posteriors_of(
    vae: VAE,
    images: PackedImages,
    indexes: torch.Tensor,
    generator: torch.Generator,
    temperature: float,
    progress: Progress,
) -> Latents:
    """A draw (N, Z) from the posterior of each training image at `indexes` (N,), black and white where it was so trained."""
    epsilon = temperature * torch.randn(len(indexes), vae.latent_dim, generator=generator)
    latents = np.empty((len(indexes), vae.latent_dim), np.float32)
    rows = max(1, _VALUES_AT_ONCE // images.pixels.shape[1:].numel())
    for start in range(0, len(indexes), rows):
        some = slice(start, start + rows)
        picked = images.pick(indexes[some])
        pixels = read_all(picked.pixels)
        if vae.recipe.data.binarize == "dynamic":
            pixels = binarize(pixels, draw_bits(pixels.shape, generator)).mul_(255).to(torch.uint8)
        latents[some] = draw_posteriors(vae, pixels, epsilon[some], picked.labels)
        progress("encoding training images", min(start + rows, len(indexes)), len(indexes))
    return latents
