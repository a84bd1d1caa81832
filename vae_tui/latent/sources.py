"""What a user names, "12" or "class:sneaker" or "photo.png", as images and codes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from vae_tui.data import ImageSets, PackedImages, Progress, find_data_root, load_image_sets
from vae_tui.data.binarize import binarize_on_disk, binarize_once
from vae_tui.errors import CheckpointError, DataError, RecipeError
from vae_tui.latent.codes import Codes, Latents, class_means, draw_posteriors, encode_images
from vae_tui.model import VAE
from vae_tui.photos.photo import UNREADABLE_ERRORS, describe_problem, read_photo
from vae_tui.recipe import Recipe, parse
from vae_tui.runs.files import user_path
from vae_tui.runs.images import locate_images, recorded_roots
from vae_tui.walk.classes import find_class

SPLITS = ("train", "validation", "test")
FORMS = "12, train:12, class:4 (or its name), class:4:3, mean:4, or an image file"
"""How sources are named, for messages and help."""


@dataclass(frozen=True)
class Source:
    """What a name stands for: an image (C, H, W), uint8, or, with none, the mean code of class `class_index`.

    `name` says the same again as short and as plain as it can be: "test:12"; `caption` is for people: "test 12 (4)".
    """

    name: str
    caption: str
    pixels: Tensor | None = None
    class_index: int | None = None

    @property
    def labels(self) -> Tensor | None:
        """Its label as that of a batch of one, (1,); None where its class is not known."""
        return None if self.class_index is None else torch.tensor([self.class_index])


def load_sets_of(
    metadata: Mapping[str, Any], data_root: Path | None, progress: Progress, checkpoint: Path | None = None
) -> ImageSets:
    """Load the image sets a checkpoint was trained on, cut and binarised as they were for it.

    An array file or a folder that is no longer where it was is looked for as the recipe of the `checkpoint`'s run has it
    now, and under `data_root`. Images that have changed since are noted. Raises DataError where they are not there or have another
    shape, CheckpointError for metadata without a recipe.
    """
    try:
        recipe, _ = parse(metadata["recipe"], source="the checkpoint's recipe")
        wanted = tuple(int(size) for size in metadata["image_shape"])
    except (KeyError, TypeError, ValueError, RecipeError) as error:
        raise CheckpointError(f"the checkpoint does not say what it was trained on: {error}") from error
    if recipe.data.root is not None:
        roots = [recipe.data.root] if checkpoint is None else recorded_roots(checkpoint, recipe.data.root)
        root = locate_images(roots, recipe.data.name, data_root)
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"root": root})})
    sets = load_image_sets(
        recipe.data,
        seed=recipe.train.seed,
        data_root=find_data_root(data_root, metadata),
        progress=progress,
    )
    found = tuple(sets.test.pixels.shape[1:])
    if found != wanted:
        shapes = [" x ".join(map(str, shape)) for shape in (found, wanted)]
        raise DataError(
            f"{recipe.data.root or recipe.data.name}: images of {shapes[0]} (C x H x W), but the checkpoint was trained "
            f"on images of {shapes[1]}; put back the images it was trained on"
        )
    if changed := sets.changed_splits(metadata.get("images_crc32")):
        note = (
            f"{recipe.data.root or recipe.data.name}: the {changed} images are not those the checkpoint was trained and "
            "validated with, so figures do not compare, and it may have trained on what is now a test image"
        )
        sets = replace(sets, notes=(*sets.notes, note))
    return sets


def find_source(name: str, sets: Callable[[], ImageSets], image_shape: Sequence[int]) -> Source:
    """What `name` stands for; `sets` is only called where the answer lies in them.

    An index counts test images unless a split stands before it ("train:12"); "class:4" is the first test image of a
    class, "class:4:3" the one three further on; "mean:4" is the mean code of a class's test images; a class may be given
    by the beginning of its name in any case; anything else is an image file, brought to `image_shape` (C, H, W). Raises
    DataError where there is no such thing, with what there is.
    """
    split, rest = "test", name.strip()
    head, colon, tail = rest.partition(":")
    if colon and head in SPLITS:
        split, rest = head, tail
    kind, colon, wanted = rest.partition(":")
    if rest.isdecimal():
        return _indexed(int(rest), split, sets())
    if colon and kind == "class":
        return _of_class(wanted, split, sets(), name)
    if colon and kind == "mean":
        index = find_class(wanted, sets().class_names)
        class_name = sets().class_names[index]
        return Source(f"mean:{class_name}", f"mean of {class_name}", class_index=index)
    if rest != name.strip():
        raise DataError(f"{name!r} names no image; expected {FORMS}")
    return _from_file(name, image_shape)


def locate_sources(vae: VAE, sources: Sequence[Source], test_codes: Callable[[], Codes]) -> tuple[Latents, Latents]:
    """Mean and log-variance (N, Z) of each source's posterior; the mean code of a class is certain: -inf.

    `test_codes` is only called where a class's mean is wanted. Raises DataError for a class without test images.
    """
    mean = np.empty((len(sources), vae.latent_dim), np.float32)
    log_variance = np.full_like(mean, -np.inf)
    for row, source in enumerate(sources):
        if source.pixels is not None:
            found = encode_images(vae, source.pixels[None], source.labels)
            mean[row], log_variance[row] = found[0][0], found[1][0]
        else:
            assert source.class_index is not None
            mean[row] = class_means(test_codes())[source.class_index]
            if not np.isfinite(mean[row]).all():
                raise DataError(f"{source.name}: no test image is of that class")
    return mean, log_variance


def place_sources(
    vae: VAE, sources: Sequence[Source], test_codes: Callable[[], Codes], at: Literal["mean", "draw"], seed: int
) -> Latents:
    """Points (N, Z): the posteriors' means, or a draw from each by one epsilon (Z,) ~ N(0, I), the same for all.

    The mean code of a class stays where it is. Raises DataError as `locate_sources`.
    """
    points, _ = locate_sources(vae, sources, test_codes)
    if at == "draw":
        epsilon = torch.randn(1, vae.latent_dim, generator=torch.Generator().manual_seed(seed))
        for row, source in enumerate(sources):
            if source.pixels is not None:
                points[row] = draw_posteriors(vae, source.pixels[None], epsilon, source.labels)[0]
    return points


def split_of(sets: ImageSets, split: str) -> PackedImages:
    """One split of the images; raises DataError for validation where the recipe has none."""
    images: PackedImages | None = getattr(sets, split)
    if images is None:
        raise DataError("there is no validation split: the recipe has data.validation = 0; take train or test")
    return images


def split_as_trained_on(sets: ImageSets, split: str, recipe: Recipe, progress: Progress) -> PackedImages:
    """One split, black and white where training saw it so: what is drawn anew for each batch is drawn once."""
    images = split_of(sets, split)
    if recipe.data.binarize != "dynamic" or split != "train":
        return images
    return binarize_for(recipe, images, split, progress)


def binarize_for(recipe: Recipe, images: PackedImages, split: str, progress: Progress) -> PackedImages:
    """Images drawn black or white once, by the recipe's seed."""
    if isinstance(images.pixels, Tensor):
        return binarize_once(images, seed=recipe.train.seed, split=split)
    return binarize_on_disk(images, seed=recipe.train.seed, split=split, progress=progress)


def _indexed(index: int, split: str, sets: ImageSets) -> Source:
    images = split_of(sets, split)
    if index >= len(images):
        raise DataError(f"{split}:{index}: there are {len(images):,} {split} images, 0 to {len(images) - 1:,}")
    label = None if images.labels is None else int(images.labels[index])
    caption = f"{split} {index:,}" if label is None else f"{split} {index:,} ({sets.class_names[label]})"
    return Source(f"{split}:{index}", caption, images.pixels[index], label)


def _of_class(wanted: str, split: str, sets: ImageSets, name: str) -> Source:
    images = split_of(sets, split)
    if images.labels is None:
        raise DataError(f"{name}: these images have no classes; give an index, such as 12")
    wanted, _, place = (
        wanted.rpartition(":") if wanted.rpartition(":")[2].isdecimal() and ":" in wanted else (wanted, "", "0")
    )
    index = find_class(wanted, sets.class_names)
    members = (images.labels == index).nonzero().flatten()
    if int(place) >= len(members):
        raise DataError(f"{name}: there are {len(members):,} {split} images of class {sets.class_names[index]}")
    return _indexed(int(members[int(place)]), split, sets)


def _from_file(name: str, image_shape: Sequence[int]) -> Source:
    path = user_path(name)
    if not path.is_file():
        raise DataError(f"{name!r} is neither a file nor the name of an image; expected {FORMS}")
    channels, height, width = image_shape
    if channels not in (1, 3):
        raise DataError(f"{path}: this model's images have {channels} channels, and those of photos are 1 or 3")
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures and odd notes in them; what it can decode is welcome.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", module=r"PIL\b")
            pixels = read_photo(path, height=height, width=width, channels=channels)
    except UNREADABLE_ERRORS as error:
        content = path.read_bytes() if isinstance(error, UnidentifiedImageError) else None
        problem = describe_problem(error, content)
        raise DataError(f"{path} cannot be read as an image: {problem}") from error
    return Source(str(path), path.name, torch.from_numpy(pixels.copy()))
