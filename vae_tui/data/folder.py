"""A folder of photos: image files of any size and format, with or without splits and classes."""

from __future__ import annotations

import hashlib
import math
import os
import warnings
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image, features

from vae_tui.data import decoded_cache
from vae_tui.data.parallel import work_through
from vae_tui.data.photo_layout import Photo, find_photos
from vae_tui.data.progress import Progress
from vae_tui.data.rows import CacheUnavailable, Shape
from vae_tui.data.sets import PackedImages, StoredSets
from vae_tui.data.split_names import SPLITS
from vae_tui.data.streamed import AnyPixels, StreamedPixels
from vae_tui.errors import DataError
from vae_tui.photos.photo import WHITE_16_BITS, ExaminedPhoto, digest_photo, examine_photo
from vae_tui.photos.processes import examine_in_processes

_BROKEN_SHARE_ALLOWED = 0.01
_DECODING = 3
"""To be raised whenever the same files are to come out as other pixels."""
_WHITES = {8: 255, 10: 1023, 12: 4095, 14: 16383, 16: WHITE_16_BITS}
"""The highest value of so many bits, which cameras and microscopes keep in 16."""


@dataclass(frozen=True)
class _Found:
    """What decoding found: what is wrong with each photo that is broken, and which have more pages, by their indexes.

    `brightest` is the highest of all values of 16 bits, None where there are none.
    """

    broken: Mapping[int, str] = field(default_factory=dict)
    paged: Sequence[int] = ()
    brightest: int | None = None

    @property
    def bits(self) -> int:
        """How many of 16 bits the brightest value needs, by the widths that are in use."""
        return min(bits for bits, white in _WHITES.items() if (self.brightest or 0) <= white)

    def facts(self) -> dict[str, dict[str, Any]]:
        """The same as a file of rows keeps it."""
        return {
            "broken": {str(index): problem for index, problem in self.broken.items()},
            "paged": {str(index): True for index in self.paged},
            "values": {"brightest": self.brightest},
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Mapping[str, Any]]) -> _Found:
        """What `facts` made."""
        broken = {int(index): problem for index, problem in facts.get("broken", {}).items()}
        return cls(broken, [int(index) for index in facts.get("paged", {})], facts.get("values", {}).get("brightest"))


def read_folder(
    root: Path, *, height: int, width: int, channels: int, memory_bytes: int, progress: Progress
) -> StoredSets:
    """Read every image under a folder, resized and center-cropped to `height` x `width`.

    How the folder is laid out is for `find_photos`. A file that cannot be decoded is skipped. Values of 16 bits are scaled
    by the brightest of the whole folder, to 8, 10, 12, 14 or 16 bits. What was decoded is cached in the user's cache folder
    and comes from there as long as no file changes; where nothing can be cached, the images are in memory. Raises DataError
    where there are no images, where it is not clear which split they are of, where more than 1 % of them are broken, or
    where they can be neither cached nor held in `memory_bytes`.
    """
    if not root.is_dir():
        what = 'is a file (data.name = "npz" reads arrays and pages of TIFF)' if root.exists() else "is not there"
        raise DataError(f"{root} {what}; data.root names a folder of images, unpacked")
    photos, notes = find_photos(root)
    names = [photo.path.relative_to(root).as_posix() for photo in photos]
    shape = (len(photos), channels, height, width)
    try:
        pixels, found = _decode_once(names, photos, shape, progress)
    except CacheUnavailable as error:
        if math.prod(shape) > memory_bytes:
            raise decoded_cache.cannot_stream(root, math.prod(shape), memory_bytes, error) from error
        pixels, found = _decode_in_memory(photos, shape, progress)
        notes = (*notes, f"decoded images are not cached for the next time: {error}")
    skipped = tuple(names[index] for index in found.broken)
    if len(found.broken) > _BROKEN_SHARE_ALLOWED * len(photos):
        listed = [f"  {name}: {problem}" for name, problem in zip(skipped, found.broken.values(), strict=True)]
        few = "\n".join(listed[:5])
        more = f"\n  and {len(listed) - 5:,} more" if len(listed) > 5 else ""
        raise DataError(
            f"{root}: {len(skipped):,} of {len(photos):,} images are broken, more than "
            f"{_BROKEN_SHARE_ALLOWED:.0%}; remove or replace them:\n{few}{more}"
        )
    whole = {photo.split for index, photo in enumerate(photos) if index not in found.broken}
    if missing := {photo.split for photo in photos} - whole:
        raise DataError(f"{root}: every image for {' and '.join(sorted(missing))} is broken: {', '.join(skipped)}")
    return replace(
        _assemble(photos, names, pixels, found.broken), skipped=skipped, notes=(*notes, *_tell(found, names))
    )


def _tell(found: _Found, names: Sequence[str]) -> list[str]:
    notes = []
    if found.paged:
        named = ", ".join(names[index] for index in found.paged[:3])
        more = f" and {len(found.paged) - 3:,} more" if len(found.paged) > 3 else ""
        notes.append(f"of files with several pages or frames the first is used: {named}{more}")
    if found.brightest and found.bits < 16:
        notes.append(
            f"the brightest value of the 16-bit images is {found.brightest:,} of {WHITE_16_BITS:,}: "
            f"they are read as {found.bits} bits, {_WHITES[found.bits]:,} being white"
        )
    return notes


def _decode_once(
    names: Sequence[str], photos: Sequence[Photo], shape: Shape, progress: Progress
) -> tuple[AnyPixels, _Found]:
    """The photos from the cache, decoded now where they are not in it, and what was found in them."""
    if decoded_cache.has_any(shape):
        digests = _digest_all(photos, progress)
        file = decoded_cache.open(shape, _key(names, digests))
        if file is not None:
            return StreamedPixels(file), _Found.from_facts(file.facts)
    with decoded_cache.create(shape) as writer:
        found, digests = _decode_all(photos, shape, writer.write, progress)
        # By what was read just now, whatever it was before.
        file = writer.finish(decoded_cache.cache_name(shape, _key(names, digests)), found.facts())
    return StreamedPixels(file), found


def _decode_in_memory(photos: Sequence[Photo], shape: Shape, progress: Progress) -> tuple[AnyPixels, _Found]:
    pixels = np.empty(shape, np.uint8)

    def put(index: int, image: NDArray[np.uint8]) -> None:
        pixels[index] = image

    found, _ = _decode_all(photos, shape, put, progress)
    return torch.from_numpy(pixels), found


def _decode_all(
    photos: Sequence[Photo], shape: Shape, put: Callable[[int, NDArray[np.uint8]], None], progress: Progress
) -> tuple[_Found, list[bytes]]:
    """Decode each photo and `put` it at its index; what was found in them, and every file's digest."""
    _, channels, height, width = shape
    broken: dict[int, str] = {}
    brightest: dict[int, int] = {}
    paged, digests = [], []

    def examine(index: int, white: int = WHITE_16_BITS) -> ExaminedPhoto:
        path = photos[index].path
        return put_in_place(index, examine_photo(path, height=height, width=width, channels=channels, white=white))

    def examine_elsewhere(indexes: Sequence[int]) -> Generator[ExaminedPhoto]:
        paths = [photos[index].path for index in indexes]
        examined = examine_in_processes(paths, height=height, width=width, channels=channels, white=WHITE_16_BITS)
        with closing(examined):
            for index, photo in zip(indexes, examined, strict=True):
                yield examine(index) if photo is None else put_in_place(index, photo)

    def put_in_place(index: int, photo: ExaminedPhoto) -> ExaminedPhoto:
        if photo.decoded is None:
            return photo
        put(index, photo.decoded.pixels)
        return replace(photo, decoded=replace(photo.decoded, pixels=_NO_PIXELS))

    with warnings.catch_warnings():
        # Pillow warns of large pictures and odd notes in them; what it can decode is welcome.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", module=r"PIL\b")
        working = work_through(examine, range(len(photos)), examine_elsewhere)
        for index, photo in enumerate(_watched(working, len(photos), "decoding images", progress)):
            digests.append(photo.digest)
            if photo.decoded is None:
                broken[index] = photo.problem
                continue
            if photo.decoded.brightest is not None:
                brightest[index] = photo.decoded.brightest
            if photo.decoded.has_more_pages:
                paged.append(index)
        found = _Found(broken, paged, max(brightest.values(), default=None))
        if brightest and found.bits < 16:
            # One scale for all, which is known only now.
            rescale = partial(examine, white=_WHITES[found.bits])
            working = work_through(rescale, list(brightest))
            for _ in _watched(working, len(brightest), "decoding images of few bits", progress):
                pass
    return found, digests


_NO_PIXELS = np.empty((0, 0, 0), np.uint8)
_Result = TypeVar("_Result")


def _watched(results: Generator[_Result], count: int, stage: str, progress: Progress) -> Iterable[_Result]:
    progress(stage, 0, count)
    with closing(results):
        for done, result in enumerate(results, 1):
            yield result
            progress(stage, done, count)


def _digest_all(photos: Sequence[Photo], progress: Progress) -> list[bytes]:
    working = work_through(digest_photo, [photo.path for photo in photos])
    return list(_watched(working, len(photos), "looking for changed images", progress))


def _key(names: Sequence[str], digests: Sequence[bytes]) -> str:
    """What stands for the pixels of these files, as this decoder makes them."""
    decoder = f"photos {_DECODING}, Pillow {PIL.__version__}, libjpeg {features.version('jpg')}"
    key = hashlib.sha256(decoder.encode())
    for name, digest in zip(names, digests, strict=True):
        key.update(os.fsencode(name) + b"\0" + digest)
    return key.hexdigest()


def _assemble(photos: Sequence[Photo], names: Sequence[str], pixels: AnyPixels, broken: Collection[int]) -> StoredSets:
    class_names = tuple(sorted({photo.class_name for photo in photos if photo.class_name is not None}))
    index_of = {name: index for index, name in enumerate(class_names)}
    every = PackedImages(pixels)
    sets = {}
    for split in SPLITS:
        rows = [row for row, photo in enumerate(photos) if photo.split == split and row not in broken]
        if rows:
            classes = [photos[row].class_name for row in rows]
            labels = [index_of[name] for name in classes if name is not None]
            # Each split gets memory of its own, so that none keeps alive what another was cut from.
            part = pixels if len(rows) == len(pixels) else every.pick(torch.tensor(rows)).pixels
            known = torch.tensor(labels) if len(labels) == len(rows) else None
            sets[split] = PackedImages(part, known, names=tuple(names[row] for row in rows))
    return StoredSets(sets["train"], sets.get("validation"), sets.get("test"), class_names)
