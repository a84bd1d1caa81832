"""CIFAR-10 and CIFAR-100, from the batches as they are published: for Python or binary, unpacked or not."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data.arrays import read_arrays
from vae_tui.data.cifar_classes import CLASS_NAMES
from vae_tui.data.download import DownloadFailed, download
from vae_tui.data.pickled_arrays import NotPlain, read_plain
from vae_tui.data.places import find_archive, find_folders
from vae_tui.data.progress import Progress
from vae_tui.data.sets import PackedImages, StoredSets
from vae_tui.errors import DataError

CifarName = Literal["cifar10", "cifar100"]
_SIDE = 32
_VALUES = 3 * _SIDE * _SIDE
_MOST_BYTES = 1 << 30
_WAY_OUT = "delete it to download it anew, or replace it"
_Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images (N, 3, 32, 32) and labels (N,)."""


@dataclass(frozen=True)
class _Edition:
    """One of the two forms that a set is published in."""

    folder: str
    archive: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    is_binary: bool

    @property
    def files(self) -> tuple[str, ...]:
        return (*self.train, *self.test)


_NUMBERS = range(1, 6)
EDITIONS: dict[CifarName, tuple[_Edition, _Edition]] = {
    "cifar10": (
        _Edition(
            "cifar-10-batches-py",
            "cifar-10-python.tar.gz",
            tuple(f"data_batch_{number}" for number in _NUMBERS),
            ("test_batch",),
            is_binary=False,
        ),
        _Edition(
            "cifar-10-batches-bin",
            "cifar-10-binary.tar.gz",
            tuple(f"data_batch_{number}.bin" for number in _NUMBERS),
            ("test_batch.bin",),
            is_binary=True,
        ),
    ),
    "cifar100": (
        _Edition("cifar-100-python", "cifar-100-python.tar.gz", ("train",), ("test",), is_binary=False),
        _Edition("cifar-100-binary", "cifar-100-binary.tar.gz", ("train.bin",), ("test.bin",), is_binary=True),
    ),
}


def read_cifar(name: CifarName, data_root: Path, memory_bytes: int, progress: Progress) -> StoredSets:
    """Read a set's batches, or its .npz file; where there are none, its archive is downloaded to the data root first.

    Pickles are read without running anything in them. Where the set is found elsewhere than torchvision keeps it, a note
    says where. Raises DataError where it cannot be had or is damaged.
    """
    found = find_cifar(name, data_root)
    folders = find_folders(name, data_root, ())
    if found is None and (archive := find_archive(name, folders)) is not None:
        stored = read_arrays(archive, None, memory_bytes, progress)
        named = len(stored.class_names) == len(CLASS_NAMES[name])
        names = CLASS_NAMES[name] if named else stored.class_names
        return replace(stored, class_names=names, notes=(f"{name} is read from {archive}", *stored.notes))
    edition = EDITIONS[name][0]
    home = data_root / edition.folder
    if found is None:
        found = edition, data_root / edition.archive
        _download(name, edition, data_root, progress)
    edition, place = found
    batches: dict[str, _Batch] = {}
    progress("reading images", 0, len(edition.files))
    for file_name, content in _contents(place, edition):
        batches[file_name] = _parse(content, name, edition, place / file_name)
        progress("reading images", len(batches), len(edition.files))
    if missing := [file_name for file_name in edition.files if file_name not in batches]:
        raise DataError(f"{place} lacks {', '.join(missing)}; {_WAY_OUT}")
    train, test = (_join([batches[file_name] for file_name in names]) for names in (edition.train, edition.test))
    notes = () if place in (home, data_root / edition.archive) else (f"{name} is read from {place}",)
    return StoredSets(train, test=test, class_names=CLASS_NAMES[name], notes=notes)


def find_cifar(name: CifarName, data_root: Path) -> tuple[_Edition, Path] | None:
    """The edition that is there, and its folder or its archive; folders first, in torchvision's place before others."""
    inner = [edition.folder for edition in EDITIONS[name]]
    home = data_root / EDITIONS[name][0].folder
    folders = [home, *find_folders(name, data_root, inner)]
    for folder in folders:
        for edition in EDITIONS[name]:
            if all((folder / file).is_file() for file in edition.files):
                return edition, folder
    for folder in folders:
        for edition in EDITIONS[name]:
            if (folder / edition.archive).is_file():
                return edition, folder / edition.archive
    return None


def has_cifar(name: CifarName, data_root: Path) -> bool:
    """Whether a set can be read without a network."""
    return find_cifar(name, data_root) is not None or find_archive(name, find_folders(name, data_root, ())) is not None


def _contents(place: Path, edition: _Edition) -> Iterator[tuple[str, bytes]]:
    """The name and content of each batch in a folder or an archive."""
    if place.is_dir():
        for file_name in edition.files:
            yield file_name, (place / file_name).read_bytes()
        return
    try:
        with tarfile.open(place) as archive:
            for member in archive:
                file_name = member.name.rpartition("/")[2]
                if member.isfile() and file_name in edition.files and member.size <= _MOST_BYTES:
                    file = archive.extractfile(member)
                    assert file is not None  # it is a file
                    yield file_name, file.read()
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{place} is damaged or was cut short ({error}); {_WAY_OUT}") from error


def _parse(content: bytes, name: CifarName, edition: _Edition, path: Path) -> _Batch:
    images, labels = _parse_binary(content, name, path) if edition.is_binary else _parse_pickle(content, path)
    if len(images) != len(labels) or not len(images):
        raise DataError(f"{path} holds {len(labels):,} labels for {len(images):,} images; {_WAY_OUT}")
    if labels.min() < 0 or labels.max() >= len(CLASS_NAMES[name]):
        raise DataError(f"{path} holds the label {labels.max()}; expected 0 to {len(CLASS_NAMES[name]) - 1}")
    return images.reshape(-1, 3, _SIDE, _SIDE), labels


def _parse_binary(content: bytes, name: CifarName, path: Path) -> _Batch:
    """Records of one label, of CIFAR-100 a coarse and a fine one, and 3 x 32 x 32 bytes."""
    label_count = 1 if name == "cifar10" else 2
    if len(content) % (label_count + _VALUES):
        raise DataError(f"{path} is damaged or was cut short; {_WAY_OUT}")
    records = np.frombuffer(content, np.uint8).reshape(-1, label_count + _VALUES)
    return records[:, label_count:], records[:, label_count - 1].astype(np.int64)


def _parse_pickle(content: bytes, path: Path) -> _Batch:
    try:
        held = read_plain(content)
    except NotPlain as error:
        raise DataError(f"{path}: {error}; {_WAY_OUT}") from error
    known = {_text(key): value for key, value in held.items()} if isinstance(held, dict) else {}
    images, labels = known.get("data"), known.get("fine_labels", known.get("labels"))
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.size != len(images) * _VALUES:
        raise DataError(f"{path} holds no batch of CIFAR: expected `data` of bytes (N, {_VALUES}); {_WAY_OUT}")
    if isinstance(labels, list) and all(isinstance(label, int) for label in labels):
        labels = np.array(labels, np.int64)
    if not isinstance(labels, np.ndarray) or labels.ndim != 1:
        raise DataError(f"{path} holds no batch of CIFAR: expected `labels`, whole numbers; {_WAY_OUT}")
    return images, labels.astype(np.int64)


def _text(key: object) -> object:
    return key.decode("latin-1") if isinstance(key, bytes) else key


def _join(batches: Sequence[_Batch]) -> PackedImages:
    images, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return PackedImages(torch.from_numpy(images), torch.from_numpy(labels))


def _download(name: CifarName, edition: _Edition, data_root: Path, progress: Progress) -> None:
    progress("downloading", 0, None)
    from torchvision import datasets  # noqa: PLC0415  two seconds to import, and only needed once in a machine's life

    source = datasets.CIFAR10 if name == "cifar10" else datasets.CIFAR100
    try:
        download([source.url], data_root / edition.archive, source.tgz_md5, progress)
    except DownloadFailed as failure:
        looked = "\n".join(f"  {of.folder}/, unpacked, or {of.archive}" for of in EDITIONS[name])
        reasons = "\n".join(f"  {problem}" for problem in failure.problems)
        raise DataError(
            f"{name}: not in {data_root}, nor in a folder called after it there:\n{looked}\nand the download there "
            f"failed:\n{reasons}\nWhere the files are at hand, name the folder that holds them with --data-root; with no "
            "network, train on the embedded digits: --set data.name=digits"
        ) from failure
