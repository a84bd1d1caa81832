"""Image sets that torchvision reads from their own files, decoded once into the cache."""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from vae_tui.data import decoded_cache
from vae_tui.data.hdf5 import import_h5py
from vae_tui.data.parallel import work_through
from vae_tui.data.progress import Progress
from vae_tui.data.rows import CacheUnavailable, Shape
from vae_tui.data.sets import PackedImages, StoredSets
from vae_tui.data.streamed import AnyPixels, StreamedPixels
from vae_tui.errors import DataError
from vae_tui.photos.photo import UNREADABLE_ERRORS

_DECODING = 2
"""To be raised whenever the same files are to come out as other pixels."""
_REFUSALS = (OSError, RuntimeError, ValueError, LookupError, EOFError, zlib.error)
"""What torchvision raises for files that are not what they should be."""
_DIGITS = tuple("0123456789")
_FACES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@dataclass(frozen=True)
class _Split:
    """What a split is called to torchvision, and its files below the data root, by patterns that each match some."""

    arguments: Mapping[str, Any]
    files: tuple[str, ...]


@dataclass(frozen=True)
class _Set:
    """How torchvision keeps a set: its class there, and its splits.

    `shape` (C, H, W) is that of all images, with None for sides that the recipe chooses; `class_names` are given where
    torchvision has none; `class_of` makes a class of its loader and a target.
    """

    kind: str
    splits: Mapping[str, _Split]
    shape: tuple[int, int | None, int | None] = (3, None, None)
    class_names: tuple[str, ...] = ()
    class_of: Callable[[Any, Any], str | int | None] = field(default=lambda _loader, target: target)
    is_inverted: bool = False
    """Whether strokes are dark on white, where a VAE's are bright on black."""
    is_hdf5: bool = False
    can_download: bool = True


def _alphabet(loader: Any, character: int) -> str:
    """The alphabet of a character of Omniglot, by the folder that its own is in."""
    return Path(loader._characters[character]).parts[0]


_PCAM, _STL10, _PETS = "pcam/camelyonpatch_level_2_split_", "stl10_binary/", "oxford-iiit-pet/"
_FLOWERS = ("flowers-102/jpg/*.jpg", "flowers-102/imagelabels.mat", "flowers-102/setid.mat")
_CELEBA = (
    "celeba/img_align_celeba/*.jpg",
    "celeba/list_eval_partition.txt",
    *(f"celeba/{notes}.txt" for notes in ("identity_CelebA", "list_attr_celeba", "list_bbox_celeba")),
    "celeba/list_landmarks_align_celeba.txt",
)
"""What torchvision wants of it, though the first two would do."""
SETS: dict[str, _Set] = {
    "svhn": _Set(
        "SVHN",
        {split: _Split({"split": split}, (f"{split}_32x32.mat",)) for split in ("train", "test")},
        (3, 32, 32),
        _DIGITS,
    ),
    "stl10": _Set(
        "STL10",
        {
            split: _Split(
                {"split": split}, (*(f"{_STL10}{part}.bin" for part in (f"{split}_X", f"{split}_y", "unlabeled_X")),)
            )
            for split in ("train", "test")
        },
        (3, 96, 96),
    ),
    # With the hundred thousand images that have no class, nor are they all of the ten kinds.
    "stl10-unlabeled": _Set(
        "STL10",
        {
            split: _Split(
                {"split": given}, (*(f"{_STL10}{part}.bin" for part in (f"{split}_X", f"{split}_y", "unlabeled_X")),)
            )
            for split, given in (("train", "train+unlabeled"), ("test", "test"))
        },
        (3, 96, 96),
    ),
    "usps": _Set(
        "USPS",
        {"train": _Split({"train": True}, ("usps.bz2",)), "test": _Split({"train": False}, ("usps.t.bz2",))},
        (1, 16, 16),
        _DIGITS,
    ),
    "fer2013": _Set(
        "FER2013",
        {split: _Split({"split": split}, ("fer2013/*.csv",)) for split in ("train", "test")},
        (1, 48, 48),
        _FACES,
        can_download=False,
    ),
    "pcam": _Set(
        "PCAM",
        {
            "train": _Split({"split": "train"}, (f"{_PCAM}train_x.h5", f"{_PCAM}train_y.h5")),
            "validation": _Split({"split": "val"}, (f"{_PCAM}valid_x.h5", f"{_PCAM}valid_y.h5")),
            "test": _Split({"split": "test"}, (f"{_PCAM}test_x.h5", f"{_PCAM}test_y.h5")),
        },
        (3, 96, 96),
        ("normal", "tumor"),
        is_hdf5=True,
    ),
    "omniglot": _Set(
        "Omniglot",
        {
            split: _Split(
                {"background": split == "train"}, (f"omniglot-py/{folder}.zip", f"omniglot-py/{folder}/*/*/*.png")
            )
            for split, folder in (("train", "images_background"), ("test", "images_evaluation"))
        },
        (1, None, None),
        class_of=_alphabet,
        is_inverted=True,
    ),
    "celeba": _Set(
        "CelebA",
        {
            "train": _Split({"split": "train"}, _CELEBA),
            "validation": _Split({"split": "valid"}, _CELEBA),
            "test": _Split({"split": "test"}, _CELEBA),
        },
        class_of=lambda _loader, _attributes: None,
    ),
    "gtsrb": _Set(
        "GTSRB",
        {
            "train": _Split({"split": "train"}, ("gtsrb/GTSRB/Training/*/*.ppm",)),
            "test": _Split({"split": "test"}, ("gtsrb/GTSRB/Final_Test/Images/*.ppm", "gtsrb/GT-final_test.csv")),
        },
    ),
    "food101": _Set(
        "Food101",
        {
            split: _Split({"split": split}, ("food-101/images/*/*.jpg", f"food-101/meta/{split}.json"))
            for split in ("train", "test")
        },
    ),
    "flowers102": _Set(
        "Flowers102",
        {
            "train": _Split({"split": "train"}, _FLOWERS),
            "validation": _Split({"split": "val"}, _FLOWERS),
            "test": _Split({"split": "test"}, _FLOWERS),
        },
    ),
    "oxford-iiit-pet": _Set(
        "OxfordIIITPet",
        {
            "train": _Split({"split": "trainval"}, (f"{_PETS}images/*.jpg", f"{_PETS}annotations/trainval.txt")),
            "test": _Split({"split": "test"}, (f"{_PETS}images/*.jpg", f"{_PETS}annotations/test.txt")),
        },
    ),
    "eurosat": _Set("EuroSAT", {"train": _Split({}, ("eurosat/2750/*/*.jpg",))}),
}


@dataclass(frozen=True)
class _Found:
    """What is known of the images of all splits, one after the other, and how many each split has.

    `classes` has one for each image, a name, an index of `class_names`, or None.
    """

    counts: Mapping[str, int]
    classes: Sequence[str | int | None]
    class_names: tuple[str, ...]

    def facts(self) -> dict[str, dict[str, Any]]:
        """The same as a file of rows keeps it."""
        return {"counts": dict(self.counts), "classes": {"values": self.classes, "names": self.class_names}}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Mapping[str, Any]]) -> _Found:
        """What `facts` made."""
        return cls(facts["counts"], facts["classes"]["values"], tuple(facts["classes"]["names"]))


def read_torchvision(
    name: str, data_root: Path, sides: tuple[int, int] | None, memory_bytes: int, progress: Progress
) -> StoredSets:
    """Read a set by torchvision's own loader, photos resized and center-cropped to `sides`, height and width.

    Splits that are not under the data root are downloaded there by torchvision. What was decoded is cached in the user's
    cache folder, and comes from there as long as no file changes. Raises DataError where the set cannot be had, or can be
    neither cached nor held in memory.
    """
    known = SETS[name]
    channels, height, width = known.shape
    if height is None or width is None:
        assert sides is not None, "the recipe chooses them"
        height, width = sides
    for split in known.splits.values():
        if _missing(split, data_root):
            _download(name, split, data_root, progress)
    key = _key(name, (channels, height, width), data_root)
    notes: tuple[str, ...] = ()
    pixels: AnyPixels
    if (file := decoded_cache.find(key)) is not None:
        pixels, found = StreamedPixels(file), _Found.from_facts(file.facts)
    else:
        loaders = {split: _open(name, split, data_root, progress) for split in known.splits}
        if empty := [known.splits[split] for split, loader in loaders.items() if not len(loader)]:
            raise DataError(f"{name}: {' and '.join(empty[0].files)} in {data_root} hold no images; replace them")
        shape = (sum(map(len, loaders.values())), channels, height, width)
        try:
            with decoded_cache.create(shape) as writer:
                found = _decode(name, loaders, shape, writer.write, progress)
                pixels = StreamedPixels(writer.finish(decoded_cache.cache_name(shape, key), found.facts()))
        except CacheUnavailable as error:
            if math.prod(shape) > memory_bytes:
                raise decoded_cache.cannot_stream(name, math.prod(shape), memory_bytes, error) from error
            held = np.empty(shape, np.uint8)
            found = _decode(name, loaders, shape, held.__setitem__, progress)
            pixels = torch.from_numpy(held)
            notes = (f"decoded images are not cached for the next time: {error}",)
    labels, class_names = _index_classes(found.classes, found.class_names)
    every = PackedImages(pixels, labels)
    parts, first = {}, 0
    for split_name, count in found.counts.items():
        part = every.pick(torch.arange(first, first + count))
        has_classes = part.labels is not None and bool((part.labels >= 0).all())
        parts[split_name] = part if has_classes else PackedImages(part.pixels)
        first += count
    return StoredSets(parts["train"], parts.get("validation"), parts.get("test"), class_names, notes=notes)


def has_torchvision_set(name: str, data_root: Path) -> bool:
    """Whether every split of a set is under the data root."""
    return not any(_missing(split, data_root) for split in SETS[name].splits.values())


def _missing(split: _Split, root: Path) -> list[str]:
    """Those of a split's patterns that match no file."""
    return [pattern for pattern in split.files if not any(root.glob(pattern))]


def _download(name: str, split: _Split, root: Path, progress: Progress) -> None:
    """Let torchvision download a split; raises DataError, naming what is missing, where it cannot."""
    known = SETS[name]
    if known.is_hdf5:
        import_h5py(name)
    reason = "it has no address to download from without an account"
    if known.can_download:
        progress(f"downloading {name}", 0, None)
        was_there = root.is_dir()
        try:
            root.mkdir(parents=True, exist_ok=True)
            # What it prints is no data.
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                _loader(name)(root, download=True, **split.arguments)
            missing = _missing(split, root)
            if not missing:
                return
            reason = "what came is another"
        except (ImportError, HTTPException, *_REFUSALS) as error:
            reason = _first_line(error)
            _remove_empty(root, split, with_root=not was_there)
    raise DataError(
        f"{name}: {' and '.join(_missing(split, root))} not in {root}, where torchvision's {known.kind} keeps it, and "
        f"cannot be downloaded: {reason}; put it there, or name the folder that holds it with --data-root"
    )


def _remove_empty(root: Path, split: _Split, *, with_root: bool) -> None:
    """Remove the folders that a download left empty: a mistyped data root is not left behind."""
    inner = {root / pattern.split("/")[0] for pattern in split.files if "/" in pattern}
    for folder in [*inner, *([root] if with_root else [])]:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _open(name: str, split_name: str, root: Path, progress: Progress) -> Any:
    """Torchvision's loader of a split whose files are there; raises DataError where it refuses them."""
    known, split = SETS[name], SETS[name].splits[split_name]
    if known.is_hdf5:
        import_h5py(name)
    progress(f"opening {name}", 0, None)
    try:
        return _loader(name)(root, **split.arguments)
    except _REFUSALS as error:
        way_out = "replace what is damaged" + (", or move it away to download it anew" if known.can_download else "")
        raise DataError(
            f"{name}: {' and '.join(split.files)} in {root} cannot be read by torchvision's {known.kind}: "
            f"{_first_line(error)}; {way_out}"
        ) from error


def _loader(name: str) -> Any:
    from torchvision import datasets  # noqa: PLC0415 - two seconds, and what is cached needs none

    return getattr(datasets, SETS[name].kind)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _decode(
    name: str,
    loaders: Mapping[str, Any],
    shape: Shape,
    put: Callable[[int, NDArray[np.uint8]], None],
    progress: Progress,
) -> _Found:
    """Decode every image of all splits in turn, and `put` each at its index."""
    known = SETS[name]
    _, channels, height, width = shape

    def decode(place: tuple[int, Any, int]) -> str | int | None:
        index, loader, number = place
        try:
            image, target = loader[number]
            put(index, _fit(image, channels, height, width, is_inverted=known.is_inverted))
        except UNREADABLE_ERRORS as error:
            raise DataError(
                f"{name}: image {number:,} of torchvision's {known.kind} cannot be decoded: {_first_line(error)}; "
                "replace its file"
            ) from error
        return known.class_of(loader, target)

    progress("decoding images", 0, shape[0])
    classes: list[str | int | None] = []
    with closing(work_through(decode, _places(loaders.values()))) as decoded:
        for class_ in decoded:
            classes.append(class_)
            progress("decoding images", len(classes), shape[0])
    class_names = known.class_names or tuple(map(str, getattr(loaders["train"], "classes", ())))
    return _Found({split: len(loader) for split, loader in loaders.items()}, classes, class_names)


def _places(loaders: Iterable[Any]) -> Iterator[tuple[int, Any, int]]:
    """The index of each image among all, its loader, and its number there."""
    index = 0
    for loader in loaders:
        for number in range(len(loader)):
            yield index, loader, number
            index += 1


def _fit(image: Image.Image, channels: int, height: int, width: int, *, is_inverted: bool) -> NDArray[np.uint8]:
    simple = image.convert("L" if channels == 1 else "RGB")
    if simple.size != (width, height):
        simple = ImageOps.fit(simple, (width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(simple, np.uint8).reshape(height, width, channels).transpose(2, 0, 1)
    return 255 - pixels if is_inverted else pixels


def _index_classes(
    classes: Sequence[str | int | None], class_names: tuple[str, ...]
) -> tuple[torch.Tensor | None, tuple[str, ...]]:
    """The classes as indexes of their names, -1 for none, and these names; None where no image has a class."""
    names = sorted({class_ for class_ in classes if isinstance(class_, str)})
    if names:
        places = {name: index for index, name in enumerate(names)}
        return torch.tensor([-1 if class_ is None else places[str(class_)] for class_ in classes]), tuple(names)
    labels = torch.tensor([-1 if class_ is None else int(class_) for class_ in classes], dtype=torch.int64)
    count = int(labels.max()) + 1 if len(labels) else 0
    if count == 0:
        return None, ()
    return labels, class_names if len(class_names) >= count else tuple(map(str, range(count)))


def _key(name: str, image_shape: tuple[int, int, int], root: Path) -> str:
    """What stands for the pixels of a set's files as they come out of here."""
    key = hashlib.sha256(f"torchvision {name} {image_shape} {_DECODING}, Pillow {PIL.__version__}".encode())
    patterns = dict.fromkeys(pattern for split in SETS[name].splits.values() for pattern in split.files)
    for pattern in patterns:
        for path in sorted(root.glob(pattern)):
            found = path.stat()
            entry = f"{path.relative_to(root)}\0{found.st_size}\0{found.st_mtime_ns}\0"
            key.update(entry.encode(errors="surrogateescape"))
    return key.hexdigest()
