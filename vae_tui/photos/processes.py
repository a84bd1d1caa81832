"""Photos decoded in processes: of small ones most of the time is Python's own, which threads cannot share."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.photos.photo import DecodedPhoto, ExaminedPhoto, LargePhoto, examine_photo

_BLOCK = 16
_AHEAD_BYTES = 1 << 20
_SIZE = ("channels", "height", "width")
_MOST_PROCESSES = 16


def examine_in_processes(
    paths: Sequence[Path], *, height: int, width: int, channels: int, white: int
) -> Generator[ExaminedPhoto | None]:
    """What `examine_photo` finds of each, in their order, from as many processes as there are cores.

    None stands for a photo that is too large to be decoded beside others, and for all that a process should have decoded
    that was killed, or could not be started.
    """
    blocks = _into_blocks(paths)
    count = min(_MOST_PROCESSES, len(blocks), _core_count())
    shape = {"height": height, "width": width, "channels": channels, "white": white}
    processes: list[subprocess.Popen[bytes] | None] = []
    try:
        for number in range(count):
            mine = [str(path) for block in blocks[number::count] for path in block]
            processes.append(_start({**shape, "paths": mine}))
        for number, block in enumerate(blocks):
            process = processes[number % count]
            found = None if process is None else _read_block(process.stdout, len(block), shape)
            if found is None and process is not None:
                _end(process)
                processes[number % count] = None
            yield from found or [None] * len(block)
    finally:
        for process in filter(None, processes):
            _end(process)


def answer(stdin: IO[bytes], stdout: IO[bytes]) -> None:
    """What each of those processes does: examine the photos it is given, and write what it finds, block by block."""
    task = json.load(stdin)
    paths = [Path(path) for path in task.pop("paths")]
    for block in _into_blocks(paths):
        heads: list[list[Any] | None] = []
        pixels = []
        for path in block:
            try:
                found = examine_photo(path, **task, allow_large=False)
            except LargePhoto:
                heads.append(None)
                continue
            decoded = found.decoded
            about = None if decoded is None else [decoded.brightest, decoded.has_more_pages]
            heads.append([found.problem, found.digest.hex(), about])
            if decoded is not None:
                pixels.append(decoded.pixels.tobytes())
        stdout.write(b"".join((json.dumps(heads).encode(), b"\n", *pixels)))
        stdout.flush()


def _start(task: dict[str, Any]) -> subprocess.Popen[bytes] | None:
    """A process at work; None where there can be none."""
    try:
        # All at once in a file, so that nothing needs to be written while something is read.
        with tempfile.TemporaryFile() as file:
            file.write(json.dumps(task).encode())
            file.seek(0)
            process = subprocess.Popen(
                [sys.executable, "-m", "vae_tui.photos"],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
    except OSError:
        return None
    assert process.stdout is not None
    with contextlib.suppress(OSError, AttributeError):
        # So that it can work ahead of what is read.
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _AHEAD_BYTES)
    return process


def _read_block(stream: IO[bytes] | None, count: int, shape: dict[str, int]) -> list[ExaminedPhoto | None] | None:
    """What was found of so many photos; None where the process that writes it has died."""
    assert stream is not None
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    heads = json.loads(line)
    size = (sum(head is not None and head[2] is not None for head in heads), *(shape[name] for name in _SIZE))
    content = stream.read(math.prod(size))
    if len(content) < math.prod(size) or len(heads) != count:
        return None
    pixels = iter(np.frombuffer(content, np.uint8).reshape(size))
    return [None if head is None else _examined(*head, pixels=pixels) for head in heads]


def _examined(problem: str, digest: str, about: Any, *, pixels: Iterator[NDArray[np.uint8]]) -> ExaminedPhoto:
    decoded = None if about is None else DecodedPhoto(next(pixels), *about)
    return ExaminedPhoto(decoded, problem, bytes.fromhex(digest))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def _into_blocks(paths: Sequence[Path]) -> list[list[Path]]:
    return [list(paths[first : first + _BLOCK]) for first in range(0, len(paths), _BLOCK)]


def _core_count() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
