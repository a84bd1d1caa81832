"""Image sets that torchvision reads from their own files, decoded once into the cache."""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from vae_tui.data import decoded_cache
from vae_tui.data.parallel import work_through
from vae_tui.data.progress import Progress
from vae_tui.data.rows import CacheUnavailable, Shape
from vae_tui.data.sets import PackedImages, StoredSets
from vae_tui.data.streamed import AnyPixels, StreamedPixels
from vae_tui.errors import DataError

TorchvisionName = Literal[
    "svhn", "stl10", "usps", "omniglot", "celeba", "gtsrb", "food101", "flowers102", "oxford-iiit-pet", "eurosat"
]
_DECODING = 1
"""To be raised whenever the same files are to come out as other pixels."""
_DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class _Set:
    """How torchvision keeps a set: its class, what each split is called there, and the files below the root, by pattern.

    `shape` (C, H, W) is that of all images, with None for sides that the recipe chooses.
    """

    kind: str
    splits: Mapping[str, Mapping[str, Any]]
    files: str
    shape: tuple[int, int | None, int | None]
    class_names: tuple[str, ...] = ()
    has_classes: bool = True
    inverted: bool = False
    """Whether strokes are dark on white, where a VAE's are bright on black."""
    arguments: Mapping[str, Any] = field(default_factory=dict)


def _by_split(**names: str) -> dict[str, dict[str, str]]:
    return {split: {"split": name} for split, name in names.items()}


SETS: dict[TorchvisionName, _Set] = {
    "svhn": _Set("SVHN", _by_split(train="train", test="test"), "*_32x32.mat", (3, 32, 32), _DIGITS),
    "stl10": _Set("STL10", _by_split(train="train", test="test"), "stl10_binary/*", (3, 96, 96)),
    "usps": _Set("USPS", {"train": {"train": True}, "test": {"train": False}}, "usps*.bz2", (1, 16, 16), _DIGITS),
    "omniglot": _Set(
        "Omniglot",
        {"train": {"background": True}, "test": {"background": False}},
        "omniglot-py/images_*/**/*.png",
        (1, None, None),
        has_classes=False,
        inverted=True,
    ),
    "celeba": _Set(
        "CelebA",
        _by_split(train="train", validation="valid", test="test"),
        "celeba/**/*",
        (3, None, None),
        has_classes=False,
    ),
    "gtsrb": _Set("GTSRB", _by_split(train="train", test="test"), "gtsrb/**/*", (3, None, None)),
    "food101": _Set("Food101", _by_split(train="train", test="test"), "food-101/**/*", (3, None, None)),
    "flowers102": _Set(
        "Flowers102", _by_split(train="train", validation="val", test="test"), "flowers-102/**/*", (3, None, None)
    ),
    "oxford-iiit-pet": _Set(
        "OxfordIIITPet", _by_split(train="trainval", test="test"), "oxford-iiit-pet/**/*", (3, None, None)
    ),
    "eurosat": _Set("EuroSAT", {"train": {}}, "eurosat/**/*", (3, None, None)),
}


def read_torchvision(
    name: TorchvisionName, data_root: Path, sides: tuple[int, int] | None, memory_bytes: int, progress: Progress
) -> StoredSets:
    """Read a set by torchvision's own loader, photos resized and center-cropped to `sides`, height and width.

    Where it is not under the data root, torchvision downloads it there. What was decoded is cached in the user's cache folder, and comes
    from there as long as no file changes. Raises DataError where it cannot be had, or can be neither cached nor held in memory.
    """
    known = SETS[name]
    loaders = {split: _open(name, known, arguments, data_root, progress) for split, arguments in known.splits.items()}
    channels, height, width = known.shape
    if height is None or width is None:
        assert sides is not None, "the recipe chooses them"
        height, width = sides
    shape = (sum(map(len, loaders.values())), channels, height, width)
    key = _key(name, known, data_root)
    notes: tuple[str, ...] = ()
    file = decoded_cache.open(shape, key) if decoded_cache.has_any(shape) else None
    pixels: AnyPixels
    if file is not None:
        pixels, labels = StreamedPixels(file), file.facts["labels"]["values"]
    else:
        try:
            with decoded_cache.create(shape) as writer:
                labels = _decode(known, list(loaders.values()), shape, writer.write, progress)
                facts = {"labels": {"values": labels}}
                pixels = StreamedPixels(writer.finish(decoded_cache.cache_name(shape, key), facts))
        except CacheUnavailable as error:
            if math.prod(shape) > memory_bytes:
                raise decoded_cache.cannot_stream(name, math.prod(shape), memory_bytes, error) from error
            held = np.empty(shape, np.uint8)
            labels = _decode(known, list(loaders.values()), shape, held.__setitem__, progress)
            pixels, notes = torch.from_numpy(held), (f"decoded images are not cached for the next time: {error}",)
    every = PackedImages(pixels, torch.tensor(labels) if known.has_classes else None)
    starts = np.cumsum([0, *map(len, loaders.values())])
    parts = {
        split: every.pick(torch.arange(int(start), int(start) + len(loader)))
        for (split, loader), start in zip(loaders.items(), starts, strict=False)
    }
    class_names = _class_names(known, next(iter(loaders.values())), labels)
    return StoredSets(parts["train"], parts.get("validation"), parts.get("test"), class_names, notes=notes)


def _open(name: str, known: _Set, arguments: Mapping[str, Any], root: Path, progress: Progress) -> Any:
    """Torchvision's loader of a split, once its files are there."""
    progress(f"looking for {name}", 0, None)
    from torchvision import datasets  # noqa: PLC0415 - two seconds, and no other set needs it

    kind: Any = getattr(datasets, known.kind)
    if not any(root.glob(known.files)):
        progress(f"downloading {name}", 0, None)
        try:
            root.mkdir(parents=True, exist_ok=True)
            # What it prints is no data.
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                return kind(root, download=True, **arguments)
        except ImportError as error:
            raise _missing_package(name, error) from error
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise DataError(
                f"{name} is not under {root} (expected {known.files} there, as torchvision's {known.kind} keeps it), and cannot be "
                f"downloaded: {reason}; put it there, or name its folder with --data-root"
            ) from error
    try:
        return kind(root, **arguments)
    except ImportError as error:
        raise _missing_package(name, error) from error
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(
            f"{name} under {root} cannot be read by torchvision's {known.kind}: {reason}; remove {root / known.files.partition('*')[0]} to "
            "download it anew, or replace what is damaged"
        ) from error


def _missing_package(name: str, error: ImportError) -> DataError:
    package = error.name or "a package"
    return DataError(f"{name} needs the package {package}: pip install {package}")


def _decode(
    known: _Set,
    loaders: Sequence[Any],
    shape: Shape,
    put: Callable[[int, NDArray[np.uint8]], None],
    progress: Progress,
) -> list[int]:
    """Decode every image of all splits in turn, `put` each at its index, and return their classes, -1 where there are none."""
    _, channels, height, width = shape

    def decode(place: tuple[int, Any, int]) -> int:
        index, loader, number = place
        try:
            image, target = loader[number]
        except (OSError, ValueError, SyntaxError) as error:
            raise DataError(f"{known.kind}: image {number:,} cannot be decoded: {error}; replace its file") from error
        put(index, _fit(image, channels, height, width, inverted=known.inverted))
        return int(target) if known.has_classes else -1

    progress("decoding images", 0, shape[0])
    labels = []
    with closing(work_through(decode, _places(loaders))) as decoded:
        for label in decoded:
            labels.append(label)
            progress("decoding images", len(labels), shape[0])
    return labels


def _places(loaders: Sequence[Any]) -> Iterator[tuple[int, Any, int]]:
    index = 0
    for loader in loaders:
        for number in range(len(loader)):
            yield index, loader, number
            index += 1


def _fit(image: Image.Image, channels: int, height: int, width: int, *, inverted: bool) -> NDArray[np.uint8]:
    simple = image.convert("L" if channels == 1 else "RGB")
    if simple.size != (width, height):
        simple = ImageOps.fit(simple, (width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(simple, np.uint8).reshape(height, width, channels).transpose(2, 0, 1)
    return 255 - pixels if inverted else pixels


def _class_names(known: _Set, loader: Any, labels: Sequence[int]) -> tuple[str, ...]:
    if not known.has_classes:
        return ()
    names = known.class_names or tuple(map(str, getattr(loader, "classes", ())))
    count = max(labels, default=-1) + 1
    return names if len(names) >= count else tuple(map(str, range(count)))


def _key(name: str, known: _Set, root: Path) -> str:
    """What stands for the pixels of a set's files as this decoder makes them."""
    key = hashlib.sha256(f"torchvision {name} {_DECODING}, Pillow {PIL.__version__}".encode())
    for path in sorted(root.glob(known.files)):
        if path.is_file():
            found = path.stat()
            key.update(
                f"{path.relative_to(root)}\0{found.st_size}\0{found.st_mtime_ns}".encode(errors="surrogateescape")
            )
    return key.hexdigest()
