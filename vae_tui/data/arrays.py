"""Images kept as NumPy arrays: .npz, .npy, and the binarised MNIST that is passed around as one."""

from __future__ import annotations

import hashlib
import lzma
import math
import os
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data import decoded_cache
from vae_tui.data.progress import Progress
from vae_tui.data.rows import CacheUnavailable, Rows, Shape
from vae_tui.data.sets import PackedImages, StoredSets
from vae_tui.data.streamed import AnyPixels, StreamedPixels, in_slices
from vae_tui.errors import DataError

_PREFIXES = {"train": ("train_", ""), "validation": ("validation_", "valid_"), "test": ("test_",)}
"""What the names of a split's `images` and `labels` begin with."""
_VALUES_AT_ONCE = 1 << 20
_IMAGES_AT_ONCE = 4096
_BLOCK_BYTES = 1 << 22
_READING = 1
"""To be raised whenever the same arrays are to come out as other pixels."""


class _StoredArray:
    """An array in a .npy file or in a member of a .npz: its header at once, its values some images at a time.

    Raises what NumPy raises for a damaged one.
    """

    def __init__(
        self, name: str, open_stream: Callable[[], IO[bytes]], byte_count: int, path: Path | None = None
    ) -> None:
        """`name` is what to call it, `open_stream` opens its `byte_count` bytes from the first on.

        `path` is the file that holds these bytes and nothing else.
        """
        self.name, self._open, self.path = name, open_stream, path
        with open_stream() as stream:
            self.shape, self.is_fortran, self.dtype = _read_header(stream)
            self.header_bytes = stream.tell()
        if self.dtype.hasobject:
            raise ValueError("Python objects")
        if self.header_bytes + self.byte_count > byte_count:
            raise EOFError("cut short")

    @property
    def byte_count(self) -> int:
        """How many bytes its values are."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """H, W, C."""
        height, width, channels = (*self.shape[1:], 1)[:3]
        return height, width, channels

    def read(self) -> NDArray[Any]:
        """All of it."""
        with self._open() as stream:
            array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
        return array

    def read_images(self) -> Generator[NDArray[Any]]:
        """Its images in order, (n, H, W, C), some at a time."""
        count = max(1, _VALUES_AT_ONCE // math.prod(self.shape[1:]))
        if self.is_fortran:
            yield from (
                part.reshape(-1, *self.image_shape)
                for part in np.split(self.read(), range(count, self.shape[0], count))
            )
            return
        with self._open() as stream:
            stream.read(self.header_bytes)
            for start in range(0, self.shape[0], count):
                shape = (min(count, self.shape[0] - start), *self.image_shape)
                content = stream.read(math.prod(shape) * self.dtype.itemsize)
                yield np.frombuffer(content, self.dtype).reshape(shape)
            stream.read(1)  # at its end, a member of a .npz is compared with its checksum

    def __str__(self) -> str:
        return f"{self.name} is {self.dtype} {self.shape}"


@dataclass(frozen=True)
class _Split:
    """What a file holds of one split."""

    images: _StoredArray
    label_name: str | None
    labels: NDArray[Any] | None

    def __len__(self) -> int:
        return self.images.shape[0]


def read_arrays(path: Path, memory_bytes: int, progress: Progress) -> StoredSets:
    """Read a .npy with images, or a .npz with `images` or `train_images` and any of the other splits and labels.

    Images are (N, H, W) or (N, H, W, C), C 1 or 3: bytes or other whole numbers in 0..255, floats in [0, 1], or
    booleans; whole numbers that are nowhere above 1 are taken as black and white. Labels are (N,), whole numbers or
    strings. Images that as bytes take more than half of `memory_bytes` are left where they are in a .npy of bytes, and
    else written as bytes to the user's cache folder, once for the same content. Raises DataError, naming the array, for anything else.
    """
    if path.is_dir():
        raise DataError(f'{path} is a folder; expected a .npz or .npy file (data.name = "folder" reads photos)')
    if not path.is_file():
        raise DataError(f"{path}: no such file; data.root names a .npz or .npy file")
    with ExitStack() as open_files:
        arrays = _open_arrays(path, open_files)
        splits: dict[str, _Split] = {}
        for split_name, prefixes in _PREFIXES.items():
            name = _choose(arrays, prefixes, "images", path)
            if name is not None:
                splits[split_name] = _open_split(arrays, name, _choose(arrays, prefixes, "labels", path), path)
        if "train" not in splits:
            found = ", ".join(arrays) or "nothing"
            raise DataError(f"{path} has neither `images` nor `train_images`; it holds {found}")
        for split in splits.values():
            if split.images.image_shape != splits["train"].images.image_shape:
                shapes = [
                    " x ".join(map(str, (c, h, w)))
                    for h, w, c in (s.images.image_shape for s in (split, splits["train"]))
                ]
                raise DataError(
                    f"{split.images.name} is {shapes[0]} (C x H x W), but {splits['train'].images.name} is {shapes[1]}"
                )
        height, width, channels = splits["train"].images.image_shape
        shape = (sum(map(len, splits.values())), channels, height, width)
        parts = _read_images(path, splits.values(), shape, memory_bytes, progress)
    return _assemble(dict(zip(splits, parts, strict=True)), splits)


def find_binarized_mnist(data_root: Path) -> list[Path]:
    """The .npz files under BinarizedMNIST; there should be one."""
    return sorted((data_root / "BinarizedMNIST").glob("*.npz"))


def read_binarized_mnist(data_root: Path, memory_bytes: int, progress: Progress) -> StoredSets:
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
    stored = read_arrays(found[0], memory_bytes, progress)
    if stored.test is None:
        raise DataError(f"{found[0]} has no `test_images`")
    for images in (stored.train, stored.validation, stored.test):
        if images is not None and any(map(_is_gray, in_slices(images.pixels, _IMAGES_AT_ONCE))):
            raise DataError(f'{found[0]} holds grey pixels, expected 0 and 1 alone; data.name = "npz" reads them')
    return stored


def _is_gray(pixels: torch.Tensor) -> bool:
    return bool(((pixels != 0) & (pixels != 255)).any())


def _open_arrays(path: Path, open_files: ExitStack) -> Mapping[str, Callable[[], _StoredArray]]:
    """The arrays in a file by name, to be opened; a .npy holds one, `images`."""
    with _damage_told(str(path)):
        with path.open("rb") as file:
            magic = file.read(6)
        if magic == b"\x93NUMPY":
            size = path.stat().st_size
            return {"images": lambda: _StoredArray(f"{path}: `images`", lambda: path.open("rb"), size, path)}
        if magic.startswith(b"PK"):
            archive = open_files.enter_context(zipfile.ZipFile(path))
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}

            def opener(name: str) -> Callable[[], _StoredArray]:
                info = members[name]
                return lambda: _StoredArray(f"{path}: `{name}`", lambda: archive.open(info), info.file_size)

            return {name: opener(name) for name in members}
    raise DataError(f"{path} is no .npz or .npy file")


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read(stream)
    if any(size < 0 for size in shape):
        raise ValueError("negative size")
    return shape, is_fortran and len(shape) > 1, dtype


_DAMAGE = (
    *(ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError),
    *(RuntimeError, NotImplementedError),  # encrypted, or compressed in a way that nobody knows
)
"""What reading a damaged archive or header raises."""


@contextmanager
def _damage_told(what: str) -> Iterator[None]:
    """Raise DataError for whatever NumPy finds wrong with a file or an array in it."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{what} cannot be read: {error.strerror or error}") from error
    except _DAMAGE as error:
        raise DataError(f"{what} is damaged, was cut short, or holds Python objects instead of numbers") from error


def _choose(names: Collection[str], prefixes: tuple[str, ...], kind: str, path: Path) -> str | None:
    found = [prefix + kind for prefix in prefixes if prefix + kind in names]
    if len(found) > 1:
        raise DataError(f"{path} has both `{found[0]}` and `{found[1]}`; expected one of them")
    return found[0] if found else None


def _open_split(
    arrays: Mapping[str, Callable[[], _StoredArray]], name: str, label_name: str | None, path: Path
) -> _Split:
    with _damage_told(f"{path}: `{name}`"):
        images = arrays[name]()
    _check_images(images)
    if label_name is None:
        return _Split(images, None, None)
    label_name_told = f"{path}: `{label_name}`"
    with _damage_told(label_name_told):
        stored = arrays[label_name]()
        labels = stored.read()
    if labels.shape != (images.shape[0],) or labels.dtype.kind not in "iubU":
        raise DataError(
            f"{stored}; expected one label, a whole number or a string, "
            f"for each of the {images.shape[0]:,} images: ({images.shape[0]},)"
        )
    if labels.dtype.kind != "U":
        labels = labels.astype(np.int64)
    return _Split(images, label_name_told, labels)


def _read_images(
    path: Path, splits: Collection[_Split], shape: Shape, memory_bytes: int, progress: Progress
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
    in_place = _stream_in_place(next(iter(splits)).images, progress)
    if in_place is not None:
        return [in_place]
    try:
        return _write_once(path, splits, shape, progress)
    except CacheUnavailable as error:
        if not fits:
            raise decoded_cache.cannot_stream(path, byte_count, memory_bytes, error) from error
        return _read_in_memory(splits, progress)


def _read_in_memory(splits: Collection[_Split], progress: Progress) -> list[torch.Tensor]:
    """The images of each split, (N, C, H, W)."""
    height, width, channels = next(iter(splits)).images.image_shape
    parts = [np.empty((len(split), channels, height, width), np.uint8) for split in splits]

    def put(number: int, start: int, images: NDArray[np.uint8]) -> None:
        parts[number][start : start + len(images)] = images

    if _copy(splits, put, progress):
        for pixels, split in zip(parts, splits, strict=True):
            if split.images.dtype.kind in "iu":
                pixels *= 255
    return [torch.from_numpy(pixels) for pixels in parts]


def _stream_in_place(images: _StoredArray, progress: Progress) -> StreamedPixels | None:
    """The images of a .npy of bytes where they are, unless they are 0 and 1 for black and white; None of any other."""
    if images.path is None or images.dtype != np.uint8 or images.is_fortran:
        return None
    done = 0
    with _damage_told(images.name), closing(images.read_images()) as parts:
        for part in parts:
            if part.max() > 1:
                height, width, channels = images.image_shape
                descriptor = os.open(images.path, os.O_RDONLY | os.O_CLOEXEC)
                shape = images.shape[0], channels, height, width
                return StreamedPixels(
                    Rows(images.path, descriptor, shape, offset=images.header_bytes, channels_last=True)
                )
            done += len(part)
            progress("reading arrays", done, images.shape[0])
    return None


def _write_once(path: Path, splits: Collection[_Split], shape: Shape, progress: Progress) -> list[StreamedPixels]:
    """The images of each split on disk, from the cache, written now where they are not in it.

    Raises CacheUnavailable.
    """
    firsts = np.cumsum([0, *map(len, splits)])[:-1].tolist()
    key = _key(path, progress)
    file = decoded_cache.open(shape, key)
    if file is None:
        with decoded_cache.create(shape) as writer:
            spread = np.uint8(1)

            def put(number: int, start: int, images: NDArray[np.uint8]) -> None:
                whole_numbers = list(splits)[number].images.dtype.kind in "iu"
                writer.write(firsts[number] + start, images * spread if whole_numbers else images)

            if _copy(splits, put, progress):
                spread = np.uint8(255)
                _copy(splits, put, progress)
            file = writer.finish(decoded_cache.cache_name(shape, key), {})
    return [
        StreamedPixels(file, np.arange(first, first + len(split))) for first, split in zip(firsts, splits, strict=True)
    ]


def _copy(splits: Collection[_Split], put: Callable[[int, int, NDArray[np.uint8]], None], progress: Progress) -> bool:
    """Put the images of all splits, bytes (n, C, H, W), where they go: by the split's number and the first one's index.

    Returns whether the whole numbers among them are black and white, no 1 in any split being exceeded.
    """
    stage, done, total = "reading arrays", 0, sum(map(len, splits))
    progress(stage, 0, total)
    highest = -1
    for number, split in enumerate(splits):
        start = 0
        with _damage_told(split.images.name):
            for images in split.images.read_images():
                pixels = _to_bytes(images, str(split.images))
                if images.dtype.kind in "iu":
                    highest = max(highest, int(pixels.max()))
                put(number, start, pixels.transpose(0, 3, 1, 2))
                start += len(images)
                progress(stage, done + start, total)
        done += start
    return highest == 1


def _key(path: Path, progress: Progress) -> str:
    """What stands for the pixels in a file, by its content."""
    key = hashlib.sha256(f"arrays {_READING}".encode())
    stage, done, total = "looking for changed images", 0, path.stat().st_size
    with _damage_told(str(path)), path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            key.update(block)
            done += len(block)
            progress(stage, done, total)
    return key.hexdigest()


def _check_images(images: _StoredArray) -> None:
    expected = "expected (N, H, W) or (N, H, W, C) with C 1 or 3"
    found = str(images)
    if len(images.shape) not in (3, 4):
        raise DataError(f"{found}; {expected}")
    if 0 in images.shape:
        raise DataError(f"{found}: it is empty; {expected}")
    if len(images.shape) == 4 and images.shape[3] not in (1, 3):
        hint = "; move the channels to the end" if images.shape[1] in (1, 3) else ""
        raise DataError(f"{found}; {expected}{hint}")
    if images.dtype.kind not in "buif":
        raise DataError(f"{found}; expected bytes, whole numbers in 0..255, floats in [0, 1] or booleans")


def _to_bytes(images: NDArray[Any], found: str) -> NDArray[np.uint8]:
    """Turn values into bytes; raises DataError, beginning with `found`, for values out of range."""
    scale, highest = {"b": (255, 1), "f": (255, 1)}.get(images.dtype.kind, (1, 255))
    lowest_found, highest_found = images.min(), images.max()
    if not (lowest_found >= 0 and highest_found <= highest):  # written so that NaN is refused too
        expected = "floats in [0, 1]; for 0 to 255, save bytes" if scale == 255 else "whole numbers in 0..255"
        held = "NaN" if lowest_found != lowest_found else f"values from {lowest_found} to {highest_found}"
        raise DataError(f"{found} and holds {held}; expected {expected}")
    if images.dtype.kind == "f":
        images = np.rint(images.astype(np.float32) * np.float32(255))
        scale = 1
    pixels: NDArray[np.uint8] = images.astype(np.uint8)
    return pixels * np.uint8(scale)


def _assemble(pixels: Mapping[str, AnyPixels], splits: Mapping[str, _Split]) -> StoredSets:
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
        sets[name] = PackedImages(pixels[name], labels)
    class_names = tuple(str(value) for value in classes.tolist())
    return StoredSets(sets["train"], sets.get("validation"), sets.get("test"), class_names)
