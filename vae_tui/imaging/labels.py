"""Words and numbers beside a grid of images, in the letters of Pillow's own font."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vae_tui.imaging.grid import BACKGROUND, Pixels

_INK = 208
_SMALLEST, _LARGEST = 10, 16
"""Pixels of the font's size."""
_AROUND = 6
"""Pixels between letters and images."""
_LEAST_APART = 8
"""Pixels between one label and the next along a row."""


@dataclass(frozen=True)
class Labels:
    """What stands before each row of a grid and under each of its columns; `padding` is as in `make_grid`."""

    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    padding: int = 2


def add_labels(grid: Pixels, labels: Labels, *, scale: int = 1) -> Pixels:
    """A grid (H, W, C), whose pixels were made `scale` times as large, with its labels on the left and below.

    Of labels that would touch, every second, fifth or tenth is written, and so on.
    """
    height, width = grid.shape[:2]
    rows, columns = max(1, len(labels.rows)), max(1, len(labels.columns))
    padding = labels.padding * scale
    row_pitch, column_pitch = (height - padding) / rows, (width - padding) / columns
    size = int(min(_LARGEST, max(_SMALLEST, min(row_pitch, column_pitch) // 4)))
    font = ImageFont.load_default(size)
    left = max((_width(font, text) for text in labels.rows), default=-2 * _AROUND) + 2 * _AROUND
    below = size + 2 * _AROUND if labels.columns else 0
    page = Image.new("L", (left + width, height + below), BACKGROUND)
    pen = ImageDraw.Draw(page)
    every = every_readable(row_pitch, size)
    for index, text in list(enumerate(labels.rows))[::every]:
        middle = padding + row_pitch * (index + 0.5) - padding / 2
        pen.text((left - _AROUND, middle), text, _INK, font, anchor="rm")
    every = every_readable(column_pitch, max((_width(font, text) for text in labels.columns), default=0))
    for index, text in list(enumerate(labels.columns))[::every]:
        middle = left + padding + column_pitch * (index + 0.5) - padding / 2
        pen.text((middle, height + _AROUND), text, _INK, font, anchor="ma")
    written = np.asarray(page, np.uint8)[..., None].repeat(grid.shape[2], axis=2)
    written[:height, left:] = grid
    return written


def _width(font: ImageFont.FreeTypeFont | ImageFont.ImageFont, text: str) -> int:
    return math.ceil(font.getlength(text))


def every_readable(pitch: float, length: float) -> int:
    """Every how many-th label there is room for, where they begin `pitch` apart and are `length` long."""
    steps: Iterator[int] = (factor * 10**power for power in range(9) for factor in (1, 2, 5))
    return next(step for step in steps if step * pitch >= length + _LEAST_APART)
