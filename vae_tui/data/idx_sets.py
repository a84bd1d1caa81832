"""MNIST and the sets made like it: what their files and their classes are called."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Any, Literal, get_args

from vae_tui.recipe.tables import EmnistSplit

MnistName = Literal["mnist", "fashion-mnist", "kmnist", "qmnist", "emnist"]
FILE_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_DIGITS = tuple(string.digits)
_MERGED = (*string.digits, *string.ascii_uppercase, *"abdefghnqrt")
"""Letters whose lower case looks like their upper case are one class with it."""
EMNIST_CLASSES: dict[str, tuple[str, ...]] = {
    "balanced": _MERGED,
    "bymerge": _MERGED,
    "byclass": (*string.digits, *string.ascii_uppercase, *string.ascii_lowercase),
    "letters": tuple(string.ascii_lowercase),
    "digits": _DIGITS,
    "mnist": _DIGITS,
}
EMNIST_ARCHIVE = "gzip.zip"


@dataclass(frozen=True)
class IdxSet:
    """A set in four idx files: images and labels to train on, and to test on.

    `array_names` are what .npz files of one array each are called that may stand in their places; `on_its_side` says that images are stored column by column.
    """

    name: MnistName
    torchvision_class: str
    class_names: tuple[str, ...]
    file_names: tuple[str, ...] = FILE_NAMES
    array_names: tuple[str, ...] = ()
    on_its_side: bool = False

    def sources(self) -> dict[str, tuple[list[str], str]]:
        """The addresses and the md5 of each file that torchvision knows, by its name; imports torchvision."""
        from torchvision import datasets  # noqa: PLC0415  two seconds to import, and only needed once in a machine's life

        source: Any = getattr(datasets, self.torchvision_class)
        if self.name == "emnist":
            return {EMNIST_ARCHIVE: ([source.url], source.md5)}
        if self.name == "qmnist":
            files = [*source.resources["train"], *source.resources["test"]]
            return {url.rpartition("/")[2]: ([url], md5) for url, md5 in files}
        return {file: ([f"{mirror}{file}" for mirror in source.mirrors], md5) for file, md5 in source.resources}


_QMNIST_FILES = (
    "qmnist-train-images-idx3-ubyte",
    "qmnist-train-labels-idx2-int",
    "qmnist-test-images-idx3-ubyte",
    "qmnist-test-labels-idx2-int",
)
_FASHION_CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_KMNIST_CLASSES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
_KMNIST_ARRAYS = (
    "kmnist-train-imgs.npz",
    "kmnist-train-labels.npz",
    "kmnist-test-imgs.npz",
    "kmnist-test-labels.npz",
)
SETS: dict[MnistName, IdxSet] = {
    "mnist": IdxSet("mnist", "MNIST", _DIGITS),
    "fashion-mnist": IdxSet("fashion-mnist", "FashionMNIST", _FASHION_CLASSES),
    "kmnist": IdxSet("kmnist", "KMNIST", _KMNIST_CLASSES, array_names=_KMNIST_ARRAYS),
    "qmnist": IdxSet("qmnist", "QMNIST", _DIGITS, _QMNIST_FILES),
}


def idx_set(name: MnistName, split: EmnistSplit) -> IdxSet:
    """The set of that name; `split` chooses among those that EMNIST is."""
    return emnist(split) if name == "emnist" else SETS[name]


def emnist(split: EmnistSplit) -> IdxSet:
    """One of the sets that EMNIST is."""
    parts = ("train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1")
    names = tuple(f"emnist-{split}-{part}-ubyte" for part in parts)
    return IdxSet("emnist", "EMNIST", EMNIST_CLASSES[split], names, on_its_side=True)


def all_idx_sets() -> dict[MnistName, list[IdxSet]]:
    """Every set by its name; EMNIST is several."""
    return {name: [of] for name, of in SETS.items()} | {"emnist": [emnist(split) for split in get_args(EmnistSplit)]}
