"""From a recipe's [data] table to image sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from vae_tui.data.arrays import read_arrays, read_binarized_mnist
from vae_tui.data.binarize import binarize_once
from vae_tui.data.digits import read_digits
from vae_tui.data.folder import read_folder
from vae_tui.data.mnist import read_mnist
from vae_tui.data.progress import Progress, paced
from vae_tui.data.sets import ImageSets, StoredSets
from vae_tui.data.splits import separate
from vae_tui.errors import DataError
from vae_tui.recipe import DataTable


def load_image_sets(data: DataTable, *, seed: int, data_root: Path, progress: Progress) -> ImageSets:
    """Read an image set, cut what splits it lacks, and draw black and white where the recipe asks for it.

    The same seed gives the same splits and the same draws on every machine. With `binarize = "dynamic"` the training
    images stay grey, for `binarize` to draw them anew for each batch. Raises DataError where images are missing, broken
    or too few.
    """
    try:
        stored = _read(data, data_root, paced(progress))
    except OSError as error:
        if error.filename is None:
            raise
        raise DataError(f"{error.filename} cannot be read: {error.strerror}") from error
    sets = separate(
        stored,
        validation_share=data.validation,
        test_share=data.test,
        seed=seed,
        source=data.root or data.name,
    )
    if data.binarize == "none":
        return sets
    validation = sets.validation
    if validation is not None:
        validation = binarize_once(validation, seed=seed, split="validation")
    return ImageSets(
        train=sets.train if data.binarize == "dynamic" else binarize_once(sets.train, seed=seed, split="train"),
        validation=validation,
        test=binarize_once(sets.test, seed=seed, split="test"),
        class_names=sets.class_names,
        skipped=sets.skipped,
    )


def default_data_root() -> Path:
    """Where image sets are kept unless --data-root says otherwise: the user's cache folder."""
    return platformdirs.user_cache_path("vae-tui", appauthor=False) / "data"


def find_data_root(given: Path | None, metadata: Mapping[str, Any] | None) -> Path:
    """The folder given, else that of a checkpoint's training, by its metadata and if it is still there, else the cache."""
    known = (metadata or {}).get("data_root")
    if given is None and isinstance(known, str) and Path(known).is_dir():
        return Path(known)
    return given or default_data_root()


def _read(data: DataTable, data_root: Path, progress: Progress) -> StoredSets:
    if data.name == "digits":
        return read_digits(*_sides(data), progress)
    if data.name == "mnist" or data.name == "fashion-mnist":
        return read_mnist(data.name, data_root.expanduser(), progress)
    if data.name == "binarized-mnist":
        return read_binarized_mnist(data_root.expanduser(), progress)
    assert data.root is not None  # the recipe refuses the sets below without it
    root = Path(data.root).expanduser()
    if data.name == "npz":
        return read_arrays(root, progress)
    height, width = _sides(data)
    return read_folder(root, height=height, width=width, channels=data.channels, progress=progress)


def _sides(data: DataTable) -> tuple[int, int]:
    """Height and width that images are brought to."""
    assert data.image_size is not None  # the recipe chooses one for every set that has this key
    return data.image_size if isinstance(data.image_size, tuple) else (data.image_size, data.image_size)
