"""The arrays in a .npy, .npz or TIFF file: their names and headers at once, their values some images at a time."""

from __future__ import annotations

import lzma
import math
import tokenize
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.data.array_shape import Layout
from vae_tui.data.stored_array import StoredArray
from vae_tui.data.tiff_stack import BEGINNINGS, TiffStack
from vae_tui.errors import DataError
from vae_tui.text import printable

_OTHER_FILES = (
    (b"\x80", 'a Python pickle, which can run anything when it is read (CIFAR\'s batches: data.name = "cifar10")'),
    (b"\x89HDF", 'an HDF5 file; save the images with np.save("images.npy", ...)'),
    (b"MATLAB", 'a MATLAB file; save the images with np.save("images.npy", ...)'),
    (b"PAR1", 'a Parquet file; save the images with np.save("images.npy", ...)'),
    (b"\x1f\x8b", "gzip-compressed; unpack it"),
    (b"\0\0\x08", 'an idx file; data.name = "mnist" reads such under --data-root'),
    (b"\x89PNG", 'an image; data.name = "folder" reads folders of images'),
    (b"\xff\xd8\xff", 'an image; data.name = "folder" reads folders of images'),
    (b"version https://git-lfs", "a pointer that Git LFS left there; git lfs pull fetches the file itself"),
    (b"<", "a web page or the like, which may have come in place of a download"),
    (b"\x93NUMPY", 'a NumPy array; data.name = "npz" reads it'),
    (b"PK\x03\x04", "a ZIP archive; unpack it"),
    (b"SQLite format 3", "a database; save the images as a .npy or a folder of image files"),
    (b"ARROW1", 'an Arrow file; save the images with np.save("images.npy", ...)'),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"\xfd7zXZ", "xz-compressed; unpack it"),
    (b"BZh", "bzip2-compressed; unpack it"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed; unpack it"),
    (b"RIFF", 'an image or a film; data.name = "folder" reads folders of images'),
    (b"GIF8", 'an image; data.name = "folder" reads folders of images'),
)
"""How other files begin, and what they are."""
_TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
_DAMAGE = (
    *(ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError),
    *(RuntimeError, NotImplementedError),  # encrypted, or compressed in a way that nobody knows
    *(SyntaxError, TypeError, OverflowError),  # a header that is no header
)
"""What reading a damaged archive or header raises."""


class PythonObjects(ValueError):
    """An array of Python objects, which is never unpickled."""


class NpyArray(StoredArray):
    """An array in a .npy file or in a member of a .npz.

    Raises what NumPy raises for a damaged one, and PythonObjects.
    """

    def __init__(
        self, file: Path, name: str, open_stream: Callable[[], IO[bytes]], byte_count: int, path: Path | None = None
    ) -> None:
        """An array called `name` in a file; `open_stream` opens its `byte_count` bytes from the first on.

        `path` is the file that holds these bytes and nothing else.
        """
        name = printable(name)
        self.name, self.title = f"{file}: `{name}`", f"`{name}`" if path is None else file.name
        self._open, self.path = open_stream, path
        with open_stream() as stream:
            self.shape, self.is_fortran, self.dtype = _read_header(stream)
            self.header_bytes = stream.tell()
        if self.dtype.hasobject:
            raise PythonObjects
        if self.header_bytes + self.byte_count > byte_count:
            raise EOFError("cut short")

    def read(self) -> NDArray[Any]:
        """All of it."""
        with self._open() as stream:
            array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
        return array

    def read_images(self, layout: Layout) -> Generator[NDArray[Any]]:
        """Its images in order, (n, H, W, C), some at a time."""
        count = self.images_at_once
        if self.is_fortran:
            yield from map(layout.arrange, np.split(self.read(), range(count, self.shape[0], count)))
            return
        with self._open() as stream:
            stream.read(self.header_bytes)
            for start in range(0, self.shape[0], count):
                shape = (min(count, self.shape[0] - start), *self.shape[1:])
                content = stream.read(math.prod(shape) * self.dtype.itemsize)
                yield layout.arrange(np.frombuffer(content, self.dtype).reshape(shape))
            stream.read(1)  # at its end, a member of a .npz is compared with its checksum


Opener = Callable[[], StoredArray]


def open_arrays(path: Path, open_files: ExitStack) -> Mapping[str, Opener]:
    """The arrays in a file, or in the .npy files of a folder, by name, to be opened; a .npy and a TIFF file hold one, `images`.

    Raises DataError for other files.
    """
    if path.is_dir():
        return _open_folder(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file; data.root names a .npz, .npy or .tif file")
    with damage_told(str(path)):
        with path.open("rb") as file:
            magic = file.read(64)
        if magic.startswith(b"\x93NUMPY"):
            return {"images": lambda: _open_npy(path, "images")}
        if magic.startswith(BEGINNINGS):
            return {"images": cache(lambda: TiffStack(path))}  # pages are counted by going through all of them
        if magic.startswith(b"PK"):
            archive = open_files.enter_context(zipfile.ZipFile(path))
            _refuse_doubles(path, [info.filename for info in archive.infolist()])
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist() if not info.is_dir()}
            _refuse_other_archives(path, [info.filename for info in members.values()])

            def opener(name: str) -> Opener:
                info = members[name]
                return lambda: NpyArray(path, name, lambda: archive.open(info), info.file_size)

            return {name: opener(name) for name in members}
    kind = kind_of_file(magic)
    if not magic:
        kind = "empty"
    elif path.name.lower().endswith(_TABLES):
        kind = 'a table; data.name = "csv" reads it'
    way_out = f": it is {kind}" if kind else '; save the images as one, with np.save("images.npy", ...)'
    raise DataError(f"{path} is no .npz, .npy or .tif file{way_out}")


def read_only_array(path: Path, ranks: Collection[int]) -> NDArray[Any]:
    """The array of bytes of one of these ranks that a .npz file holds; raises DataError where it holds anything else."""
    with ExitStack() as open_files:
        openers = list(open_arrays(path, open_files).values())
        if len(openers) != 1:
            raise DataError(f"{path} holds {len(openers)} arrays; expected one")
        with damage_told(str(path)):
            array = openers[0]()
            if array.dtype != np.uint8 or len(array.shape) not in ranks:
                raise DataError(f"{array}; expected uint8 of {' or '.join(map(str, ranks))} dimensions")
            return array.read()


def kind_of_file(magic: bytes) -> str:
    """What a file is that begins so, and what to do with it; empty for what is not known, as text."""
    return next((kind for begin, kind in _OTHER_FILES if magic.lstrip(b" \t\r\n").startswith(begin)), "")


def _open_folder(folder: Path) -> Mapping[str, Opener]:
    paths = sorted(path for path in folder.glob("*.npy") if not path.name.startswith("."))
    if not paths:
        archives = ", ".join(sorted(path.name for path in folder.glob("*.npz"))[:5])
        hint = f"; name one of those in it: {archives}" if archives else ' (data.name = "folder" reads photos)'
        raise DataError(f"{folder} is a folder; expected a .npz or .npy file, or a folder of .npy files{hint}")

    def opener(path: Path) -> Opener:
        return lambda: _open_npy(path, path.stem)

    return {path.stem: opener(path) for path in paths}


def _open_npy(path: Path, name: str) -> NpyArray:
    return NpyArray(path, name, lambda: path.open("rb"), path.stat().st_size, path)


def _refuse_doubles(path: Path, names: list[str]) -> None:
    double = next((name for name, count in Counter(names).items() if count > 1), None)
    if double is not None:
        raise DataError(
            f"{path} holds two arrays called `{printable(double.removesuffix('.npy'))}`, and it is not clear which one is "
            "meant; save it anew with np.savez"
        )


def _refuse_other_archives(path: Path, names: list[str]) -> None:
    if any(name.endswith(".npy") for name in names):
        return
    found = ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
    if any(name.endswith("data.pkl") for name in names):
        way_out = 'it is a file of torch.save; save the images with np.save("images.npy", tensor.numpy())'
    else:
        way_out = f'it holds {found or "nothing"}; unpack an archive of images, and data.name = "folder" reads them'
    raise DataError(f"{path} is an archive without arrays: {way_out}")


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read(stream)
    if any(size < 0 for size in shape):
        raise ValueError("negative size")
    return shape, is_fortran and len(shape) > 1, dtype


@contextmanager
def damage_told(what: str) -> Iterator[None]:
    """Raise DataError for whatever NumPy finds wrong with a file or an array in it."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{what} cannot be read: {error.strerror or error}") from error
    except PythonObjects:
        raise DataError(
            f"{what} holds Python objects instead of numbers, and these are not read, for they can run anything; "
            "save it as numbers: np.stack(list_of_images)"
        ) from None
    except _DAMAGE as error:
        raise DataError(f"{what} is damaged or was cut short") from error
