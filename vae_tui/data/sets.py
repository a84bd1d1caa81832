"""What image sets are, as stored and as trained on."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from vae_tui.data.seeds import seed_for
from vae_tui.data.streamed import AnyPixels, StreamedPixels, read_all
from vae_tui.errors import DataError

_MEAN_BYTES = 1 << 30
_CHECKSUM_BYTES = 1 << 26
_EXTREMES_BYTES = 1 << 24
_BYTES_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class PackedImages:
    """Images (N, C, H, W), uint8, in memory or streamed, and what is known of them.

    `labels` (N,), int64, are their classes, -1 where one is hidden; `factors` (N, F), int64, what they were drawn from, each counted from 0; `names`
    those of their files, below the set's folder.
    """

    pixels: AnyPixels
    labels: torch.Tensor | None = None
    factors: torch.Tensor | None = None
    names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        """How many images there are."""
        return self.pixels.shape[0]

    @property
    def byte_count(self) -> int:
        """How much memory they take, or would."""
        return self.pixels.shape.numel()

    def pick(self, indexes: torch.Tensor) -> PackedImages:
        """The images at `indexes`: copied from memory, but not read from disk, nor drawn."""
        pixels = self.pixels
        picked = pixels.pick(indexes) if isinstance(pixels, StreamedPixels) else pixels[indexes]
        labels, factors = (None if values is None else values[indexes] for values in (self.labels, self.factors))
        names = None if self.names is None else tuple(self.names[index] for index in indexes.tolist())
        return PackedImages(picked, labels, factors, names)

    @cached_property
    def copies(self) -> dict[torch.device, torch.Tensor]:
        """The copies on devices that `on` has made."""
        return {}

    def on(self, device: torch.device) -> torch.Tensor:
        """All images on a device, copied there once; those that are streamed are read."""
        if device not in self.copies:
            self.copies[device] = read_all(self.pixels).to(device)
        return self.copies[device]

    @cached_property
    def mean_image(self) -> torch.Tensor:
        """The mean (C, H, W) in [0, 1]: of all images, or where they take more than 1 GiB of evenly spaced ones."""
        count = self._count_within(_MEAN_BYTES)
        sums = torch.zeros(self.pixels.shape[1:], dtype=torch.int64)
        for part in self._evenly_spaced(count):
            sums += part.sum(0, dtype=torch.int64)
        return sums / (255 * count)

    @cached_property
    def extremes(self) -> tuple[int, int]:
        """The darkest and the brightest value: of all, or where they take more than 1 GiB or are on disk of evenly spaced ones."""
        if isinstance(self.pixels, torch.Tensor) and self.byte_count <= _MEAN_BYTES:
            darkest, brightest = torch.aminmax(self.pixels)
            return int(darkest), int(brightest)
        lowest, highest = 255, 0
        for part in self._evenly_spaced(self._count_within(_EXTREMES_BYTES)):
            lowest, highest = min(lowest, int(part.min())), max(highest, int(part.max()))
        return lowest, highest

    @cached_property
    def checksum(self) -> int:
        """A CRC-32 to tell other images by: of all, or where they take more than 64 MiB of evenly spaced ones."""
        count = self._count_within(_CHECKSUM_BYTES)
        checksum = 0 if count == len(self) else zlib.crc32(str(len(self)).encode())
        for part in self._evenly_spaced(count):
            checksum = zlib.crc32(part.numpy().data, checksum)
        return checksum

    def _count_within(self, byte_count: int) -> int:
        """How many images so many bytes hold; 256 at least, where there are as many."""
        return min(len(self), max(256, byte_count * len(self) // self.byte_count))

    def _evenly_spaced(self, count: int) -> Iterator[torch.Tensor]:
        """So many of the images, from the first on, some at a time."""
        indexes = torch.arange(count) * len(self) // count
        for chosen in torch.split(indexes, max(1, _BYTES_AT_ONCE * len(self) // self.byte_count)):
            yield self.pixels[chosen]


@dataclass(frozen=True)
class StoredSets:
    """What a reader found: the splits that a set brings along, before any is cut.

    `notes` are sentences on how it was read; `factor_names` has a name for each of the images' factors.
    """

    train: PackedImages
    validation: PackedImages | None = None
    test: PackedImages | None = None
    class_names: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    factor_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageSets:
    """The splits a model is trained, chosen and judged on; no image is in two of them.

    `validation` is None where the recipe wants none. A label is an index into `class_names`, which is empty where there
    are no labels; `factor_names` has a name for each of the images' factors, where these are known. `skipped` names the
    broken files that were left out, `notes` are sentences on how the rest was read.
    """

    train: PackedImages
    validation: PackedImages | None
    test: PackedImages
    class_names: tuple[str, ...]
    skipped: tuple[str, ...]
    notes: tuple[str, ...] = ()
    factor_names: tuple[str, ...] = ()

    @property
    def checksums(self) -> dict[str, int]:
        """The checksum of each split, by which other images are told from these."""
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: images.checksum for name, images in splits.items() if images is not None}

    def changed_splits(self, recorded: dict[str, int] | int | None) -> str:
        """Which splits are not those whose checksums were recorded, as "validation and test"; empty where none.

        A version before these recorded the training images' checksum alone.
        """
        known = {"train": recorded} if isinstance(recorded, int) else recorded or {}
        names = {"train": "training"}
        changed = [names.get(name, name) for name, found in self.checksums.items() if known.get(name, found) != found]
        return " and ".join(part for part in (", ".join(changed[:-1]), *changed[-1:]) if part)

    @property
    def byte_count(self) -> int:
        """How much memory all images take, or would."""
        return sum(part.byte_count for part in (self.train, self.validation, self.test) if part is not None)


def hide_labels(images: PackedImages, count: int | None, seed: int) -> PackedImages:
    """The images with the labels of `count` of them alone, as many of each class, chosen by the seed; the others' are -1.

    None keeps all. Raises DataError where there are fewer classes than labels to keep, or fewer images.
    """
    if count is None or images.labels is None:
        return images
    classes = int(images.labels.max()) + 1
    if not classes <= count <= len(images):
        raise DataError(f"[data] labelled: expected {classes} (one of each class) to {len(images):,}, got {count:,}")
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed_for(seed, "labelled")))
    # Its place among those of its class, so that all classes have their first before any has its second.
    ordered = images.labels[order]
    places = torch.zeros_like(ordered)
    for index in range(classes):
        members = ordered == index
        places[members] = torch.arange(int(members.sum()))
    kept = order[places.argsort(stable=True)[:count]]
    labels = torch.full_like(images.labels, -1)
    labels[kept] = images.labels[kept]
    return replace(images, labels=labels)
