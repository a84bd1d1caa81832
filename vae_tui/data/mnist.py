"""MNIST and Fashion-MNIST, from the idx files torchvision keeps under <data root>/<class name>/raw."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import math
import os
import urllib.error
import urllib.request
import zlib
from http.client import HTTPException
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data.progress import Progress
from vae_tui.data.sets import PackedImages, StoredSets
from vae_tui.errors import DataError

MnistName = Literal["mnist", "fashion-mnist"]

TORCHVISION_CLASS: dict[MnistName, str] = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
CLASS_NAMES: dict[MnistName, tuple[str, ...]] = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
}
FILE_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_TIMEOUT_SECONDS = 15
_BLOCK_BYTES = 1 << 18


def read_mnist(name: MnistName, data_root: Path, progress: Progress) -> StoredSets:
    """Read the set's four files, raw or gzipped; what is missing is downloaded there first.

    Nothing is written where the files are there. Raises DataError where they cannot be had or are damaged.
    """
    folder, missing = find_mnist(name, data_root)
    if missing:
        _download(name, missing, folder, progress)
    paths = [_locate(folder, file_name) for file_name in FILE_NAMES]
    progress("reading images", 0, 2)
    train = _read_split(paths[0], paths[1], len(CLASS_NAMES[name]))
    progress("reading images", 1, 2)
    test = _read_split(paths[2], paths[3], len(CLASS_NAMES[name]))
    progress("reading images", 2, 2)
    if train.pixels.shape[1:] != test.pixels.shape[1:]:
        shapes = ["{} x {}".format(*images.pixels.shape[2:]) for images in (train, test)]
        raise DataError(f"{paths[2]} holds images of {shapes[1]} pixels, but {paths[0]} of {shapes[0]}")
    return StoredSets(train, test=test, class_names=CLASS_NAMES[name])


def find_mnist(name: MnistName, data_root: Path) -> tuple[Path, list[str]]:
    """The folder of a set's files, and the names of those that are missing there."""
    folder = data_root / TORCHVISION_CLASS[name] / "raw"
    return folder, [file_name for file_name in FILE_NAMES if not _locate(folder, file_name).is_file()]


def read_idx(path: Path, rank: int) -> NDArray[np.uint8]:
    """Read an idx file of bytes, gzipped where its name ends in .gz; raises DataError where it is damaged.

    The format is a magic number of 0, 0, 8 (bytes) and the rank, then every dimension as a big-endian 32-bit number,
    then the values. http://yann.lecun.com/exdb/mnist/
    """
    way_out = "delete it to download it anew, or replace it"
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is damaged or was cut short ({error}); {way_out}") from error
    header = 4 + 4 * rank
    if content[:4] != bytes((0, 0, 8, rank)) or len(content) < header:
        raise DataError(f"{path} is no idx file of {rank}-dimensional bytes; {way_out}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", count=rank, offset=4))
    if len(content) - header != math.prod(shape):
        raise DataError(
            f"{path} is damaged or was cut short: its header promises {' x '.join(map(str, shape))} = "
            f"{math.prod(shape):,} bytes, and it holds {len(content) - header:,}; {way_out}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def _read_split(images_path: Path, labels_path: Path, classes: int) -> PackedImages:
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if images.size == 0:
        raise DataError(f"{images_path} holds no images")
    if len(images) != len(labels):
        raise DataError(f"{labels_path} holds {len(labels):,} labels for the {len(images):,} images in {images_path}")
    if labels.max() >= classes:
        raise DataError(f"{labels_path} holds the label {labels.max()}; expected 0 to {classes - 1}")
    return PackedImages(torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels.astype(np.int64)))


def _locate(folder: Path, file_name: str) -> Path:
    raw = folder / file_name
    return raw if raw.is_file() else folder / f"{file_name}.gz"


def _download(name: MnistName, missing: list[str], folder: Path, progress: Progress) -> None:
    progress("downloading", 0, None)
    from torchvision import datasets  # noqa: PLC0415  two seconds to import, and only needed once in a machine's life

    source = getattr(datasets, TORCHVISION_CLASS[name])
    checksums = dict(source.resources)
    for file_name in missing:
        archive = folder / f"{file_name}.gz"
        problems = []
        for mirror in source.mirrors:
            url = f"{mirror}{archive.name}"
            try:
                _fetch(url, archive, checksums[archive.name], progress)
                break
            except (OSError, HTTPException) as error:
                problems.append(f"{url}: {_reason(error)}")
        else:
            raise DataError(_unavailable(name, missing, folder, problems))


def _fetch(url: str, path: Path, md5: str, progress: Progress) -> None:
    """Download to a name aside, and rename once every byte is there and right; raises OSError, HTTPException."""
    stage = f"downloading {path.name}"
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    request = urllib.request.Request(url, headers={"User-Agent": "vae-tui"})
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with contextlib.ExitStack() as stack:
            answer = stack.enter_context(urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS))
            # Not before there is something to keep: a mistyped folder is not left behind.
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(aside.open("wb"))
            length = answer.headers.get("Content-Length", "")
            total = int(length) if length.isdigit() else None
            done = 0
            progress(stage, done, total)
            while block := answer.read(_BLOCK_BYTES):
                file.write(block)
                digest.update(block)
                done += len(block)
                progress(stage, done, total)
        if digest.hexdigest() != md5:
            raise OSError(f"the {done:,} bytes that came are not the file: md5 {digest.hexdigest()}, expected {md5}")
        os.replace(aside, path)
    finally:
        with contextlib.suppress(NotADirectoryError):
            aside.unlink(missing_ok=True)


def _reason(error: OSError | HTTPException) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return str(error)
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__


def _unavailable(name: MnistName, missing: list[str], folder: Path, problems: list[str]) -> str:
    files = "\n".join(f"  {file_name} or {file_name}.gz" for file_name in missing)
    reasons = "\n".join(f"  {problem}" for problem in problems)
    return (
        f"{name}: not in {folder}:\n{files}\nand the download there failed:\n{reasons}\n"
        f"Where the files are at hand, name the folder that holds {folder.parent.name}/raw with --data-root; "
        "with no network, train on the embedded digits: --set data.name=digits"
    )
