"""An array in a file, whatever the file's format: what it is at once, its values some images at a time."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.data.array_shape import Layout

_VALUES_AT_ONCE = 1 << 20


class StoredArray(ABC):
    """An array in a file.

    `name` says which, `title` the same in short; `path` is the file that holds its bytes as they are, from byte
    `header_bytes` on, and nothing else, None of any other.
    """

    name: str
    title: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran = False
    header_bytes = 0
    path: Path | None = None

    @property
    def byte_count(self) -> int:
        """How many bytes its values are."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def images_at_once(self) -> int:
        """How many images are read at a time."""
        return max(1, _VALUES_AT_ONCE // math.prod(self.shape[1:]))

    @abstractmethod
    def read(self) -> NDArray[Any]:
        """All of it."""

    @abstractmethod
    def read_images(self, layout: Layout) -> Generator[NDArray[Any]]:
        """Its images in order, (n, H, W, C), some at a time."""

    def __str__(self) -> str:
        return f"{self.name} is {self.dtype} {self.shape}"
