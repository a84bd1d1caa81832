"""The idx format, in which MNIST and its relatives are kept."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.errors import DataError

_TYPES = {8: ">u1", 9: ">i1", 0xB: ">i2", 0xC: ">i4"}


def read_idx(path: Path, ranks: Collection[int], *, whole_numbers: bool = False) -> NDArray[Any]:
    """Read an idx file of bytes, or of any `whole_numbers`, gzipped or not; raises DataError where it is damaged.

    The format is a magic number of 0, 0, 8 (bytes) and the rank, then every dimension as a big-endian 32-bit number,
    then the values. http://yann.lecun.com/exdb/mnist/
    """
    way_out = "delete it to download it anew, or replace it"
    content = path.read_bytes()
    try:
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is damaged or was cut short ({error}); {way_out}") from error
    types = _TYPES if whole_numbers else {8: ">u1"}
    code, rank = (content[2], content[3]) if len(content) >= 4 else (0, 0)
    header = 4 + 4 * rank
    if content[:2] != b"\0\0" or code not in types or rank not in ranks or len(content) < header:
        kind = "whole numbers" if whole_numbers else f"{min(ranks)}-dimensional bytes"
        found = " but a web page" if content.lstrip().startswith(b"<") else "" if content else " but an empty file"
        raise DataError(f"{path} is no idx file of {kind}{found}; {way_out}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", count=rank, offset=4))
    byte_count = math.prod(shape) * np.dtype(types[code]).itemsize
    if len(content) - header != byte_count:
        raise DataError(
            f"{path} is damaged or was cut short: its header promises {' x '.join(map(str, shape))} = "
            f"{byte_count:,} bytes, and it holds {len(content) - header:,}; {way_out}"
        )
    values = np.frombuffer(content, types[code], offset=header).reshape(shape)
    return values.astype(values.dtype.newbyteorder("="))
