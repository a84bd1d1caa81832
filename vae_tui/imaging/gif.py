"""Moving pictures, as GIF."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from PIL import Image

from vae_tui.imaging.grid import Pixels
from vae_tui.text import printable

_COLOURS = 256
_SHORTEST = 2
"""Hundredths of a second; viewers take anything shorter for a tenth of a second."""
_PALETTE_PIXELS = 1 << 20


def encode_gif(
    frames: Pixels, frames_per_second: float, *, scale: int = 1, loop: bool = True, comment: str = ""
) -> bytes:
    """Write frames (N, H, W, C), C 1 or 3, as a GIF, each pixel `scale` pixels large; the same bytes every time.

    Grey frames keep their exact greys; coloured ones share one palette of 256 colours, so that what does not change does
    not flicker. At most 50 frames a second are shown.
    """
    pictures = _pictures(frames, scale)
    first = next(pictures)
    buffer = io.BytesIO()
    # Pillow writes a comment and a loop only where they are given.
    given: dict[str, object] = {"loop": 0} if loop else {}
    if comment:
        given["comment"] = printable(comment, lines=True).encode()
    first.save(
        buffer,
        "GIF",
        save_all=True,
        append_images=pictures,
        duration=_durations(len(frames), frames_per_second),
        optimize=False,
        disposal=1,
        **given,
    )
    return buffer.getvalue()


def decode_gif(content: bytes) -> Pixels:
    """Read a GIF's frames (N, H, W, 3); a frame that repeated the one before it was written as a longer one."""
    with Image.open(io.BytesIO(content)) as image:
        frames = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGB"), np.uint8))
    return np.stack(frames)


def _durations(count: int, frames_per_second: float) -> list[int]:
    """How long each frame is shown, in milliseconds; rounded to the hundredths GIF knows so that the pace is kept."""
    step = max(100 / frames_per_second, _SHORTEST)
    edges = [round(step * index) for index in range(count + 1)]
    return [10 * (end - start) for start, end in pairwise(edges)]


def _pictures(frames: Pixels, scale: int) -> Iterator[Image.Image]:
    palette = _shared_palette(frames) if frames.shape[3] == 3 else None
    for frame in frames:
        enlarged = frame.repeat(scale, axis=0).repeat(scale, axis=1) if scale != 1 else frame
        if palette is None:
            yield Image.fromarray(enlarged[..., 0])
        else:
            yield Image.fromarray(enlarged).quantize(palette=palette, dither=Image.Dither.NONE)


def _shared_palette(frames: Pixels) -> Image.Image:
    """A picture whose palette suits all frames, from at most a million of their pixels, evenly taken."""
    every = max(1, -(-frames[..., 0].size // _PALETTE_PIXELS))
    taken = np.ascontiguousarray(frames.reshape(-1, 3)[::every])
    return Image.fromarray(taken[None]).quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=1)
