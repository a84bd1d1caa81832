"""A folder of photos: JPEG and PNG files of any size, with or without splits and classes."""

from __future__ import annotations

import hashlib
import io
import math
import os
import struct
import warnings
import zlib
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError, features

from vae_tui.data import decoded_cache
from vae_tui.data.parallel import work_through
from vae_tui.data.progress import Progress
from vae_tui.data.rows import CacheUnavailable, Shape
from vae_tui.data.sets import PackedImages, StoredSets
from vae_tui.data.streamed import AnyPixels, StreamedPixels
from vae_tui.errors import DataError

_SUFFIXES = (".jpg", ".jpeg", ".png")
_SPLIT_FOLDERS = {"train": ("train",), "validation": ("validation", "val"), "test": ("test",)}
_BROKEN_SHARE_ALLOWED = 0.01
_DECODING = 1
"""To be raised whenever the same files are to come out as other pixels."""
UNREADABLE_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,  # what Pillow says of a broken PNG
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What reading a broken image may raise."""
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation."""
_ON_ITS_SIDE = (5, 6, 7, 8)


@dataclass(frozen=True)
class _Photo:
    path: Path
    split: str
    class_name: str | None


def read_folder(
    root: Path, *, height: int, width: int, channels: int, memory_bytes: int, progress: Progress
) -> StoredSets:
    """Read every JPEG and PNG under a folder, resized and center-cropped to `height` x `width`.

    The folder is flat or has a folder for each class, or has train/, validation/ (or val/) and test/, each flat or with
    a folder for each class. Hidden files are ignored. A file that cannot be decoded is skipped. What was decoded is
    cached in the user's cache folder and comes from there as long as no file changes; where nothing can be cached, the
    images are in memory. Raises DataError where there are no images, where more than 1 % of them are broken, or where
    they can be neither cached nor held in `memory_bytes`.
    """
    if not root.is_dir():
        what = 'is a file (data.name = "npz" reads arrays)' if root.exists() else "is not there"
        raise DataError(f"{root} {what}; data.root names a folder of JPEG and PNG files")
    folders = _find_splits(root)
    photos = [photo for split, folder in folders.items() for photo in _find_photos(folder, split)]
    shape = (len(photos), channels, height, width)
    notes: tuple[str, ...] = ()
    try:
        pixels, broken = _decode_once(root, photos, shape, progress)
    except CacheUnavailable as error:
        if math.prod(shape) > memory_bytes:
            raise decoded_cache.cannot_stream(root, math.prod(shape), memory_bytes, error) from error
        pixels, broken = _decode_in_memory(photos, shape, progress)
        notes = (f"decoded images are not cached for the next time: {error}",)
    skipped = tuple(photos[index].path.relative_to(root).as_posix() for index in broken)
    if len(broken) > _BROKEN_SHARE_ALLOWED * len(photos):
        listed = [f"  {name}: {problem}" for name, problem in zip(skipped, broken.values(), strict=True)]
        few = "\n".join(listed[:5])
        more = f"\n  and {len(listed) - 5:,} more" if len(listed) > 5 else ""
        raise DataError(
            f"{root}: {len(broken):,} of {len(photos):,} images are broken, more than "
            f"{_BROKEN_SHARE_ALLOWED:.0%}; remove or replace them:\n{few}{more}"
        )
    if missing := set(folders) - {photo.split for index, photo in enumerate(photos) if index not in broken}:
        raise DataError(f"{root}: every image for {' and '.join(sorted(missing))} is broken: {', '.join(skipped)}")
    return replace(_assemble(photos, pixels, broken), skipped=skipped, notes=notes)


def read_photo(
    source: Path | io.BytesIO,
    *,
    height: int,
    width: int,
    channels: int,
    formats: tuple[str, ...] = ("JPEG", "PNG"),
) -> NDArray[np.uint8]:
    """Decode one image file, or its content, as (C, H, W): upright, on white, its shorter side fitted and its longer side cropped evenly.

    Raises one of UNREADABLE_ERRORS where it cannot.
    """
    with Image.open(source, formats=formats) as image:
        orientation = _read_orientation(image)
        size = (height, width) if orientation in _ON_ITS_SIDE else (width, height)
        # A JPEG decodes at an eighth, a quarter or half its size for little; twice what is needed keeps it sharp.
        scale = 2 * max(size[0] / image.width, size[1] / image.height)
        image.draft(None, (round(image.width * scale), round(image.height * scale)))
        fitted = ImageOps.fit(_simplify(image), size, Image.Resampling.BICUBIC)
    if orientation in _UPRIGHT:
        fitted = fitted.transpose(_UPRIGHT[orientation])
    pixels = np.asarray(fitted.convert("L" if channels == 1 else "RGB"), np.uint8)
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)


def _read_orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except (*UNREADABLE_ERRORS, TypeError):
        return 1  # damaged notes about a photo are no reason to lose the photo


def _simplify(image: Image.Image) -> Image.Image:
    """Bring any kind of pixels to 8 bits of grey or RGB, what is transparent laid on white."""
    if image.mode.startswith("I"):
        sixteen_bits = np.asarray(image).astype(np.uint32)
        return Image.fromarray((sixteen_bits * 255 // 65535).astype(np.uint8))
    if image.has_transparency_data:
        colour = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", colour.size, "white"), colour).convert("RGB")
    if image.mode in ("1", "L"):
        return image.convert("L")
    return image.convert("RGB")


def _decode_once(
    root: Path, photos: Sequence[_Photo], shape: Shape, progress: Progress
) -> tuple[AnyPixels, dict[int, str]]:
    """The photos from the cache, decoded now where they are not in it, and what is wrong with each that is broken."""
    names = [photo.path.relative_to(root).as_posix() for photo in photos]
    if decoded_cache.has_any(shape):
        digests = _digest_all(photos, progress)
        file = decoded_cache.open(shape, _key(names, digests))
        if file is not None:
            return StreamedPixels(file), {
                int(index): problem for index, problem in file.facts.get("broken", {}).items()
            }
    with decoded_cache.create(shape) as writer:
        broken, digests = _decode_all(photos, shape, writer.write, progress)
        # By what was read just now, whatever it was before.
        file = writer.finish(decoded_cache.cache_name(shape, _key(names, digests)), {"broken": broken})
    return StreamedPixels(file), broken


def _decode_in_memory(photos: Sequence[_Photo], shape: Shape, progress: Progress) -> tuple[AnyPixels, dict[int, str]]:
    pixels = np.empty(shape, np.uint8)

    def put(index: int, image: NDArray[np.uint8]) -> None:
        pixels[index] = image

    broken, _ = _decode_all(photos, shape, put, progress)
    return torch.from_numpy(pixels), broken


def _decode_all(
    photos: Sequence[_Photo], shape: Shape, put: Callable[[int, NDArray[np.uint8]], None], progress: Progress
) -> tuple[dict[int, str], list[bytes]]:
    """Decode each photo and `put` it at its index; what is wrong with each that is broken, and every file's digest."""
    _, channels, height, width = shape

    def decode(index: int) -> tuple[str | None, bytes]:
        digest = b""
        try:
            content = photos[index].path.read_bytes()
            digest = hashlib.sha256(content).digest()
            pixels = read_photo(io.BytesIO(content), height=height, width=width, channels=channels)
        except UNREADABLE_ERRORS as error:
            problem = describe_problem(error)
            return problem, digest or _digest_of_problem(problem)
        put(index, pixels)
        return None, digest

    broken, digests = {}, []
    progress("decoding images", 0, len(photos))
    with warnings.catch_warnings(), closing(work_through(decode, range(len(photos)))) as decoded:
        # Pillow warns of large pictures and odd notes in them; what it can decode is welcome.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", module=r"PIL\b")
        for index, (problem, digest) in enumerate(decoded):
            digests.append(digest)
            if problem is not None:
                broken[index] = problem
            progress("decoding images", index + 1, len(photos))
    return broken, digests


def _digest_all(photos: Sequence[_Photo], progress: Progress) -> list[bytes]:
    def digest(photo: _Photo) -> bytes:
        try:
            return hashlib.sha256(photo.path.read_bytes()).digest()
        except OSError as error:
            return _digest_of_problem(describe_problem(error))

    stage = "looking for changed images"
    progress(stage, 0, len(photos))
    with closing(work_through(digest, photos)) as found:
        digests = []
        for digested in found:
            digests.append(digested)
            progress(stage, len(digests), len(photos))
    return digests


def _digest_of_problem(problem: str) -> bytes:
    return hashlib.sha256(f"cannot be read: {problem}".encode()).digest()


def _key(names: Sequence[str], digests: Sequence[bytes]) -> str:
    """What stands for the pixels of these files, as this decoder makes them."""
    decoder = f"photos {_DECODING}, Pillow {PIL.__version__}, libjpeg {features.version('jpg')}"
    key = hashlib.sha256(decoder.encode())
    for name, digest in zip(names, digests, strict=True):
        key.update(os.fsencode(name) + b"\0" + digest)
    return key.hexdigest()


def describe_problem(error: BaseException) -> str:
    """What is wrong with an image that raised one of UNREADABLE_ERRORS."""
    if isinstance(error, UnidentifiedImageError):
        return "no JPEG or PNG"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _find_splits(root: Path) -> dict[str, Path]:
    """The folders of train, validation and test; a folder without them is all train."""
    _, folders = _list(root)
    found = {
        split: [folder for folder in folders if folder.name.lower() in names] for split, names in _SPLIT_FOLDERS.items()
    }
    for several in found.values():
        if len(several) > 1:
            names = " and ".join(f"{folder.name}/" for folder in several)
            raise DataError(f"{root} has both {names}; expected one of them")
    if not any(found.values()):
        return {"train": root}
    if not found["train"]:
        names = " and ".join(f"{folder.name}/" for several in found.values() for folder in several)
        raise DataError(f"{root} has {names} but no train/; add it, or rename what is a class and no split")
    return {split: several[0] for split, several in found.items() if several}


def _find_photos(folder: Path, split: str) -> list[_Photo]:
    """The images in a folder or in its class folders, in the order of their names; raises DataError where none are."""
    flat, subfolders = _list(folder)
    classes = {subfolder.name: _walk(subfolder) for subfolder in subfolders}
    if flat and any(classes.values()):
        names = ", ".join(f"{name}/" for name, paths in classes.items() if paths)
        more = f" and {len(flat) - 1:,} more images" if len(flat) > 1 else ""
        raise DataError(
            f"{folder} holds {flat[0].name}{more} beside folders of images ({names}); "
            "expected every image in a class folder, or none"
        )
    if flat:
        return [_Photo(path, split, None) for path in flat]
    photos = [_Photo(path, split, name) for name, paths in classes.items() for path in paths]
    if not photos:
        raise DataError(f"{folder} holds no JPEG or PNG files (.jpg, .jpeg, .png), nor do folders in it")
    return photos


def _list(folder: Path) -> tuple[list[Path], list[Path]]:
    """The images and the folders right in a folder, both in the order of their names, without hidden ones."""
    with os.scandir(folder) as entries:
        visible = sorted(
            (entry for entry in entries if not entry.name.startswith(".") and _leads_somewhere(entry)),
            key=lambda entry: entry.name,
        )
        photos = [Path(entry) for entry in visible if entry.name.lower().endswith(_SUFFIXES) and entry.is_file()]
        return photos, [Path(entry) for entry in visible if entry.is_dir()]


def _leads_somewhere(entry: os.DirEntry[str]) -> bool:
    """Whether what is there can be looked at: not a link to itself."""
    try:
        return entry.is_file() or entry.is_dir()
    except OSError:
        return False


def _walk(folder: Path) -> list[Path]:
    """The images in a folder and in folders within it; links to folders within it are not followed."""
    found, subfolders = _list(folder)
    for subfolder in subfolders:
        if not subfolder.is_symlink():
            found.extend(_walk(subfolder))
    return found


def _assemble(photos: Sequence[_Photo], pixels: AnyPixels, broken: Collection[int]) -> StoredSets:
    class_names = tuple(sorted({photo.class_name for photo in photos if photo.class_name is not None}))
    index_of = {name: index for index, name in enumerate(class_names)}
    every = PackedImages(pixels)
    sets = {}
    for split in _SPLIT_FOLDERS:
        rows = [row for row, photo in enumerate(photos) if photo.split == split and row not in broken]
        if rows:
            names = [photos[row].class_name for row in rows]
            labels = [index_of[name] for name in names if name is not None]
            # Each split gets memory of its own, so that none keeps alive what another was cut from.
            part = pixels if len(rows) == len(pixels) else every.pick(torch.tensor(rows)).pixels
            sets[split] = PackedImages(part, torch.tensor(labels) if labels else None)
    return StoredSets(sets["train"], sets.get("validation"), sets.get("test"), class_names)
