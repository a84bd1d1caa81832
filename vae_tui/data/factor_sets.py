"""Sets whose images were made from known factors, in their own files: dSprites and 3D Shapes."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data import decoded_cache
from vae_tui.data.arrays import read_arrays
from vae_tui.data.hdf5 import import_h5py
from vae_tui.data.progress import Progress
from vae_tui.data.rows import CacheUnavailable
from vae_tui.data.sets import PackedImages, StoredSets
from vae_tui.data.streamed import AnyPixels, StreamedPixels
from vae_tui.errors import DataError

DSPRITES = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
SHAPES3D = "3dshapes.h5"
_DSPRITES_FACTORS = ("shape", "scale", "orientation", "x", "y")
_DSPRITES_SHAPES = ("square", "ellipse", "heart")
_SHAPES3D_FACTORS = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
_SHAPES3D_SHAPES = ("cube", "cylinder", "sphere", "capsule")
_ROWS_AT_ONCE = 2000


def read_dsprites(data_root: Path, memory_bytes: int, progress: Progress) -> StoredSets:
    """dSprites (Matthey et al., 2017) from its .npz: white on black, with its factors, and its shapes as classes.

    Raises DataError where the file is not there or is another.
    """
    path = _find(DSPRITES, "dsprites", data_root)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            classes = np.asarray(arrays["latents_classes"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} is not dSprites as it is published: its latents_classes cannot be read ({error})"
        ) from error
    stored = read_arrays(path, "imgs", memory_bytes, progress)
    if classes.shape != (len(stored.train), 1 + len(_DSPRITES_FACTORS)):
        raise DataError(
            f"{path}: latents_classes is {classes.shape}; expected six for each of {len(stored.train):,} images"
        )
    # The first is the color, of which there is one.
    factors = torch.from_numpy(classes[:, 1:].astype(np.int64))
    images = PackedImages(stored.train.pixels, factors[:, 0].clone(), factors)
    return StoredSets(images, class_names=_DSPRITES_SHAPES, factor_names=_DSPRITES_FACTORS)


def read_shapes3d(data_root: Path, memory_bytes: int, progress: Progress) -> StoredSets:
    """3D Shapes (Burgess and Kim, 2018) from its HDF5 file, with its factors, and its shapes as classes; by the package h5py.

    Its images are copied to the cache once, where reading them does not wait for HDF5. Raises DataError where the file is not there or
    is another, or where h5py is missing.
    """
    path = _find(SHAPES3D, "3dshapes", data_root)
    h5py = import_h5py("3dshapes")
    try:
        with h5py.File(path, "r") as file:
            values = np.asarray(file["labels"])
            pixels = _copy(path, file["images"], memory_bytes, progress)
    except (OSError, KeyError) as error:
        raise DataError(f"{path} is not 3D Shapes as it is published: {error}") from error
    if values.shape != (len(pixels), len(_SHAPES3D_FACTORS)):
        raise DataError(f"{path}: labels are {values.shape}; expected six for each of {len(pixels):,} images")
    columns = [np.unique(column.round(6), return_inverse=True)[1] for column in values.T]
    factors = torch.from_numpy(np.stack(columns, 1).astype(np.int64))
    images = PackedImages(pixels, factors[:, _SHAPES3D_FACTORS.index("shape")].clone(), factors)
    return StoredSets(images, class_names=_SHAPES3D_SHAPES, factor_names=_SHAPES3D_FACTORS)


def find_factor_sets(data_root: Path) -> dict[str, bool]:
    """Whether each of the sets here is under the data root."""
    return {
        name: _place(file, name, data_root) is not None
        for name, file in (("dsprites", DSPRITES), ("3dshapes", SHAPES3D))
    }


def _copy(path: Path, images: Any, memory_bytes: int, progress: Progress) -> AnyPixels:
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise DataError(f"{path}: images are {images.dtype} {images.shape}; expected uint8 (N, H, W, 3)")
    count, height, width, channels = images.shape
    shape = (count, channels, height, width)
    found = path.stat()
    key = hashlib.sha256(f"3dshapes 1 {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()
    if decoded_cache.has_any(shape) and (cached := decoded_cache.open(shape, key)) is not None:
        return StreamedPixels(cached)

    def part(start: int) -> NDArray[np.uint8]:
        progress("copying images", start, count)
        return np.ascontiguousarray(images[start : start + _ROWS_AT_ONCE].transpose(0, 3, 1, 2))

    starts = range(0, count, _ROWS_AT_ONCE)
    try:
        with decoded_cache.create(shape) as writer:
            for start in starts:
                writer.write(start, part(start))
            pixels: AnyPixels = StreamedPixels(writer.finish(decoded_cache.cache_name(shape, key), {}))
    except CacheUnavailable as error:
        if images.size > memory_bytes:
            raise decoded_cache.cannot_stream(path, images.size, memory_bytes, error) from error
        pixels = torch.from_numpy(np.concatenate([part(start) for start in starts]))
    progress("copying images", count, count)
    return pixels


def _find(file: str, name: str, data_root: Path) -> Path:
    path = _place(file, name, data_root)
    if path is None:
        raise DataError(
            f"{name}: {file} is neither in {data_root} nor in {data_root / name}; put it there as it is published, or name its "
            "folder with --data-root"
        )
    return path


def _place(file: str, name: str, data_root: Path) -> Path | None:
    return next((path for path in (data_root / file, data_root / name / file) if path.is_file()), None)
