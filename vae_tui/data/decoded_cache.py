"""The cache of decoded images: files of rows in the user's cache folder, named by what they were decoded from.

They take at most half of the disk space there is for them; the one used longest ago makes room first. One that is in
use may lose its name, but not what it holds, until it is closed.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from pathlib import Path

from vae_tui.data.memory import in_gib
from vae_tui.data.rows import CacheUnavailable, DamagedRows, RowFile, RowWriter, Shape, remove_unfinished, writing_to
from vae_tui.errors import DataError
from vae_tui.folders import user_cache

_SUFFIX = ".rows"


def cache_folder() -> Path:
    """The folder of the cache: in the user's own."""
    return user_cache() / "decoded"


def cache_name(shape: Shape, key: str) -> str:
    """The file name of images of that shape made from what `key` stands for."""
    return f"{_prefix(shape)}-{key}{_SUFFIX}"


def has_any(shape: Shape) -> bool:
    """Whether as many images of that shape are cached, be they these or others."""
    with contextlib.suppress(OSError):
        return any(cache_folder().glob(f"{_prefix(shape)}-*{_SUFFIX}"))
    return False


def open(shape: Shape, key: str) -> RowFile | None:
    """The images cached under a key, or None; a file that is damaged is removed."""
    return _open(cache_folder() / cache_name(shape, key))


def find(key: str) -> RowFile | None:
    """The images cached under a key that says all about them but how many they are, or None; as `open` does."""
    with contextlib.suppress(OSError):
        for path in cache_folder().glob(f"*-{key}{_SUFFIX}"):
            if (file := _open(path)) is not None:
                return file
    return None


def create(shape: Shape) -> RowWriter:
    """A writer for images of that shape, with room made for them; raises CacheUnavailable where the disk has none."""
    folder = cache_folder()
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(folder)
        _make_room(folder, math.prod(shape))
    return RowWriter(folder, shape)


def cannot_stream(source: object, byte_count: int, memory_bytes: int, why: CacheUnavailable) -> DataError:
    """The error for images that fit neither in memory nor on disk."""
    return DataError(
        f"{source}: the images take {in_gib(byte_count)}, more than [data] memory_gib allows here "
        f"({in_gib(memory_bytes)}), and cannot stream from disk: {why}. Make room there, name another cache folder with "
        "XDG_CACHE_HOME, or allow more memory with --set data.memory_gib=N"
    )


def _open(path: Path) -> RowFile | None:
    try:
        file = RowFile(path)
    except OSError:
        return None
    except DamagedRows:
        with contextlib.suppress(OSError):
            path.unlink()
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used just now
    return file


def _make_room(folder: Path, needed: int) -> None:
    """Remove what was used longest ago until the whole cache takes half of the room there is for it, at most."""
    cached = []
    for path in folder.glob(f"*{_SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            found = path.stat()
            cached.append((found.st_mtime, found.st_size, path))
    taken = sum(size for _, size, _ in cached)
    allowed = (shutil.disk_usage(folder).free + taken) // 2
    if needed > allowed:
        raise CacheUnavailable(
            f"{folder} may take half of the free disk space, {in_gib(allowed)}, and {in_gib(needed)} are needed"
        )
    for _, size, path in sorted(cached):
        if taken + needed <= allowed:
            break
        path.unlink(missing_ok=True)
        taken -= size


def _prefix(shape: Shape) -> str:
    return "x".join(map(str, shape))
