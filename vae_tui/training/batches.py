"""An epoch's images, batch by batch, on the device that trains on them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from vae_tui.data import AnyPixels, PackedImages
from vae_tui.training.ranks import Batch

_BYTES_AHEAD = 1 << 25
_MOST_AHEAD = 8
_DEVICE_SHARE = 0.5


class Batches:
    """Gives the images in an order that `seek` sets, on the device: `pixels`, uint8 (B, C, H, W), and, if wanted, `labels` (B,).

    Images that fit there are resident: a batch is one gather. Others are gathered from memory or read from disk by
    threads, some batches ahead, and copied while the device is still at work. What comes out is the same.
    """

    def __init__(
        self,
        images: PackedImages,
        device: torch.device,
        batch_size: int,
        *,
        share: Callable[[int], slice] = slice,
        labelled: bool = False,
    ) -> None:
        """`share` says which of a batch's images are wanted here, of how many; all, unless several take from one."""
        self._share = share
        self._labels = images.labels.to(device) if labelled and images.labels is not None else None
        self.resident = on_device(images, device)
        """All images on the device (N, C, H, W), or None."""
        self._order = torch.zeros(len(images), dtype=torch.int64, device=device)
        self._position = torch.zeros(1, dtype=torch.int64, device=device)
        self._places = torch.arange(batch_size, device=device)
        self._ahead: _Ahead | None = None
        if self.resident is None:
            labels = images.labels if labelled else None
            self._ahead = _Ahead(images.pixels, labels, device, batch_size, share)

    def seek(self, order: Tensor, position: int) -> None:
        """Go on with the image at `position` of `order`, indexes (N,) on the device."""
        if self._ahead is not None:
            self._ahead.seek(order.cpu(), position)
        else:
            self._order.copy_(order)
            self._position.fill_(position)

    def take(self, count: int) -> Batch:
        """The next `count` images, a batch or what is left of the order. Raises DataError where they cannot be read.

        Resident ones are found by what is in tensors alone, so that a GPU can record this and go on by itself.
        """
        if self._ahead is not None:
            return self._ahead.take()
        assert self.resident is not None
        chosen = self._order.index_select(0, self._places[:count] + self._position)
        self._position += count
        chosen = chosen[self._share(count)]
        batch = {"pixels": self.resident.index_select(0, chosen)}
        if self._labels is not None:
            batch["labels"] = self._labels.index_select(0, chosen)
        return batch


class _Ahead:
    """Batches from outside the device, the next few of them on their way."""

    def __init__(
        self,
        pixels: AnyPixels,
        labels: Tensor | None,
        device: torch.device,
        batch_size: int,
        share: Callable[[int], slice],
    ) -> None:
        self._pixels, self._labels, self._device = pixels, labels, device
        self._batch_size, self._share = batch_size, share
        batch_bytes = batch_size * pixels.shape[1:].numel()
        self._count = max(2, min(_MOST_AHEAD, _BYTES_AHEAD // batch_bytes))
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="batches")
        self._coming: deque[tuple[Tensor, Future[Tensor]]] = deque()
        self._order = torch.empty(0, dtype=torch.int64)
        self._next = 0

    def seek(self, order: Tensor, position: int) -> None:
        for _, future in self._coming:
            future.cancel()
        self._coming.clear()
        self._order, self._next = order, position
        while len(self._coming) < self._count and self._next < len(order):
            self._fetch()

    def take(self) -> Batch:
        chosen, coming = self._coming.popleft()
        pixels = coming.result()
        if self._next < len(self._order):
            self._fetch()
        # From pinned memory, which torch keeps until it has been copied.
        batch = {"pixels": pixels.to(self._device, non_blocking=True)}
        if self._labels is not None:
            batch["labels"] = self._labels[chosen].to(self._device)
        return batch

    def _fetch(self) -> None:
        chosen = self._order[self._next : self._next + self._batch_size]
        self._next += len(chosen)
        chosen = chosen[self._share(len(chosen))]
        shape = (len(chosen), *self._pixels.shape[1:])
        out = torch.empty(shape, dtype=torch.uint8, pin_memory=self._device.type == "cuda")
        self._coming.append((chosen, self._threads.submit(_gather, self._pixels, chosen, out)))


def _gather(pixels: AnyPixels, chosen: Tensor, out: Tensor) -> Tensor:
    if isinstance(pixels, Tensor):
        return torch.index_select(pixels, 0, chosen, out=out)
    pixels.read_into(out, chosen)
    return out


def on_device(images: PackedImages, device: torch.device) -> Tensor | None:
    """All images on the device, where they are in memory and take no more than half of what it has free."""
    if not isinstance(images.pixels, Tensor):
        return None
    if device.type == "cuda" and device not in images.copies:
        free, _ = torch.cuda.mem_get_info(device)
        if images.byte_count > _DEVICE_SHARE * free:
            return None
    return images.on(device)
