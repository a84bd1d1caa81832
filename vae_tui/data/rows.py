"""Images in a file, one after the other as uint8 rows (C, H, W), to be read in any order without the rest.

The rows come first, so that row n lies at n times its size; then a CRC-32 of each row, what else is known of them, as JSON,
that JSON's length in 8 bytes and the CRC-32 of all this in 4, the lowest first, and the magic word. A file that was cut
short therefore does not end as it should, and a row that is read is known to be what was written.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import math
import os
import secrets
import time
import weakref
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.errors import DataError

Shape = tuple[int, int, int, int]
"""N, C, H, W."""
_MAGIC = b"vae-tui rows 2\r\n"
_TAIL_BYTES = 8 + 4 + len(_MAGIC)
_BYTES_AT_ONCE = 1 << 22
_ASIDE = ".unfinished-"
_SECONDS_UNTIL_LOCKED = 60.0
"""A file younger than this may have been made by a writer that is about to lock it."""


class DamagedRows(Exception):
    """A file of rows that was cut short, or is none."""


class CacheUnavailable(Exception):
    """A file of rows cannot be written; the message says where and why."""


class Rows:
    """Images in a file that is open: it can be read after its name is gone, and by several threads at once."""

    def __init__(
        self, path: Path, descriptor: int, shape: Shape, *, offset: int = 0, channels_last: bool = False
    ) -> None:
        """The images begin at byte `offset`, and are (C, H, W), or with `channels_last` (H, W, C).

        The descriptor is closed with these rows.
        """
        self.path, self.shape = path, shape
        self._descriptor, self._offset = descriptor, offset
        weakref.finalize(self, os.close, descriptor)
        self._row_bytes = math.prod(shape[1:])
        self._channels_last = channels_last and shape[1] > 1

    def read_into(self, out: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
        """Read `rows` into `out` (len(rows), C, H, W), contiguous; raises DataError where the file does not give them."""
        if not len(rows):
            return
        if self._channels_last:
            _, channels, height, width = out.shape
            stored = np.empty((len(rows), height, width, channels), np.uint8)
            self._read_stored(stored, rows)
            out[:] = stored.transpose(0, 3, 1, 2)
        else:
            self._read_stored(out, rows)

    def digest(self, rows: NDArray[np.int64]) -> bytes:
        """What stands for the pixels of `rows`."""
        digest = hashlib.sha256()
        count = max(1, _BYTES_AT_ONCE // self._row_bytes)
        for start in range(0, len(rows), count):
            images = np.empty((len(rows[start : start + count]), *self.shape[1:]), np.uint8)
            self.read_into(images, rows[start : start + count])
            digest.update(images.data)
        return digest.digest()

    def _read_stored(self, out: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
        memory = out.data.cast("B")
        # Rows that follow each other are read at once.
        starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1).tolist()
        first_rows = rows[starts].tolist()
        for start, stop, row in zip(starts, [*starts[1:], len(rows)], first_rows, strict=True):
            part = memory[start * self._row_bytes : stop * self._row_bytes]
            self._fill(part, self._offset + row * self._row_bytes)
            self._check(part, row)

    def _check(self, memory: memoryview, first: int) -> None:
        """Look at the rows just read, from row `first` on; of a file of others nothing is known to compare them with."""

    def _fill(self, memory: memoryview, offset: int) -> None:
        while memory:
            try:
                count = os.preadv(self._descriptor, [memory], offset)
            except OSError as error:
                raise DataError(f"{self.path} cannot be read: {error.strerror}") from error
            if count == 0:
                raise DataError(f"{self.path} was cut short while it was in use; start again once it is whole")
            memory, offset = memory[count:], offset + count


class RowFile(Rows):
    """A file that a RowWriter wrote; `facts` is what else is known of its rows."""

    def __init__(self, path: Path, descriptor: int | None = None) -> None:
        """With a `descriptor`, that of the file already open. Raises OSError, or DamagedRows."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if descriptor is None else descriptor
        try:
            shape, self.facts, self._sums = _read_end(path, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        super().__init__(path, descriptor, shape)

    def digest(self, rows: NDArray[np.int64]) -> bytes:
        """What stands for the pixels of `rows`: the file's name, which stands for its content, and which they are."""
        return hashlib.sha256(self.path.name.encode() + rows.tobytes()).digest()

    def _check(self, memory: memoryview, first: int) -> None:
        """Raise DataError where a row just read is not what was written; the file is removed, to be made anew."""
        size = self._row_bytes
        for number, wanted in enumerate(self._sums[first : first + len(memory) // size].tolist()):
            if zlib.crc32(memory[number * size : (number + 1) * size]) != wanted:
                with contextlib.suppress(OSError):
                    self.path.unlink()
                raise DataError(
                    f"{self.path} was damaged: image {first + number:,} in it is not what was written. It was removed; "
                    "start again, and the images are read anew"
                )


def _read_end(path: Path, descriptor: int) -> tuple[Shape, dict[str, Any], NDArray[np.uint32]]:
    """The shape of the rows, what else is known of them, and the CRC-32 of each."""
    size = os.fstat(descriptor).st_size
    end = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    length, sum_ = int.from_bytes(end[:8], "little"), int.from_bytes(end[8:12], "little")
    if len(end) < _TAIL_BYTES or end[12:] != _MAGIC or length > size - _TAIL_BYTES:
        raise DamagedRows(path)
    about = os.pread(descriptor, length, size - _TAIL_BYTES - length)
    try:
        described = json.loads(about)
        count, channels, height, width = described["shape"]
        facts = described["facts"]
        sums_bytes, rows_bytes = 4 * count, count * channels * height * width
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedRows(path) from error
    if not isinstance(facts, dict) or not all(isinstance(fact, dict) for fact in facts.values()):
        raise DamagedRows(path)
    if size != rows_bytes + sums_bytes + length + _TAIL_BYTES:
        raise DamagedRows(path)
    sums = os.pread(descriptor, sums_bytes, rows_bytes)
    if zlib.crc32(about, zlib.crc32(sums)) != sum_:
        raise DamagedRows(path)
    return (count, channels, height, width), facts, np.frombuffer(sums, "<u4")


class RowWriter:
    """Writes a file of rows aside, in any order and from several threads; `finish` gives it its name.

    A `with` block that is left before that leaves nothing behind. Raises CacheUnavailable where the disk does not take it.
    """

    def __init__(self, folder: Path, shape: Shape) -> None:
        self._folder, self.shape = folder, shape
        self._row_bytes = math.prod(shape[1:])
        self._aside = folder / f"{_ASIDE}{secrets.token_hex(8)}"
        with writing_to(folder):
            self._descriptor = os.open(self._aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._finished = False
        # Rows that nothing was written to read as zeros.
        self._sums = np.full(shape[0], zlib.crc32(bytes(self._row_bytes)), "<u4")
        # The lock says that this file's writer lives; the kernel forgets it with the process. Some file systems have none.
        with contextlib.suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._finished:
            os.close(self._descriptor)
            with contextlib.suppress(OSError):
                self._aside.unlink()

    def write(self, first: int, rows: NDArray[np.uint8]) -> None:
        """Put rows (n, C, H, W), or one (C, H, W), in place from row `first` on."""
        memory, offset = np.ascontiguousarray(rows).data.cast("B"), first * self._row_bytes
        for number in range(len(memory) // self._row_bytes):
            row = memory[number * self._row_bytes : (number + 1) * self._row_bytes]
            self._sums[first + number] = zlib.crc32(row)
        with writing_to(self._folder):
            while memory:
                count = os.pwrite(self._descriptor, memory, offset)
                memory, offset = memory[count:], offset + count

    def finish(self, name: str, facts: Mapping[str, Any]) -> RowFile:
        """Close the file with what is known of its rows, name it, and give it to be read."""
        about = json.dumps({"shape": self.shape, "facts": facts}).encode()
        sums = self._sums.tobytes()
        end = sums + about + len(about).to_bytes(8, "little")
        with writing_to(self._folder):
            # At its full length first, also where nothing was written to the last rows.
            os.truncate(self._descriptor, self.shape[0] * self._row_bytes)
            with os.fdopen(os.dup(self._descriptor), "ab") as file:
                file.write(end + zlib.crc32(about, zlib.crc32(sums)).to_bytes(4, "little") + _MAGIC)
            os.fsync(self._descriptor)
            os.replace(self._aside, self._folder / name)
        self._finished = True
        return RowFile(self._folder / name, self._descriptor)


@contextlib.contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Raise CacheUnavailable for what the disk refuses."""
    try:
        yield
    except OSError as error:
        raise CacheUnavailable(f"{folder} cannot be written: {error.strerror or error}") from error


def remove_unfinished(folder: Path) -> None:
    """Remove what writers left in a folder that were killed."""
    for aside in folder.glob(f"{_ASIDE}*"):
        with contextlib.suppress(OSError):
            if time.time() - aside.stat().st_mtime > _SECONDS_UNTIL_LOCKED and not _is_locked(aside):
                aside.unlink()


def _is_locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
