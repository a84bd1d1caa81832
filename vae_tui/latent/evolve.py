"""How what a run draws came to be: the same noise, the same images or the same place in its weights over training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_tui.data import Progress
from vae_tui.errors import CheckpointError, VaeTuiError
from vae_tui.imaging.grid import Pixels, make_grid, pair_rows
from vae_tui.latent.codes import Latents
from vae_tui.latent.grids import decode_points
from vae_tui.latent.picture import Picture, check_size
from vae_tui.latent.prior_draws import draw_from
from vae_tui.latent.priors import Prior
from vae_tui.latent.reconstruct import image_of, labels_of
from vae_tui.latent.sample import as_pictures, classes_in_turn
from vae_tui.latent.sources import locate_sources
from vae_tui.latent.space import Space
from vae_tui.runs.identity import logged_recipe, why_not_of_run
from vae_tui.runs.layout import Checkpoint, Run
from vae_tui.runs.weights import recorded_epochs, recorded_negative_elbo
from vae_tui.wording import counted


@dataclass(frozen=True)
class Subject:
    """What is seen over time: `name` says it in words, `locate` gives its N points (N, Z) in some weights' space.

    `data` (N, H, W, C) are the images that are reconstructed, with their `names`; None where there are none. A conditional VAE
    decodes as of `labels` (N,).
    """

    name: str
    count: int
    locate: Callable[[Space], Latents]
    data: Pixels | None = None
    names: tuple[str, ...] = ()
    labels: Tensor | None = None


def follow_noise(space: Space, prior: Prior, count: int, *, seed: int, temperature: float) -> Subject:
    """`count` draws, by the same noise in all weights; of a prior that is learned itself, by what it is in each."""
    labels = None if space.class_is_given else classes_in_turn(space.vae, count)

    def locate(space: Space) -> Latents:
        return draw_from(prior, space, count, seed=seed, temperature=temperature, labels=labels)[0]

    drawn = counted(count, "sample") + ("" if prior.name == "model" else f" of {prior.name}")
    return Subject(f"{drawn}, seed {seed}, temperature {temperature:g}", count, locate, labels=labels)


def follow_images(space: Space, names: Sequence[str]) -> Subject:
    """The reconstructions of images, which are found as `Space.find` says; raises DataError where there are none such."""
    sources = [space.find(name) for name in names]
    pixels = torch.stack([image_of(source) for source in sources])
    found = tuple(source.name for source in sources)
    return Subject(
        f"reconstructions of {', '.join(found)}",
        len(found),
        lambda other: locate_sources(other.vae, sources, other.codes)[0],
        as_pictures(pixels),
        found,
        labels_of(space, sources),
    )


def follow_points(points: Latents) -> Subject:
    """Points (N, Z) that stay where they are; what has another number of latents is refused with VaeTuiError."""

    def locate(space: Space) -> Latents:
        if points.shape[1] != space.vae.latent_dim:
            raise VaeTuiError(
                f"--latent has {counted(points.shape[1], 'number')}, but this model has {space.vae.latent_dim} latents"
            )
        return points

    return Subject(counted(len(points), "given place"), len(points), locate)


def open_over_time(
    run: Run,
    weights: Sequence[Checkpoint],
    *,
    class_name: str | None,
    data_root: Path | None,
    progress: Progress,
    note: Callable[[str], object],
) -> Iterator[Space]:
    """The space of each of a run's weights in turn, given a class or not; what cannot be read is left out, with a note."""
    logged, before = logged_recipe(run), None
    for number, checkpoint in enumerate(weights):
        progress("decoding weights", number, len(weights))
        try:
            space = Space(checkpoint.path, data_root=data_root, progress=progress)
            if why := why_not_of_run(space.metadata.get("recipe"), logged):
                raise CheckpointError(f"{checkpoint.path} is another run's: {why}")
            shape = space.vae.latent_dim, space.vae.image_shape
        except CheckpointError as error:
            note(f"left out: {error}")
            continue
        if before is not None:
            if shape != (before.vae.latent_dim, before.vae.image_shape):
                note(f"left out: {checkpoint.path} is of another model than {before.checkpoint.name}")
                continue
            space.share_sets(before)
        if class_name is not None:
            space.give(class_name)
        before = space
        yield space


def _decode(space: Space, subject: Subject, latents: Latents) -> Pixels:
    """Images (N, H, W, C) of a subject's points in some weights' space, as of their classes."""
    given = None if space.class_is_given else subject.labels
    return decode_points(space.vae, latents, labels=given)


def draw_evolution(
    spaces: Iterator[Space],
    subject: Callable[[Space], Subject],
    *,
    most: int,
    moving: bool,
    columns: int | None,
    frames_per_second: float,
    scale: int | None,
) -> tuple[Picture, Space]:
    """A row for each point and a column for each of at most so many weights; or, `moving`, a grid a frame; and the last space.

    `subject` is asked for in the first space. Raises CheckpointError where there is no space, VaeTuiError for what would
    be too large.
    """
    chosen: Subject | None = None
    space: Space | None = None
    images, latents, about = [], [], []
    for space in spaces:
        if chosen is None:
            chosen = subject(space)
            shown = most + (chosen.data is not None)
            grid = {} if moving else {"rows": chosen.count, "columns": shown}
            check_size(chosen.count * shown, space.vae.image_shape, scale, **grid)
        latents.append(chosen.locate(space))
        images.append(_decode(space, chosen, latents[-1]))
        about.append(_about(space))
    if chosen is None or space is None:
        raise CheckpointError("none of the run's weights can be read")
    steps, epochs, negative_elbos = (np.array(column, np.float64) for column in zip(*about, strict=True))
    decoded = np.stack(images)
    arrays: dict[str, NDArray[Any]] = {"images": decoded, "latents": np.stack(latents), "steps": steps.astype(np.int64)}
    arrays |= {"epochs": epochs, "negative_elbo": negative_elbos}
    if chosen.data is not None:
        arrays |= {"data": chosen.data, "names": np.array(chosen.names)}
    over = f"{counted(len(steps), 'weight')} from step {int(steps[0])} to step {int(steps[-1])}"
    picture = Picture(
        f"{chosen.name}, in {over}",
        arrays,
        None if moving else _strip(decoded, chosen.data),
        _frames(decoded, chosen.data, columns) if moving else None,
        frames_per_second,
        (f"{chosen.name}, in {over}",),
    )
    return picture, space


def _about(space: Space) -> tuple[float, ...]:
    """Step, epochs and -ELBO in nats per image of some weights; NaN for what is not known."""
    metadata = space.metadata
    known = metadata.get("step"), recorded_epochs(metadata), recorded_negative_elbo(metadata)
    return tuple(math.nan if value is None else float(value) for value in known)


def _strip(images: Pixels, data: Pixels | None) -> Pixels:
    """A row for each of N points, over T weights (T, N, H, W, C), the image itself first."""
    rows = images if data is None else np.concatenate([data[None], images])
    return make_grid(rows.swapaxes(0, 1).reshape(-1, *rows.shape[2:]), len(rows))


def _frames(images: Pixels, data: Pixels | None, columns: int | None) -> Pixels:
    """A grid for each of T weights (T, N, H, W, C), images over their reconstructions."""
    row = min(images.shape[1], columns or math.ceil(math.sqrt(images.shape[1])))
    return np.stack([make_grid(tiles if data is None else pair_rows(data, tiles, row), row) for tiles in images])
