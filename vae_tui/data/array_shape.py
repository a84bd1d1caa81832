"""What the axes of an array of images are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from vae_tui.errors import DataError

_EXPECTED = "expected (N, H, W), (N, H, W, C) or (N, C, H, W) with C 1 or 3, or (N, H * W) of square images"
_OTHERS = "other numbers of channels are read with --set data.channels=C"
_CHANNELS = (1, 3)


@dataclass(frozen=True)
class Layout:
    """How images (height, width, channels) lie in an array; `note` says what was assumed."""

    height: int
    width: int
    channels: int
    order: Literal["channels last", "channels first"] = "channels last"
    note: str | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """C, H, W."""
        return self.channels, self.height, self.width

    def arrange(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of n images as they are stored, as (n, H, W, C)."""
        if self.order == "channels first":
            return values.reshape(-1, *self.image_shape).transpose(0, 2, 3, 1)
        return values.reshape(-1, self.height, self.width, self.channels)


def find_layout(shape: tuple[int, ...], found: str, channels: int | None = None) -> Layout:
    """How images of so many channels, 1 or 3 if not given, lie in an array of that shape.

    Raises DataError, beginning with `found`, for what may be two things.
    """
    if 0 in shape:
        raise DataError(f"{found}: it is empty; {_EXPECTED}")
    if channels is not None and (channels not in _CHANNELS or len(shape) == 4):
        return _with_given(shape, found, channels)
    if len(shape) == 2:
        return _flat(*shape, found)
    if len(shape) == 3:
        return _grey(shape, found)
    if len(shape) == 4:
        return _with_channels(shape, found)
    hint = "; drop the first axis: array[0]" if len(shape) == 5 and shape[0] == 1 else ""
    raise DataError(f"{found}; {_EXPECTED}{hint}")


def _flat(count: int, length: int, found: str) -> Layout:
    if count == length:
        raise DataError(
            f"{found}: this may be one image, or {count} flat ones; give the first as array[None], the others as (N, H, W)"
        )
    side = math.isqrt(length)
    if side * side == length >= 4:
        return Layout(side, side, 1, note=f"each row is read as {side} x {side} grey pixels")
    side = math.isqrt(length // 3)
    if 3 * side * side == length >= 12:
        note = f"each row is read as {side} x {side} pixels, all red ones first, then green, then blue, as CIFAR's"
        return Layout(side, side, 3, "channels first", note)
    raise DataError(
        f"{found}: a row of {length:,} values is no square image, grey or RGB; reshape it to (N, H, W) or (N, H, W, 3)"
    )


def _grey(shape: tuple[int, ...], found: str) -> Layout:
    count, height, width = shape
    if width in (*_CHANNELS, 4) and min(count, height) > 4:
        raise DataError(
            f"{found}: this may be one image (H, W, C), or {count:,} grey ones of {height:,} x {width}; "
            "give the first as array[None], the others as array[..., None]"
        )
    if count == height != width:
        raise DataError(
            f"{found}: this may be {width:,} images, the last axis counting them, or {count:,} of {height:,} x {width:,}; "
            "give the first as np.moveaxis(array, -1, 0), the others as array[..., None]"
        )
    note = None
    if 1 in (height, width) and height != width and _is_square(height * width):
        side = math.isqrt(height * width)
        note = f"read as images of {height:,} x {width:,}; if they are {side} x {side}, reshape to (N, {side}, {side})"
    elif height == 3 and _is_square(width):
        side = math.isqrt(width)
        note = f"read as images of 3 x {width:,}; if they are RGB, reshape to (N, 3, {side}, {side})"
    elif count in (3, 4):
        note = f"read as {count} grey images; if it is one in colour, give array[None]"
    return Layout(height, width, 1, note=note)


def _with_given(shape: tuple[int, ...], found: str, channels: int) -> Layout:
    if len(shape) != 4 or channels not in (shape[1], shape[3]):
        raise DataError(
            f"{found}; expected (N, H, W, {channels}) or (N, {channels}, H, W), as [data] channels = {channels} has it"
        )
    _, first, middle, last = shape
    if first == last:
        raise DataError(
            f"{found}: its {channels} channels may come before the rows or after the columns; give (N, H, W, C) with H, or (N, "
            f"C, H, W) with W, other than {channels}"
        )
    return Layout(first, middle, last) if last == channels else Layout(middle, last, first, "channels first")


def _with_channels(shape: tuple[int, ...], found: str) -> Layout:
    _, first, middle, last = shape
    is_first, is_last = first in _CHANNELS, last in _CHANNELS
    if is_first and is_last and not first == middle == last == 1:
        readings = f"{last} channels of {first} x {middle:,} pixels, or {first} of {middle:,} x {last}"
        way_out = (
            "give grey images as (N, H, W)" if 1 in (first, last) else "images three pixels high or wide cannot be told"
        )
        raise DataError(f"{found}: this may be {readings}; {way_out}")
    if is_last:
        return Layout(first, middle, last)
    if is_first:
        return Layout(middle, last, first, "channels first")
    hint = ""
    if 4 in (first, last):
        drop = "array[..., :3]" if last == 4 else "array[:, :3]"
        hint = f"; a fourth channel may be transparency or anything else: give {drop} to leave it out, --set data.channels=4 to keep it"
    elif middle in _CHANNELS:
        hint = "; it looks as if the last axis counted the images: give np.moveaxis(array, -1, 0)"
    elif 2 in (first, last):
        hint = "; of two channels, choose one, such as array[..., :1], or keep both: --set data.channels=2"
    else:
        hint = f"; {_OTHERS}"
    raise DataError(f"{found}; {_EXPECTED}{hint}")


def _is_square(length: int) -> bool:
    return math.isqrt(length) ** 2 == length
