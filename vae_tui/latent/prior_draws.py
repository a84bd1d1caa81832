"""Images at draws from the prior, or from another distribution in its place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_tui.data import PackedImages
from vae_tui.errors import DataError, VaeTuiError
from vae_tui.imaging.grid import make_grid
from vae_tui.latent.aggregate import MOST_FITTED, draw_aggregated, fit_to_posteriors
from vae_tui.latent.codes import Latents
from vae_tui.latent.grids import decode_points
from vae_tui.latent.picture import Picture, check_size
from vae_tui.latent.priors import Prior
from vae_tui.latent.sample import classes_in_turn
from vae_tui.latent.space import Space
from vae_tui.model.priors import ClassPrior
from vae_tui.walk.paths import pass_through

_FRAMES_A_LEG = 12


def draw_from(
    prior: Prior, space: Space, count: int, *, seed: int, temperature: float = 1.0, labels: Tensor | None = None
) -> tuple[Latents, str]:
    """Latents (count, Z) from a prior, given labels (count,), the same for the same seed, and what they were drawn from in words.

    `temperature` scales the deviation of Gaussian noise: within the component chosen, where there are several. Those of
    the model's own prior are those of `VAE.sample`. Raises VaeTuiError for a temperature where nothing is Gaussian,
    DataError where training images are needed and not there.
    """
    if prior.name in ("beta", "uniform"):
        if temperature != 1:
            raise VaeTuiError(
                "--temperature scales Gaussian noise, which --prior Beta(a,b) and U(low,high) have none of"
            )
        numbers = np.random.default_rng(seed)
        draw = numbers.beta if prior.name == "beta" else numbers.uniform
        size = (count, space.vae.latent_dim)
        return draw(prior.first, prior.second, size).astype(np.float32), _describe_pair(prior)
    generator = torch.Generator().manual_seed(seed)
    table = space.vae.recipe.prior
    if prior.name == "normal" or (prior.name == "model" and table.name == "normal"):
        standard = torch.randn(count, space.vae.latent_dim, generator=generator)
        normal: Latents = (prior.first + prior.second * temperature * standard).numpy()
        return normal, _describe_pair(prior)
    if prior.name == "model":
        with torch.no_grad():
            own: Latents = space.vae.prior_given(labels, count).draw(count, generator, temperature=temperature).numpy()
        parts = "a Gaussian a class" if table.name == "class" else f"{table.name}, {table.components:,} components"
        return own, f"the model's own prior ({parts})"
    vae, images = space.vae, _training_images(space, prior)
    if prior.name == "aggregated":
        drawn = draw_aggregated(vae, images, count, generator, temperature=temperature, progress=space.progress)
        return drawn, f"the aggregated posterior of {len(images):,} training images"
    mixture = fit_to_posteriors(vae, images, prior.components, generator, seed=seed, progress=space.progress)
    fitted = min(len(images), MOST_FITTED)
    description = f"mixture({prior.components}), fitted to the posteriors of {fitted:,} training images"
    return mixture.draw(count, generator, temperature=temperature), description


def draw_prior_samples(
    space: Space,
    *,
    prior: Prior,
    count: int,
    columns: int | None,
    seed: int,
    temperature: float,
    by_class: bool,
    moving: bool,
    frames_per_second: float,
    scale: int | None,
) -> Picture:
    """A grid of `count` samples; or, `moving`, a walk from each to the next and back to the first.

    A conditional model's are of the class that is given, or of all classes in turn; `by_class` has a row for each sample, and
    the same latent as each class in its columns. Raises VaeTuiError where that is of a model without classes.
    """
    vae = space.vae
    if by_class:
        return _draw_by_class(space, prior, count, seed=seed, temperature=temperature, scale=scale)
    frames_a_sample = _FRAMES_A_LEG if moving else 1
    row = min(count, columns or math.ceil(math.sqrt(count)))
    grid = {} if moving else {"rows": -(-count // row), "columns": row}
    check_size(count * frames_a_sample, vae.image_shape, scale, **grid)
    # What moves from class to class would jump.
    labels = None if moving or space.class_is_given else classes_in_turn(vae, count)
    given = space.given_class if labels is None else ", classes in turn"
    latents, drawn_from = draw_from(prior, space, count, seed=seed, temperature=temperature, labels=labels)
    facts = f"{drawn_from}, seed {seed}, temperature {temperature:g}{given}"
    if moving:
        # A line between draws passes closer to the origin than draws lie; an arc does not.
        points = pass_through(latents, _FRAMES_A_LEG + 1, method="slerp", closed=True) if count > 1 else latents
        return Picture(
            facts, {}, frames=decode_points(vae, points, progress=space.progress), frames_per_second=frames_per_second
        )
    images = decode_points(vae, latents, labels=labels, progress=space.progress)
    arrays: dict[str, NDArray[Any]] = {"images": images, "latents": latents, "drawn_from": np.array(drawn_from)}
    if vae.class_count:
        arrays["labels"] = np.full(count, vae.label) if labels is None else labels.numpy()
    return Picture(facts, arrays, make_grid(images, row))


def _draw_by_class(
    space: Space, prior: Prior, count: int, *, seed: int, temperature: float, scale: int | None
) -> Picture:
    vae = space.vae
    if not vae.class_count:
        raise VaeTuiError('--grid has a column a class: it is for models trained with model.condition = "label"')
    classes = vae.class_count
    check_size(count * classes, vae.image_shape, scale, rows=count, columns=classes)
    labels = classes_in_turn(vae, count * classes)
    # The noise is the same along a row; under a prior of each class's own it is moved to where that class is.
    noise = torch.randn(count, vae.latent_dim, generator=torch.Generator().manual_seed(seed)).numpy()
    if isinstance(vae.prior, ClassPrior) and prior.name == "model":
        means, deviations = (
            part[:classes].detach().numpy() for part in (vae.prior.means, torch.exp(0.5 * vae.prior.log_variances))
        )
        latents = (means + temperature * deviations * noise[:, None]).reshape(-1, vae.latent_dim)
        drawn_from = "the model's own prior (a Gaussian a class)"
    else:
        drawn, drawn_from = draw_from(prior, space, count, seed=seed, temperature=temperature)
        latents = np.repeat(drawn, classes, axis=0)
    images = decode_points(vae, latents, labels=labels, progress=space.progress)
    names = space.metadata["class_names"]
    return Picture(
        f"{drawn_from}, seed {seed}, temperature {temperature:g}, a column a class",
        {"images": images, "latents": latents, "class_names": np.array(names)},
        make_grid(images, classes),
        notes=(f"a row a latent, a column a class: {', '.join(names)}",),
    )


def _training_images(space: Space, prior: Prior) -> PackedImages:
    try:
        return space.images("train")
    except DataError as error:
        raise DataError(
            f"--prior {prior.name} looks at the training images, which --prior model needs none of: {error}"
        ) from error


def _describe_pair(prior: Prior) -> str:
    name = "normal" if prior.name == "model" else prior.name
    return f"{name}({prior.first:g}, {prior.second:g})"
