"""MNIST and its relatives, from idx files wherever people keep them."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data.array_file import read_only_array
from vae_tui.data.arrays import read_arrays
from vae_tui.data.download import DownloadFailed, download
from vae_tui.data.idx import read_idx
from vae_tui.data.idx_sets import EMNIST_ARCHIVE, FILE_NAMES, SETS, IdxSet
from vae_tui.data.places import find_archive, find_folders
from vae_tui.data.progress import Progress
from vae_tui.data.sets import PackedImages, StoredSets
from vae_tui.errors import DataError


def read_mnist(which: IdxSet, data_root: Path, memory_bytes: int, progress: Progress) -> StoredSets:
    """Read the set's four files, gzipped or not, or its .npz file; what is missing is downloaded first.

    It is looked for where torchvision keeps it, <data root>/<class name>/raw, and then in folders that are called after
    it and in the root itself; where it is found elsewhere, a note says where. Nothing is written where the files are
    there. Raises DataError where they cannot be had or are damaged.
    """
    folder, missing = find_mnist(which, data_root)
    home = _home(which, data_root)
    archive = find_archive(which.name, _folders(which, data_root)) if missing else None
    if archive is not None:
        return _read_archive(which, archive, memory_bytes, progress)
    if missing:
        _fetch_missing(which, missing, home, data_root, progress)
    paths = [path for file_name in which.file_names if (path := _locate(which, folder, file_name)) is not None]
    progress("reading images", 0, 2)
    train = _read_split(which, paths[0], paths[1])
    progress("reading images", 1, 2)
    test = _read_split(which, paths[2], paths[3])
    progress("reading images", 2, 2)
    if train.pixels.shape[1:] != test.pixels.shape[1:]:
        shapes = ["{} x {}".format(*images.pixels.shape[2:]) for images in (train, test)]
        raise DataError(f"{paths[2]} holds images of {shapes[1]} pixels, but {paths[0]} of {shapes[0]}")
    notes = () if folder == home else (f"{which.name} is read from {folder}",)
    return StoredSets(train, test=test, class_names=which.class_names, notes=notes)


def find_mnist(which: IdxSet, data_root: Path) -> tuple[Path, list[str]]:
    """The folder of a set's files, and the names of those that are missing there."""
    home = _home(which, data_root)
    missing = {folder: _missing(which, folder) for folder in (home, *_folders(which, data_root))}
    return next(((folder, []) for folder, names in missing.items() if not names), (home, missing[home]))


def is_there(which: IdxSet, data_root: Path) -> bool:
    """Whether a set can be read without a network."""
    if not find_mnist(which, data_root)[1]:
        return True
    return find_archive(which.name, _folders(which, data_root)) is not None


def _home(which: IdxSet, data_root: Path) -> Path:
    return data_root / which.torchvision_class / "raw"


def _folders(which: IdxSet, data_root: Path) -> list[Path]:
    # Files that name their set themselves may lie among those of another.
    beside = [name for name in SETS if name != which.name] if which.file_names != FILE_NAMES else []
    return find_folders(which.name, data_root, ("raw", "gzip", "raw/gzip"), beside)


def _missing(which: IdxSet, folder: Path) -> list[str]:
    return [file_name for file_name in which.file_names if _locate(which, folder, file_name) is None]


def _locate(which: IdxSet, folder: Path, file_name: str) -> Path | None:
    """A file under its name, or with a dot in it, gzipped or not, or in a folder of its own, as it may be unpacked.

    Or else the .npz file that may stand in its place.
    """
    dotted = file_name.replace("-idx", ".idx")
    for name in (file_name, dotted):
        for path in (folder / name, folder / f"{name}.gz", folder / name / name, folder / name / file_name):
            if path.is_file():
                return path
    arrays = dict(zip(which.file_names, which.array_names, strict=False))
    path = folder / arrays.get(file_name, file_name)
    return path if path.is_file() else None


def _read_split(which: IdxSet, images_path: Path, labels_path: Path) -> PackedImages:
    images, labels = _read(images_path, (3,)), _read(labels_path, (1, 2), whole_numbers=True)
    if images.size == 0:
        raise DataError(f"{images_path} holds no images")
    if len(images) != len(labels):
        raise DataError(f"{labels_path} holds {len(labels):,} labels for the {len(images):,} images in {images_path}")
    if labels.ndim == 2:
        labels = labels[:, 0]  # QMNIST's have eight columns, the first of which is the class
    if len(which.class_names) == 26 and labels.min() > 0:
        labels = labels - 1  # EMNIST counts letters from 1
    if labels.min() < 0 or labels.max() >= len(which.class_names):
        wrong = labels.max() if labels.min() >= 0 else labels.min()
        hint = '; data.name = "emnist" reads letters' if which.name == "mnist" else ""
        raise DataError(f"{labels_path} holds the label {wrong}; expected 0 to {len(which.class_names) - 1}{hint}")
    if which.on_its_side:
        images = np.ascontiguousarray(images.transpose(0, 2, 1))
    return PackedImages(torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels.astype(np.int64)))


def _read(path: Path, ranks: Collection[int], *, whole_numbers: bool = False) -> NDArray[Any]:
    """The array in an idx file, or the only one in a .npz; raises DataError where it is damaged or another."""
    return read_only_array(path, ranks) if path.suffix == ".npz" else read_idx(path, ranks, whole_numbers=whole_numbers)


def _read_archive(which: IdxSet, path: Path, memory_bytes: int, progress: Progress) -> StoredSets:
    stored = read_arrays(path, None, memory_bytes, progress)
    named = len(stored.class_names) == len(which.class_names) and stored.train.labels is not None
    names = which.class_names if named else stored.class_names
    return replace(stored, class_names=names, notes=(f"{which.name} is read from {path}", *stored.notes))


def _fetch_missing(which: IdxSet, missing: list[str], home: Path, data_root: Path, progress: Progress) -> None:
    """Put the missing files where torchvision keeps them; raises DataError where they cannot be had."""
    progress("downloading", 0, None)
    sources = which.sources()
    try:
        if which.name == "emnist":
            archive = home / EMNIST_ARCHIVE
            if not archive.is_file():
                download(*sources[EMNIST_ARCHIVE][:1], archive, sources[EMNIST_ARCHIVE][1], progress)
            _unpack(archive, missing, home)
            return
        for file_name in missing:
            path = home / f"{file_name}.gz"
            urls, md5 = sources[path.name]
            download(urls, path, md5, progress)
    except DownloadFailed as failure:
        raise DataError(_unavailable(which, missing, home, data_root, failure.problems)) from failure


def _unpack(archive: Path, file_names: list[str], folder: Path) -> None:
    """Take files out of EMNIST's archive, which holds all of its sets."""
    try:
        with zipfile.ZipFile(archive) as members:
            for file_name in file_names:
                content = members.read(f"gzip/{file_name}.gz")
                aside = folder / f".{file_name}.gz"
                aside.write_bytes(content)
                aside.replace(folder / f"{file_name}.gz")
    except (KeyError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{archive} is damaged ({error}); delete it to download it anew, or replace it") from error


def _unavailable(which: IdxSet, missing: list[str], home: Path, data_root: Path, problems: Sequence[str]) -> str:
    files = "\n".join(f"  {file_name} or {file_name}.gz" for file_name in missing)
    reasons = "\n".join(f"  {problem}" for problem in problems)
    places = [str(folder) for folder in _folders(which, data_root) if folder != home]
    looked = f" (nor in {', '.join(places)})" if places else ""
    folders = dict.fromkeys((home, *_folders(which, data_root)))
    held = [path.name for folder in folders for path in sorted(folder.glob("*")) if path.is_file()]
    if held:
        looked += f", where there are {', '.join(held[:6])}" + (f" and {len(held) - 6:,} more" if len(held) > 6 else "")
    return (
        f"{which.name}: not in {home}{looked}:\n{files}\nand the download there failed:\n{reasons}\n"
        f"Where the files are at hand, name the folder that holds {which.torchvision_class}/raw with --data-root, "
        "or the one that holds the files; with no network, train on the embedded digits: --set data.name=digits"
    )
