"""Where a named set may lie under the data root: where torchvision puts it, and where else people have it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_OTHER_SETS = {
    "mnist": ("mnist", "mnistdata", "mnistoriginal", "mnistdataset"),
    "fashion-mnist": ("fashionmnist", "fmnist", "fashion"),
    "kmnist": ("kmnist", "kuzushijimnist", "kuzushiji"),
    "qmnist": ("qmnist",),
    "emnist": ("emnist", "emnistdata"),
    "cifar10": ("cifar10", "cifar10batchespy", "cifar10batchesbin", "cifar10python"),
    "cifar100": ("cifar100", "cifar100python", "cifar100binary"),
}
"""What folders and files of each set are called, in lower case and without anything but letters and digits."""


def is_of(name: str, file_name: str) -> bool:
    """Whether a folder, or a file without its ending, is called after that set."""
    return _plain(file_name) in _OTHER_SETS[name]


def find_folders(name: str, data_root: Path, inner: Sequence[str], beside: Sequence[str] = ()) -> list[Path]:
    """Every folder that a set may lie in: those called after it, the root itself, and the folders `inner` in each.

    The root itself only where it is not called after another set. Folders called after sets in `beside` are no others.
    """
    names = (name, *beside)
    try:
        entries = sorted(os.listdir(data_root))
    except OSError:
        return []
    tops = [data_root / entry for of in names for entry in entries if is_of(of, entry) and (data_root / entry).is_dir()]
    resolved = data_root.resolve()
    called = {other for other in _OTHER_SETS for part in (resolved, resolved.parent) if is_of(other, part.name)}
    if not called - {*names} or is_of(name, resolved.name):
        tops.append(data_root)
    places = [place for top in tops for place in (*(top / folder for folder in inner), top)]
    return [place for place in places if place.is_dir()]


def find_archive(name: str, folders: Sequence[Path]) -> Path | None:
    """A .npz file called after a set, as Keras keeps MNIST, in one of the folders."""
    for folder in folders:
        for path in sorted(folder.glob("*.npz")):
            if is_of(name, path.stem):
                return path
    return None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
