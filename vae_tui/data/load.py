"""From a recipe's [data] table to image sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

import torch

from vae_tui.data.arrays import read_arrays
from vae_tui.data.binarize import binarize_on_disk, binarize_once
from vae_tui.data.binarized_mnist import read_binarized_mnist
from vae_tui.data.brightness import tell_brightness
from vae_tui.data.cifar import read_cifar
from vae_tui.data.csv_table import read_csv
from vae_tui.data.decoded_cache import cannot_stream
from vae_tui.data.digits import read_digits
from vae_tui.data.factor_sets import read_dsprites, read_shapes3d
from vae_tui.data.folder import read_folder
from vae_tui.data.idx_sets import MnistName, idx_set
from vae_tui.data.memory import in_gib, memory_limit
from vae_tui.data.mnist import read_mnist
from vae_tui.data.progress import Progress, paced
from vae_tui.data.rows import CacheUnavailable
from vae_tui.data.sets import ImageSets, PackedImages, StoredSets
from vae_tui.data.splits import separate
from vae_tui.data.sprites import read_sprites
from vae_tui.data.streamed import StreamedPixels, in_slices
from vae_tui.data.torchvision_sets import SETS, read_torchvision
from vae_tui.errors import DataError
from vae_tui.folders import user_cache
from vae_tui.recipe import DataTable
from vae_tui.runs.files import user_path
from vae_tui.wording import counted

_BYTES_AT_ONCE = 1 << 24


def load_image_sets(data: DataTable, *, seed: int, data_root: Path, progress: Progress) -> ImageSets:
    """Read an image set, cut what splits it lacks, and draw black and white where the recipe asks for it.

    The same seed gives the same splits and the same draws on every machine. With `binarize = "dynamic"` the training
    images stay grey, for `binarize` to draw them anew for each batch. PackedImages of a folder or an array that take more
    than `memory_gib` stay on disk; sprites are drawn whenever they are read. Raises DataError where images are missing,
    broken or too few, or where there is no room for them.
    """
    progress = paced(progress)
    memory_bytes = memory_limit(data.memory_gib)
    try:
        stored = _read(data, data_root, memory_bytes, progress)
    except OSError as error:
        if error.filename is None:
            raise
        raise DataError(f"{error.filename} cannot be read: {error.strerror}") from error
    if data.name in ("npz", "csv", "folder"):
        stored = replace(stored, notes=(*stored.notes, *tell_brightness(stored)))
    sets = separate(
        stored,
        validation_share=data.validation,
        test_share=data.test,
        seed=seed,
        source=data.root or data.name,
    )
    del stored  # what was cut from it takes as much
    draws = data.name == "sprites"  # quicker than memory fills, and than a disk reads
    streams = isinstance(sets.train.pixels, StreamedPixels) and sets.byte_count > memory_bytes and not draws

    def settle(images: PackedImages, split: str) -> PackedImages:
        if data.binarize == "static" or (data.binarize == "dynamic" and split != "train"):
            if streams:
                return binarize_on_disk(images, seed=seed, split=split, progress=progress)
            if draws and images.byte_count > memory_bytes:
                raise DataError(
                    f"{data.name}: {split} images drawn in black and white take {in_gib(images.byte_count)}, and "
                    f"{in_gib(memory_bytes)} are free for them; lower data.{split}, or leave data.binarize"
                )
            return binarize_once(images, seed=seed, split=split)
        return images if streams or draws else _in_memory(images, split, progress)

    try:
        settled = replace(
            sets,
            train=settle(sets.train, "train"),
            validation=settle(sets.validation, "validation") if sets.validation is not None else None,
            test=settle(sets.test, "test"),
        )
    except CacheUnavailable as error:
        raise cannot_stream(data.root or data.name, sets.byte_count, memory_bytes, error) from error
    channel_count = sets.train.pixels.shape[1]
    if data.shown is not None and max(data.shown) >= channel_count:
        raise DataError(
            f"[data] shown = {list(data.shown)}: these images have {counted(channel_count, 'channel')}, counted from 0"
        )
    if not streams:
        return settled
    allowed = (
        f"{in_gib(memory_bytes)}, half of what is available" if data.memory_gib == "auto" else f"{data.memory_gib:g}"
    )
    note = f"{in_gib(sets.byte_count)} of images stream from disk: [data] memory_gib allows {allowed}"
    return replace(settled, notes=(*settled.notes, note))


def default_data_root() -> Path:
    """Where image sets are without --data-root: the user's cache folder."""
    return user_cache() / "data"


def find_data_root(given: Path | None, metadata: Mapping[str, Any] | None) -> Path:
    """The folder given, else that of a checkpoint's training, by its metadata and if it is still there, else the cache."""
    known = (metadata or {}).get("data_root")
    if given is None and isinstance(known, str) and Path(known).is_dir():
        return Path(known)
    return given or default_data_root()


def _in_memory(images: PackedImages, split: str, progress: Progress) -> PackedImages:
    """The same images, none of them left on disk."""
    if isinstance(images.pixels, torch.Tensor):
        return images
    pixels = torch.empty(images.pixels.shape, dtype=torch.uint8)
    count = max(1, _BYTES_AT_ONCE * len(images) // images.byte_count)
    for number, part in enumerate(in_slices(images.pixels, count)):
        pixels[number * count : number * count + len(part)] = part
        progress(f"reading {split} images", number * count + len(part), len(images))
    return replace(images, pixels=pixels)


def _read(data: DataTable, data_root: Path, memory_bytes: int, progress: Progress) -> StoredSets:
    if data.name == "digits":
        return read_digits(*_sides(data), progress)
    if data.name == "sprites":
        return read_sprites(_sides(data)[0], progress)
    if data.name in get_args(MnistName):
        mnist = idx_set(cast(MnistName, data.name), data.split)
        return read_mnist(mnist, user_path(str(data_root)), memory_bytes, progress)
    if data.name == "cifar10" or data.name == "cifar100":
        return read_cifar(data.name, user_path(str(data_root)), memory_bytes, progress)
    if data.name == "dsprites":
        return read_dsprites(user_path(str(data_root)), memory_bytes, progress)
    if data.name == "3dshapes":
        return read_shapes3d(user_path(str(data_root)), memory_bytes, progress)
    if data.name in SETS:
        sides = None if data.image_size is None else _sides(data)
        return read_torchvision(data.name, user_path(str(data_root)), sides, memory_bytes, progress)
    if data.name == "binarized-mnist":
        return read_binarized_mnist(user_path(str(data_root)), memory_bytes, progress)
    assert data.root is not None  # the recipe refuses the sets below without it
    root = user_path(data.root)
    if data.name == "npz":
        return read_arrays(root, data.key, memory_bytes, progress, channels=data.channels)
    if data.name == "csv":
        return read_csv(root, memory_bytes, progress)
    height, width = _sides(data)
    assert data.channels is not None  # a folder has them
    return read_folder(
        root, height=height, width=width, channels=data.channels, memory_bytes=memory_bytes, progress=progress
    )


def _sides(data: DataTable) -> tuple[int, int]:
    """Height and width that images are brought to."""
    assert data.image_size is not None  # the recipe chooses one for every set that has this key
    return data.image_size if isinstance(data.image_size, tuple) else (data.image_size, data.image_size)
