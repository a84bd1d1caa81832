"""One image file, whatever its format, as pixels of the size and the channels that are wanted."""

from __future__ import annotations

import hashlib
import io
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError, features

from vae_tui.photos.notes import without_notes

FORMATS = (
    *("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM"),
    *(("AVIF",) if features.check("avif") else ()),
    *(("JPEG2000",) if features.check("jpg_2000") else ()),
)
"""What Pillow calls the formats that are read, where it was built with them."""
WHITE_16_BITS = 65535
UNREADABLE_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,  # what Pillow says of a broken PNG
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    # What it stumbles over in tables and counts that make no sense.
    *(ArithmeticError, LookupError, TypeError, AttributeError, RuntimeError, MemoryError),
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
_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_FILE_BYTES = 1 << 30
_DECODED_BYTES = 3 << 29
_BYTES_PER_PIXEL = {"1": 2, "L": 1, "RGB": 4}
"""What decoding takes, by mode; _OTHER_BYTES with transparency or a palette, copies included."""
_OTHER_BYTES = 9
_LARGE_PIXELS = 1 << 26
_ONE_LARGE_AT_A_TIME = threading.Lock()
_LIMIT_LIFTED = threading.Lock()
_ROUNDING = 1e-4
_KINDS = (
    (b"version https://git-lfs", "only a pointer that Git LFS left here (git lfs pull fetches the file)"),
    (b"%PDF", "a PDF"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"<svg", "an SVG drawing"),
    (b"<!DOCTYPE html", "an HTML page"),
    (b"<html", "an HTML page"),
)


class LargePhoto(Exception):
    """A photo of so many pixels that only one of them is decoded at a time."""


@dataclass(frozen=True)
class DecodedPhoto:
    """Pixels (C, H, W), and what a reader of many photos wants to know of each.

    `brightest` is the highest of values of 16 bits, None where the file has none.
    """

    pixels: NDArray[np.uint8]
    brightest: int | None
    has_more_pages: bool


@dataclass(frozen=True)
class ExaminedPhoto:
    """What a file holds, or what is wrong with it, and a digest that changes with either."""

    decoded: DecodedPhoto | None
    problem: str
    digest: bytes


def examine_photo(
    path: Path, *, height: int, width: int, channels: int, white: int, allow_large: bool = True
) -> ExaminedPhoto:
    """Read and decode one image file, as `decode_photo` does; a file that cannot be is an answer.

    Raises LargePhoto where those are not allowed.
    """
    digest, content = b"", b""
    try:
        content = read_content(path)
        digest = hashlib.sha256(content).digest()
        decoded = decode_photo(
            content, height=height, width=width, channels=channels, white=white, allow_large=allow_large
        )
    except UNREADABLE_ERRORS as error:
        problem = describe_problem(error, content)
        return ExaminedPhoto(None, problem, digest or _digest_of_problem(problem))
    return ExaminedPhoto(decoded, "", digest)


def digest_photo(path: Path) -> bytes:
    """The digest that `examine_photo` finds, without decoding."""
    try:
        return hashlib.sha256(read_content(path)).digest()
    except (OSError, ValueError) as error:
        return _digest_of_problem(describe_problem(error))


def _digest_of_problem(problem: str) -> bytes:
    """What stands for the content of a file that cannot be read."""
    return hashlib.sha256(f"cannot be read: {problem}".encode(errors="surrogateescape")).digest()


def read_photo(path: Path, *, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """Decode one image file as (C, H, W): upright, on white, its shorter side fitted and its longer side cropped evenly.

    Raises one of UNREADABLE_ERRORS where it cannot.
    """
    return decode_photo(read_content(path), height=height, width=width, channels=channels).pixels


def read_content(path: Path) -> bytes:
    """The bytes of a file of at most 1 GiB; raises OSError, or ValueError for what is longer."""
    if path.stat().st_size > _FILE_BYTES:
        raise ValueError("larger than 1 GiB")
    return path.read_bytes()


def decode_photo(
    content: bytes, *, height: int, width: int, channels: int, white: int = WHITE_16_BITS, allow_large: bool = True
) -> DecodedPhoto:
    """Decode the content of an image file as `read_photo` does; `white` is what is white among values of 16 bits.

    A file whose pixels are whole is read, whatever is wrong with the notes in it; of several pages or frames, the first.
    Raises one of UNREADABLE_ERRORS, and LargePhoto where those are not allowed.
    """

    def decode(content: bytes) -> DecodedPhoto:
        return _decode(content, height, width, channels, white, allow_large)

    try:
        return decode(content)
    except UNREADABLE_ERRORS as error:
        for keep_exif in (True, False):
            bare = without_notes(content, keep_exif=keep_exif)
            if bare is not None:
                try:
                    return decode(bare)
                except UNREADABLE_ERRORS:
                    continue
        if content.startswith(_JPEG) and not content.endswith(_JPEG_END):
            body = content.rstrip(b"\xff")
            whole, filled = (decode(body + filling + _JPEG_END) for filling in (b"", b"\x5a" * 64))
            # Where filling a gap makes no difference, there is none, and only the end is missing.
            if np.array_equal(whole.pixels, filled.pixels):
                return whole
        raise error


def describe_problem(error: BaseException, content: bytes | None = None) -> str:
    """What is wrong with an image that raised one of UNREADABLE_ERRORS, and with its content where that is known."""
    if isinstance(error, UnidentifiedImageError):
        kind = "" if content is None else _kind(content)
        return f"no image that can be read, but {kind}" if kind else "no image that can be read"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _kind(content: bytes) -> str:
    if not content:
        return "an empty file"
    if content[4:8] == b"ftyp":
        return "a HEIC or AVIF photo or a film; convert it to JPEG or PNG"
    return next((kind for magic, kind in _KINDS if content.lstrip()[: len(magic)].lower() == magic.lower()), "")


def _decode(content: bytes, height: int, width: int, channels: int, white: int, allow_large: bool) -> DecodedPhoto:
    with _open(content) as image:
        orientation = _read_orientation(image)
        size = (height, width) if orientation in _ON_ITS_SIDE else (width, height)
        # A JPEG decodes at an eighth, a quarter or half its size for little; twice what is needed keeps it sharp.
        scale = 2 * max(size[0] / image.width, size[1] / image.height)
        image.draft(None, (round(image.width * scale), round(image.height * scale)))
        pixel_count = image.width * image.height
        if pixel_count * _BYTES_PER_PIXEL.get(image.mode, _OTHER_BYTES) > _DECODED_BYTES:
            raise ValueError(f"{image.width:,} x {image.height:,} pixels are more than are decoded")
        is_large = pixel_count > _LARGE_PIXELS
        if is_large and not allow_large:
            raise LargePhoto
        with _ONE_LARGE_AT_A_TIME if is_large else nullcontext():
            brightest, simple = _simplify(image, white)
            fitted = simple if simple.size == size else ImageOps.fit(simple, size, Image.Resampling.BICUBIC)
            fitted.load()
        has_more_pages = _has_more_pages(image)
    if orientation in _UPRIGHT:
        fitted = fitted.transpose(_UPRIGHT[orientation])
    mode = "L" if channels == 1 else "RGB"
    pixels = np.asarray(fitted if fitted.mode == mode else fitted.convert(mode), np.uint8)
    return DecodedPhoto(pixels.reshape(height, width, channels).transpose(2, 0, 1), brightest, has_more_pages)


@contextmanager
def _open(content: bytes) -> Iterator[Image.Image]:
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError:
        # Pillow's limit is one of pixels; what counts here is the memory they take, once it is known.
        with _LIMIT_LIFTED:
            limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                image = Image.open(io.BytesIO(content), formats=FORMATS)
            finally:
                Image.MAX_IMAGE_PIXELS = limit
    with image:
        yield image


def _read_orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except UNREADABLE_ERRORS:
        return 1  # damaged notes about a photo are no reason to lose the photo


def _has_more_pages(image: Image.Image) -> bool:
    if image.format == "MPO":  # a camera's second view of the same
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except UNREADABLE_ERRORS:
        return True


def _simplify(image: Image.Image, white: int) -> tuple[int | None, Image.Image]:
    """Bring any kind of pixels to 8 bits of grey or RGB, what is transparent laid on white; the brightest of 16 bits."""
    if image.mode.startswith("I"):
        return _simplify_whole_numbers(image, white)
    if image.mode == "F":
        return None, _simplify_floats(image)
    if image.has_transparency_data:
        colour = image.convert("RGBA") if image.mode != "RGBA" else image
        laid = Image.new("RGB", colour.size, "white")
        laid.paste(colour, mask=colour)
        return None, laid
    if image.mode in ("L", "RGB"):
        return None, image
    return None, image.convert("L" if image.mode == "1" else "RGB")


def _simplify_whole_numbers(image: Image.Image, white: int) -> tuple[int, Image.Image]:
    values = np.asarray(image)
    lowest, highest = int(values.min()), int(values.max())
    if lowest < 0 or highest > WHITE_16_BITS:
        raise ValueError(f"whole numbers from {lowest:,} to {highest:,}; expected 0 to 65,535 at most")
    grey = np.minimum(values, white).astype(np.uint32) * 255 // white
    return highest, Image.fromarray(grey.astype(np.uint8))


def _simplify_floats(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    lowest, highest = values.min(), values.max()
    if not (lowest >= -_ROUNDING and highest <= 1 + _ROUNDING):  # written so that NaN is refused too
        held = "NaN" if lowest != lowest else f"floats from {lowest} to {highest}"
        raise ValueError(f"{held}; expected floats in [0, 1], or bytes")
    return Image.fromarray(np.rint(values.clip(0, 1) * 255).astype(np.uint8))
