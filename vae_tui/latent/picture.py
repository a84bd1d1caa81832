"""What a command draws: a still, perhaps something that moves, and the numbers behind them; and their files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.errors import VaeTuiError
from vae_tui.imaging.gif import encode_gif
from vae_tui.imaging.grid import PADDING, Pixels, choose_channels, choose_scale, encode_png, make_grid
from vae_tui.imaging.labels import Labels, add_labels

LARGEST_PICTURE = 200_000_000
"""Pixels; a picture larger than this no viewer opens, and no memory is asked for more."""
LONGEST_SIDE = 65_535
"""Pixels; a GIF has no longer one, and many decoders of PNG take none."""


@dataclass(frozen=True)
class Picture:
    """A still (H, W, C), or frames (N, H, W, C) shown so many a second; `arrays` are what an .npz holds.

    `facts` say how it was made, in a line; `notes` are for whoever looks at it.
    """

    facts: str
    arrays: Mapping[str, NDArray[Any]]
    still: Pixels | None = None
    frames: Pixels | None = None
    frames_per_second: float = 10.0
    notes: tuple[str, ...] = field(default=())
    labels: Labels | None = None
    """What stands beside the still's rows and columns."""
    is_plot: bool = False
    """Whether it is drawn in colours of its own, and not of a model's images."""


def encode_picture(
    picture: Picture, suffix: str, *, scale: int | None, text: Mapping[str, str], channels: list[int] | None = None
) -> bytes:
    """The bytes of a file that ends in `suffix`: .png, .gif or .npz; the same every time.

    Without a `scale` it is as `choose_scale` says. These `channels` are shown, None for all; an .npz holds all.
    """
    if suffix == ".npz":
        return encode_arrays(picture.arrays)
    text = {**text, "Comment": picture.facts}
    channels = None if picture.is_plot else channels
    if suffix == ".gif":
        assert picture.frames is not None
        comment = "\n".join(f"{key}: {value}" for key, value in text.items())
        scale = scale or choose_scale(*picture.frames.shape[1:3], moving=True)
        return encode_gif(
            choose_channels(picture.frames, channels), picture.frames_per_second, scale=scale, comment=comment
        )
    assert picture.still is not None
    still = choose_channels(picture.still, channels)
    scale = scale or choose_scale(*still.shape[:2])
    if picture.labels is None:
        return encode_png(still, scale=scale, text=text)
    large = still.repeat(scale, axis=0).repeat(scale, axis=1)
    return encode_png(add_labels(large, picture.labels, scale=scale), text=text)


def encode_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An .npz with these arrays, compressed; the same bytes for the same arrays."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def check_size(
    count: int, image_shape: tuple[int, int, int], scale: int | None, *, rows: int = 1, columns: int = 1
) -> None:
    """Raise VaeTuiError where `count` images (C, H, W), enlarged `scale` times, would be more than a picture can be.

    With `rows` and `columns`, also where the sides of such a grid would be longer than viewers take.
    """
    _, height, width = image_shape
    pixels = count * height * width * (scale or 1) ** 2
    if pixels > LARGEST_PICTURE:
        raise VaeTuiError(f"a picture of {pixels:,} pixels is too large: draw fewer images or give a smaller --scale")
    for length, sides, many in ((width, "wide", columns), (height, "high", rows)):
        side = (many * (length + PADDING) + PADDING) * (scale or 1)
        if side > LONGEST_SIDE:
            raise VaeTuiError(
                f"a picture {side:,} pixels {sides} is more than viewers take, which is {LONGEST_SIDE:,}: draw fewer "
                "images, give another --columns or a smaller --scale"
            )


def to_and_fro(frames: Pixels) -> Pixels:
    """Frames there and back again, so that they repeat without a jump."""
    return np.concatenate([frames, frames[-2:0:-1]])


def make_grids(images: Pixels, columns: int) -> Pixels:
    """Lay out images (N, T, H, W, C) as T grids of N tiles, (T, H', W', C)."""
    return np.stack([make_grid(images[:, time], columns) for time in range(images.shape[1])])
