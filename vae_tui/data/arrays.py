"""Images kept as NumPy arrays: .npz, .npy, and the binarised MNIST that is passed around as one."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data.progress import Progress
from vae_tui.data.sets import Images, StoredSets
from vae_tui.errors import DataError

_PREFIXES = {"train": ("train_", ""), "validation": ("validation_", "valid_"), "test": ("test_",)}
"""What the names of a split's `images` and `labels` begin with."""
_VALUES_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class _Split:
    """The arrays of one split; `name` and `label_name` say which they are in messages."""

    name: str
    pixels: NDArray[np.uint8]
    whole_numbers: bool
    label_name: str | None
    labels: NDArray[Any] | None


def read_arrays(path: Path, progress: Progress) -> StoredSets:
    """Read a .npy with images, or a .npz with `images` or `train_images` and any of the other splits and labels.

    Images are (N, H, W) or (N, H, W, C), C 1 or 3: bytes or other whole numbers in 0..255, floats in [0, 1], or
    booleans; whole numbers that are nowhere above 1 are taken as black and white. Labels are (N,), whole numbers or
    strings. Raises DataError, naming the array, for anything else.
    """
    if path.is_dir():
        raise DataError(f'{path} is a folder; expected a .npz or .npy file (data.name = "folder" reads photos)')
    if not path.is_file():
        raise DataError(f"{path}: no such file; data.root names a .npz or .npy file")
    progress("reading arrays", 0, None)
    with ExitStack() as open_files:
        arrays = _load(path, open_files)
        splits: dict[str, _Split] = {}
        for split_name, prefixes in _PREFIXES.items():
            name = _choose(arrays, prefixes, "images", path)
            if name is not None:
                splits[split_name] = _read_split(arrays, name, _choose(arrays, prefixes, "labels", path), path)
        if "train" not in splits:
            found = ", ".join(arrays) or "nothing"
            raise DataError(f"{path} has neither `images` nor `train_images`; it holds {found}")
    for split in splits.values():
        if split.pixels.shape[1:] != splits["train"].pixels.shape[1:]:
            shapes = [" x ".join(map(str, s.pixels.shape[1:])) for s in (split, splits["train"])]
            raise DataError(f"{split.name} is {shapes[0]} (C x H x W), but {splits['train'].name} is {shapes[1]}")
    _spread_black_and_white([split.pixels for split in splits.values() if split.whole_numbers])
    progress("reading arrays", 1, 1)
    return _assemble(splits)


def find_binarized_mnist(data_root: Path) -> list[Path]:
    """The .npz files under BinarizedMNIST; there should be one."""
    return sorted((data_root / "BinarizedMNIST").glob("*.npz"))


def read_binarized_mnist(data_root: Path, progress: Progress) -> StoredSets:
    """Read the one .npz under BinarizedMNIST; raises DataError where it is missing or not black and white."""
    folder = data_root / "BinarizedMNIST"
    found = find_binarized_mnist(data_root)
    if not found:
        raise DataError(
            f"binarized-mnist: no .npz file in {folder}; expected one with train_images, valid_images and test_images "
            "of 0 and 1. Name the folder that holds BinarizedMNIST with --data-root, or draw black and white from grey "
            "images: --set data.name=mnist --set data.binarize=static, or the embedded --set data.name=digits"
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DataError(f"binarized-mnist: expected one .npz file in {folder}, found {len(found)}: {names}")
    stored = read_arrays(found[0], progress)
    if stored.test is None:
        raise DataError(f"{found[0]} has no `test_images`")
    for images in (stored.train, stored.validation, stored.test):
        if images is not None and bool(((images.pixels != 0) & (images.pixels != 255)).any()):
            raise DataError(f'{found[0]} holds grey pixels, expected 0 and 1 alone; data.name = "npz" reads them')
    return stored


def _load(path: Path, open_files: ExitStack) -> Mapping[str, NDArray[Any]]:
    """The arrays in a file by name, those of a .npz read when they are asked for; a .npy holds one, `images`."""
    with _damage_told(str(path)):
        file = open_files.enter_context(path.open("rb"))
        magic = file.read(6)
        file.seek(0)
        if magic == b"\x93NUMPY":
            # Mapped, so that a set of floats is never in memory as a whole.
            return {"images": np.load(path, mmap_mode="r", allow_pickle=False)}
        if magic.startswith(b"PK"):
            return open_files.enter_context(np.load(file, allow_pickle=False))
    raise DataError(f"{path} is no .npz or .npy file")


@contextmanager
def _damage_told(what: str) -> Iterator[None]:
    """Raise DataError for whatever NumPy finds wrong with a file or an array in it."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{what} cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{what} is damaged, was cut short, or holds Python objects instead of numbers") from error


def _choose(names: Collection[str], prefixes: tuple[str, ...], kind: str, path: Path) -> str | None:
    found = [prefix + kind for prefix in prefixes if prefix + kind in names]
    if len(found) > 1:
        raise DataError(f"{path} has both `{found[0]}` and `{found[1]}`; expected one of them")
    return found[0] if found else None


def _read_split(arrays: Mapping[str, NDArray[Any]], name: str, label_name: str | None, path: Path) -> _Split:
    name_told = f"{path}: `{name}`"
    with _damage_told(name_told):
        images = arrays[name]
    _check_images(images, name_told)
    pixels = np.ascontiguousarray(_to_bytes(images, name_told).transpose(0, 3, 1, 2))
    whole_numbers = images.dtype.kind in "iu"
    if label_name is None:
        return _Split(name_told, pixels, whole_numbers, None, None)
    label_name_told = f"{path}: `{label_name}`"
    with _damage_told(label_name_told):
        labels = arrays[label_name]
    if labels.shape != (len(images),) or labels.dtype.kind not in "iubU":
        raise DataError(
            f"{label_name_told} is {_describe(labels)}; expected one label, a whole number or a string, "
            f"for each of the {len(images):,} images: ({len(images)},)"
        )
    if labels.dtype.kind != "U":
        labels = labels.astype(np.int64)
    return _Split(name_told, pixels, whole_numbers, label_name_told, labels)


def _check_images(images: NDArray[Any], name: str) -> None:
    expected = "expected (N, H, W) or (N, H, W, C) with C 1 or 3"
    found = f"{name} is {_describe(images)}"
    if images.ndim not in (3, 4):
        raise DataError(f"{found}; {expected}")
    if images.size == 0:
        raise DataError(f"{found}: it is empty; {expected}")
    if images.ndim == 4 and images.shape[3] not in (1, 3):
        hint = "; move the channels to the end" if images.shape[1] in (1, 3) else ""
        raise DataError(f"{found}; {expected}{hint}")
    if images.dtype.kind not in "buif":
        raise DataError(f"{found}; expected bytes, whole numbers in 0..255, floats in [0, 1] or booleans")


def _to_bytes(images: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Turn values into bytes (N, H, W, C), some images at a time; raises DataError for values out of range."""
    found = f"{name} is {_describe(images)}"
    if images.ndim == 3:
        images = images[..., None]
    scale, highest = {"b": (255, 1), "f": (255, 1)}.get(images.dtype.kind, (1, 255))
    pixels = np.empty(images.shape, np.uint8)
    rows = max(1, _VALUES_AT_ONCE // images[0].size)
    for start in range(0, len(images), rows):
        block = images[start : start + rows]
        lowest_found, highest_found = block.min(), block.max()
        if not (lowest_found >= 0 and highest_found <= highest):  # written so that NaN is refused too
            expected = "floats in [0, 1]; for 0 to 255, save bytes" if scale == 255 else "whole numbers in 0..255"
            held = "NaN" if lowest_found != lowest_found else f"values from {lowest_found} to {highest_found}"
            raise DataError(f"{found} and holds {held}; expected {expected}")
        if block.dtype.kind == "f":
            pixels[start : start + rows] = np.rint(block.astype(np.float32) * np.float32(255))
        else:
            pixels[start : start + rows] = block
            pixels[start : start + rows] *= scale
    return pixels


def _spread_black_and_white(splits: list[NDArray[np.uint8]]) -> None:
    """Make 255 of every 1, in place, where no pixel of any split is above 1."""
    if all(pixels.max() <= 1 for pixels in splits):
        for pixels in splits:
            pixels *= 255


def _assemble(splits: Mapping[str, _Split]) -> StoredSets:
    values = [split.labels for split in splits.values() if split.labels is not None]
    if len({labels.dtype.kind for labels in values}) > 1:
        names = " and ".join(split.label_name for split in splits.values() if split.label_name)
        raise DataError(f"{names} differ in kind: expected whole numbers in all of them, or strings")
    classes = np.unique(np.concatenate(values)) if values else np.array([])
    sets = {}
    for name, split in splits.items():
        labels = None
        if split.labels is not None:
            labels = torch.from_numpy(np.searchsorted(classes, split.labels).astype(np.int64))
        sets[name] = Images(torch.from_numpy(split.pixels), labels)
    class_names = tuple(str(value) for value in classes.tolist())
    return StoredSets(sets["train"], sets.get("validation"), sets.get("test"), class_names)


def _describe(array: NDArray[Any]) -> str:
    return f"{array.dtype} {array.shape}"
