"""Images that are read from disk, or drawn, when they are asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from vae_tui.data.rows import Shape


class Source(Protocol):
    """Where images come from, row by row: a file of them, or what draws them."""

    @property
    def shape(self) -> Shape:
        """N, C, H, W."""

    def read_into(self, out: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
        """Put `rows` (n,) into `out` (n, C, H, W), contiguous; several threads may at once."""

    def digest(self, rows: NDArray[np.int64]) -> bytes:
        """What stands for the pixels of `rows`."""


class StreamedPixels:
    """Some rows of a source of images, to be used as the uint8 tensor (N, C, H, W) that they would fill.

    Reading raises DataError where the source is a file that cannot be read.
    """

    dtype = torch.uint8

    def __init__(self, source: Source, rows: NDArray[np.int64] | None = None) -> None:
        self.source = source
        self.rows = np.arange(source.shape[0]) if rows is None else rows
        """Which of the source's rows these images are, (N,)."""

    @property
    def shape(self) -> torch.Size:
        """N, C, H, W."""
        return torch.Size((len(self.rows), *self.source.shape[1:]))

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.rows)

    def __getitem__(self, wanted: int | slice | torch.Tensor) -> torch.Tensor:
        """Read one image (C, H, W), or a slice of them or those at indexes (n,), as (n, C, H, W)."""
        if isinstance(wanted, int):
            if not -len(self) <= wanted < len(self):
                raise IndexError(f"there are {len(self)} images, and no {wanted}")
            return self[torch.tensor([wanted])][0]
        rows = self.rows[wanted.numpy() if isinstance(wanted, torch.Tensor) else wanted]
        images = torch.empty((len(rows), *self.shape[1:]), dtype=torch.uint8)
        self.source.read_into(images.numpy(), rows)
        return images

    def read_into(self, out: torch.Tensor, indexes: torch.Tensor) -> None:
        """Read the images at indexes (n,) into `out` (n, C, H, W), uint8, contiguous, on the CPU."""
        self.source.read_into(out.numpy(), self.rows[indexes.numpy()])

    def pick(self, indexes: torch.Tensor) -> StreamedPixels:
        """The images at indexes (n,), not read."""
        return StreamedPixels(self.source, self.rows[indexes.numpy()])

    def digest(self) -> bytes:
        """What stands for these pixels."""
        return self.source.digest(self.rows)

    def join(self, other: StreamedPixels) -> StreamedPixels:
        """These images and others of the same source after them."""
        assert other.source is self.source
        return StreamedPixels(self.source, np.concatenate([self.rows, other.rows]))


AnyPixels = torch.Tensor | StreamedPixels
"""uint8 images (N, C, H, W), in memory or on disk."""


def in_slices(pixels: AnyPixels, count: int) -> Iterator[torch.Tensor]:
    """All images in order, `count` at a time; the last may be fewer. From disk, the next are read meanwhile."""
    if isinstance(pixels, torch.Tensor):
        yield from (pixels[start : start + count] for start in range(0, len(pixels), count))
        return
    with ThreadPoolExecutor(1) as reader:
        coming: deque[Future[torch.Tensor]] = deque()
        for start in range(0, len(pixels), count):
            coming.append(reader.submit(pixels.__getitem__, slice(start, start + count)))
            if len(coming) > 1:
                yield coming.popleft().result()
        if coming:
            yield coming.popleft().result()


def read_all(pixels: AnyPixels) -> torch.Tensor:
    """All images in memory."""
    return pixels if isinstance(pixels, torch.Tensor) else pixels[:]
