"""The pages of a TIFF file as one array of images, as microscopes and ImageJ write them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vae_tui.data.array_shape import Layout
from vae_tui.data.stored_array import StoredArray
from vae_tui.errors import DataError
from vae_tui.photos.photo import UNREADABLE_ERRORS, describe_problem
from vae_tui.text import printable

BEGINNINGS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How TIFF files begin."""
_BITS_TAG, _DESCRIPTION_TAG = 258, 270
_IMAGEJ_COUNT = re.compile(r"^images=(\d+)", re.MULTILINE)
_CONVERTED_BY_PILLOW = ("RGB", "RGBA", "RGBX", "CMYK")
_INDEXED = ("P", "PA", "YCbCr", "LAB")
"""Pixels that are no brightness of their own."""


class TiffStack(StoredArray):
    """The pages of a TIFF file: bytes, 16 bits, floats or black and white (N, H, W), or bytes in colour (N, H, W, C).

    Raises DataError for a file that is damaged or has one page alone, and on reading for pages that are not alike.
    """

    def __init__(self, path: Path) -> None:
        self._file = path
        self.name, self.title = printable(str(path)), printable(path.name)
        with self._damage_named(), Image.open(path, formats=("TIFF",)) as stack:
            count = _count_pages(path)
            if count == 1:
                raise DataError(f"{self.name} {_tell_one_page(stack)}")
            page = _read_page(stack)
            bits = max(np.atleast_1d(getattr(stack, "tag_v2", {}).get(_BITS_TAG, 1)).tolist())
            if bits > 8 and stack.mode in _CONVERTED_BY_PILLOW:
                raise DataError(
                    f"{self.name} has {bits} bits a colour, of which 8 would be read; save it with 8, or as a .npy"
                )
        self.shape = (count, *page.shape)
        self.dtype = page.dtype

    def read(self) -> NDArray[Any]:
        """All of it."""
        return np.stack(list(self._read_pages()))

    def read_images(self, layout: Layout) -> Generator[NDArray[Any]]:
        """Its images in order, (n, H, W, C), some at a time."""
        pages: list[NDArray[Any]] = []
        for page in self._read_pages():
            pages.append(page)
            if len(pages) == self.images_at_once:
                yield layout.arrange(np.stack(pages))
                pages = []
        if pages:
            yield layout.arrange(np.stack(pages))

    def _read_pages(self) -> Iterator[NDArray[Any]]:
        """Each page, (H, W) or (H, W, C)."""
        with Image.open(self._file, formats=("TIFF",)) as stack:
            for number in range(self.shape[0]):
                with self._damage_named(f"page {number + 1:,}"):
                    stack.seek(number)
                    page = _read_page(stack)
                if page.shape != self.shape[1:] or page.dtype != self.dtype:
                    raise DataError(
                        f"{self.name}: page {number + 1:,} is {page.dtype} {page.shape}, but the first is {self.dtype} "
                        f'{self.shape[1:]}; expected pages alike; saved each as a file, data.name = "folder" reads them'
                    )
                yield page

    @contextmanager
    def _damage_named(self, what: str = "it") -> Iterator[None]:
        """Raise DataError for whatever Pillow finds wrong, but for its warnings: damage that matters shows in the pixels."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                yield
            except UNREADABLE_ERRORS as error:
                raise DataError(
                    f"{self.name}: {what} is damaged or was cut short ({describe_problem(error, BEGINNINGS[0])}); replace the file"
                ) from error


def _count_pages(path: Path) -> int:
    """How many pages there are; raises OSError where the list of them breaks off, of which Pillow only warns."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Image.open(path, formats=("TIFF",)) as stack:
            count = int(getattr(stack, "n_frames", 1))
    if any(str(warning.message).startswith("Corrupt EXIF data") for warning in caught):
        raise OSError("the list of its pages breaks off")
    return count


def _read_page(stack: Image.Image) -> NDArray[Any]:
    """The page that a file is at, in the byte order of this machine."""
    page = np.asarray(stack.convert("RGB") if stack.mode in _INDEXED else stack)
    return page.astype(page.dtype.newbyteorder("="), copy=False)


def _tell_one_page(stack: Image.Image) -> str:
    description = str(getattr(stack, "tag_v2", {}).get(_DESCRIPTION_TAG, ""))
    found = _IMAGEJ_COUNT.search(description)
    if found and int(found[1]) > 1:
        return (
            f"says that it holds {int(found[1]):,} images, but has one page, as ImageJ saves stacks of more than 4 GB; "
            "save it in parts, or as a .npy"
        )
    return 'has one page; expected an image on each of several; data.name = "folder" reads folders of images'
