"""Images kept as NumPy arrays, .npz and .npy, or as the pages of a TIFF file."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data import decoded_cache
from vae_tui.data.array_file import Opener, PythonObjects, damage_told, open_arrays
from vae_tui.data.array_names import Chosen, choose_arrays
from vae_tui.data.array_shape import Layout, find_layout
from vae_tui.data.array_values import ValuesSeen, are_black_and_white
from vae_tui.data.labels import UnusableLabels, index_factors, index_labels, simplify_labels
from vae_tui.data.memory import in_gib
from vae_tui.data.photo_tree import tell_other_splits, tell_others
from vae_tui.data.progress import Progress
from vae_tui.data.rows import CacheUnavailable, Rows, Shape
from vae_tui.data.sets import PackedImages, StoredSets
from vae_tui.data.stored_array import StoredArray
from vae_tui.data.streamed import AnyPixels, StreamedPixels
from vae_tui.errors import DataError

_BLOCK_BYTES = 1 << 22
_READING = 2
"""To be raised whenever the same arrays are to come out as other pixels."""
_MOST_BYTES_BESIDE = 1 << 30
_DSPRITES_FACTORS = ("color", "shape", "scale", "orientation", "x", "y")


@dataclass(frozen=True)
class _Split:
    """The images of one split; `values` fills as they are read."""

    name: str
    images: StoredArray
    layout: Layout
    values: ValuesSeen

    def __len__(self) -> int:
        return self.images.shape[0]


def read_arrays(
    path: Path, key: str | None, memory_bytes: int, progress: Progress, *, channels: int | None = None
) -> StoredSets:
    """Read a .npy or a TIFF file of images, or a .npz or a folder of .npy with images of any split, labels and factors.

    Which arrays of a .npz these are, their names and shapes say; `key` names the images to train on. What axes mean is
    for `find_layout`, given how many `channels` there are, where that is known; values are bytes or other whole numbers in 0..255, floats in [0, 1], or booleans; whole numbers that
    are nowhere above 1 are taken as black and white. What was assumed, and what was not used, is noted. Images that as
    bytes take more than half of `memory_bytes` are left where they are in a .npy of bytes, and else written as bytes to the
    user's cache folder, once for the same content. Raises DataError, naming the array, for anything else.
    """
    notes: list[str] = []
    with ExitStack() as open_files:
        arrays = open_arrays(path, open_files)
        shapes = {name: _shape_of(opener) for name, opener in arrays.items()}
        chosen = choose_arrays(shapes, key, path, channels)
        splits = [_open_split(split, name, arrays, path, channels) for split, name in chosen.images.items()]
        for split in splits[1:]:
            _require_alike(split, splits[0])
        notes += [
            f"{split.images.title} {split.images.shape}: {note}" for split in splits[:1] if (note := split.layout.note)
        ]
        shape = (sum(map(len, splits)), *splits[0].layout.image_shape)
        parts = _read_images(path, splits, shape, memory_bytes, progress)
        notes += [f"{split.images.title}: {note}" for split in splits if (note := split.values.note())]
        labels, class_names = _read_labels(arrays, chosen, splits, path, notes)
        factors, factor_names = _read_factors(arrays, chosen, splits, path, notes)
    if len(arrays) > 1 and chosen.images["train"] not in ("images", "train_images"):
        notes.insert(0, "images: " + ", ".join(f"{split} `{name}`" for split, name in chosen.images.items()))
    if path.is_dir():
        notes[:0] = tell_others(path, [path / f"{name}.npy" for name in arrays])
    else:
        notes[:0] = tell_other_splits(path)
    if chosen.unused:
        notes.insert(0, f"not used: {_named(chosen.unused)} in {path.name}")
    sets = {
        split.name: PackedImages(pixels, labels.get(split.name), factors.get(split.name))
        for split, pixels in zip(splits, parts, strict=True)
    }
    return StoredSets(
        sets["train"],
        sets.get("validation"),
        sets.get("test"),
        class_names,
        notes=tuple(notes),
        factor_names=factor_names,
    )


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8:,} more" if len(names) > 8 else ""
    return ", ".join(f"`{name}`" for name in names[:8]) + more


def _shape_of(opener: Opener) -> tuple[int, ...] | None:
    try:
        with damage_told(""):
            return opener().shape
    except DataError:
        return None


def _open_split(split: str, name: str, arrays: Mapping[str, Opener], path: Path, channels: int | None) -> _Split:
    with damage_told(f"{path}: `{name}`"):
        images = arrays[name]()
    layout = find_layout(images.shape, str(images), channels)
    if images.dtype.kind not in "buif":
        raise DataError(f"{images}; expected bytes, whole numbers in 0..255, floats in [0, 1] or booleans")
    return _Split(split, images, layout, ValuesSeen(str(images), images.dtype.kind))


def _require_alike(split: _Split, first: _Split) -> None:
    if split.layout.image_shape != first.layout.image_shape:
        shapes = [" x ".join(map(str, of.layout.image_shape)) for of in (split, first)]
        raise DataError(f"{split.images.name} is {shapes[0]} (C x H x W), but {first.images.name} is {shapes[1]}")


def _read_labels(
    arrays: Mapping[str, Opener], chosen: Chosen, splits: Sequence[_Split], path: Path, notes: list[str]
) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
    """The labels of each split that has some that can be used, and the names of the classes."""
    found: dict[str, NDArray[Any]] = {}
    told: dict[str, list[str]] = {}
    for split in splits:
        if split.name not in chosen.labels:
            continue
        name = chosen.labels[split.name]
        try:
            found[split.name], note = simplify_labels(_read_beside(arrays, name, path), len(split))
        except UnusableLabels as error:
            note = f"they are left out: {error}"
        if note is not None:
            told.setdefault(note, []).append(name)
    notes += [f"labels {_named(names)}: {note}" for note, names in told.items()]
    try:
        return index_labels(found)
    except UnusableLabels as error:
        notes.append(f"labels {_named([chosen.labels[split] for split in found])}: they are left out: {error}")
        return {}, ()


def _read_factors(
    arrays: Mapping[str, Opener], chosen: Chosen, splits: Sequence[_Split], path: Path, notes: list[str]
) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
    """The factors of each split, where every split has them, and their names."""
    if not {split.name for split in splits} <= chosen.factors.keys():
        return {}, ()
    names = [chosen.factors[split.name] for split in splits]
    try:
        stored = [_read_beside(arrays, name, path) for name in names]
        for split, values in zip(splits, stored, strict=True):
            if values.shape[:1] != (len(split),) or values.shape[1:] != stored[0].shape[1:]:
                raise UnusableLabels(f"they are {values.dtype} {values.shape} for {len(split):,} images")
        counted, columns = index_factors(np.concatenate(stored))
    except UnusableLabels as error:
        notes.append(f"factors {_named(names)}: they are left out: {error}")
        return {}, ()
    is_dsprites = stored[0].shape[1] == len(_DSPRITES_FACTORS) and names[0].startswith("latents")
    told = [_DSPRITES_FACTORS[column] if is_dsprites else f"factor {column}" for column in columns]
    parts = torch.split(counted, [len(split) for split in splits])
    return {split.name: part for split, part in zip(splits, parts, strict=True)}, tuple(told)


def _read_beside(arrays: Mapping[str, Opener], name: str, path: Path) -> NDArray[Any]:
    """What is known of the images; raises UnusableLabels for Python objects, which are not unpickled."""
    with damage_told(f"{path}: `{name}`"):
        try:
            stored = arrays[name]()
        except PythonObjects:
            raise UnusableLabels("they are Python objects") from None
        if stored.byte_count > _MOST_BYTES_BESIDE:
            raise UnusableLabels(f"they take {in_gib(stored.byte_count)}")
        return stored.read()


def _read_images(
    path: Path, splits: Sequence[_Split], shape: Shape, memory_bytes: int, progress: Progress
) -> Sequence[AnyPixels]:
    """The images of each split: in memory where there is room for them and for the copies that cutting splits takes."""
    byte_count = math.prod(shape)
    fits, fits_twice = byte_count <= memory_bytes, 2 * byte_count <= memory_bytes
    is_fortran = any(split.images.is_fortran for split in splits)
    if fits_twice or (fits and is_fortran):
        return _read_in_memory(splits, progress)
    if is_fortran:
        raise DataError(
            f"{path}: the images take more than [data] memory_gib allows, and cannot stream from disk as they are in "
            "Fortran order, images last; save them with np.ascontiguousarray"
        )
    in_place = _stream_in_place(splits[0], progress) if len(splits) == 1 else None
    if in_place is not None:
        return [in_place]
    try:
        return _write_once(path, splits, shape, progress)
    except CacheUnavailable as error:
        if not fits:
            raise decoded_cache.cannot_stream(path, byte_count, memory_bytes, error) from error
        return _read_in_memory(splits, progress)


def _read_in_memory(splits: Sequence[_Split], progress: Progress) -> list[torch.Tensor]:
    """The images of each split, (N, C, H, W)."""
    parts = [np.empty((len(split), *split.layout.image_shape), np.uint8) for split in splits]

    def put(number: int, start: int, images: NDArray[np.uint8]) -> None:
        parts[number][start : start + len(images)] = images

    if _copy(splits, put, progress):
        for pixels, split in zip(parts, splits, strict=True):
            if split.values.is_whole:
                pixels *= 255
    return [torch.from_numpy(pixels) for pixels in parts]


def _stream_in_place(split: _Split, progress: Progress) -> StreamedPixels | None:
    """The images of a .npy of bytes where they are, unless they are 0 and 1 for black and white; None of any other."""
    images = split.images
    if images.path is None or images.dtype != np.uint8 or images.is_fortran:
        return None
    done = 0
    with damage_told(images.name), closing(images.read_images(split.layout)) as parts:
        for part in parts:
            if part.max() > 1:
                descriptor = os.open(images.path, os.O_RDONLY | os.O_CLOEXEC)
                shape = (len(split), *split.layout.image_shape)
                is_last = split.layout.order == "channels last"
                return StreamedPixels(
                    Rows(images.path, descriptor, shape, offset=images.header_bytes, channels_last=is_last)
                )
            done += len(part)
            progress("reading arrays", done, len(split))
    return None


def _write_once(path: Path, splits: Sequence[_Split], shape: Shape, progress: Progress) -> list[StreamedPixels]:
    """The images of each split on disk, from the cache, written now where they are not in it.

    Raises CacheUnavailable.
    """
    firsts = np.cumsum([0, *map(len, splits)])[:-1].tolist()
    # One file holds several arrays, of which other runs may choose others.
    key = hashlib.sha256(
        f"{_key(splits, path, progress)} {[split.images.title for split in splits]}".encode()
    ).hexdigest()
    file = decoded_cache.open(shape, key)
    if file is None:
        with decoded_cache.create(shape) as writer:
            spread = np.uint8(1)

            def put(number: int, start: int, images: NDArray[np.uint8]) -> None:
                writer.write(firsts[number] + start, images * spread if splits[number].values.is_whole else images)

            if _copy(splits, put, progress):
                spread = np.uint8(255)
                _copy(splits, put, progress)
            ranges = {split.name: [split.values.lowest, split.values.highest] for split in splits}
            file = writer.finish(decoded_cache.cache_name(shape, key), {"ranges": ranges})
    else:
        for split in splits:
            split.values.lowest, split.values.highest = file.facts.get("ranges", {}).get(split.name, (0, 0))
    return [
        StreamedPixels(file, np.arange(first, first + len(split))) for first, split in zip(firsts, splits, strict=True)
    ]


def _copy(splits: Sequence[_Split], put: Callable[[int, int, NDArray[np.uint8]], None], progress: Progress) -> bool:
    """Put the images of all splits, bytes (n, C, H, W), where they go: by the split's number and the first one's index.

    Returns whether the whole numbers among them are black and white, no 1 in any split being exceeded.
    """
    stage, done, total = "reading arrays", 0, sum(map(len, splits))
    progress(stage, 0, total)
    for number, split in enumerate(splits):
        start = 0
        with damage_told(split.images.name):
            for images in split.images.read_images(split.layout):
                put(number, start, split.values.to_bytes(images, start).transpose(0, 3, 1, 2))
                start += len(images)
                progress(stage, done + start, total)
        done += start
    return are_black_and_white([split.values for split in splits])


def _key(splits: Sequence[_Split], path: Path, progress: Progress) -> str:
    """What stands for the pixels in the file of the splits, or in the file of each, by its content."""
    key = hashlib.sha256(f"arrays {_READING}".encode())
    paths = list(dict.fromkeys(split.images.path or path for split in splits))
    stage, done, total = "looking for changed images", 0, sum(each.stat().st_size for each in paths)
    for each in paths:
        key.update(str(each.stat().st_size).encode())
        with damage_told(str(each)), each.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                key.update(block)
                done += len(block)
                progress(stage, done, total)
    return key.hexdigest()
