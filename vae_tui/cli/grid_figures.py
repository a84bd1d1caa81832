"""A grid of images with its labels as a figure for papers, drawn by matplotlib, which is optional."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vae_tui.imaging.grid import Pixels, choose_scale
from vae_tui.imaging.labels import Labels, every_readable
from vae_tui.text import printable
from vae_tui.tui.paper import draw_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDEST, _HIGHEST = 6.5, 9.0
"""Inches of a page."""
_TILE = 0.45
"""Inches of an image, where the page has the room."""
_POINTS = 7
"""The labels' size."""
_INCHES_A_LETTER = 0.58 * _POINTS / 72
_LINE = 1.6 * _POINTS / 72
_NARROW_TILE = 28
"""Pixels that an image is taken to have where nothing says how many images there are in a row."""


def draw_grid(
    grid: Pixels, labels: Labels | None, suffix: str, *, scale: int | None, about: Mapping[str, str]
) -> bytes:
    """A grid (H, W, C), each pixel a square, with its labels as text: the content of an .svg or .pdf file.

    Without a `scale` it is as `choose_scale` says; `about` is written into the file. Raises VaeTuiError where matplotlib is
    not installed.
    """
    labels = labels or Labels()
    height, width = grid.shape[:2]
    scale = scale or choose_scale(height, width)
    large = grid.repeat(scale, axis=0).repeat(scale, axis=1)
    columns = len(labels.columns) or max(1, width // _NARROW_TILE)
    left = min(_WIDEST / 2, max((len(text) for text in labels.rows), default=0) * _INCHES_A_LETTER)
    below = _LINE if labels.columns else 0.0
    inches = min(_WIDEST - left, columns * _TILE, (_HIGHEST - below) * width / height)

    def draw(figure: Figure) -> None:
        plane = figure.subplots()
        # Every pixel is there `scale` times: viewers that smooth a picture blur no more than its edges.
        shown = large.repeat(3, axis=2) if large.shape[2] == 1 else large
        plane.imshow(shown, interpolation="none", extent=(0, width, height, 0))
        plane.set_frame_on(False)
        plane.grid(visible=False)
        _label(plane, labels, (height, width), inches / width)

    return draw_file(draw, suffix, (inches + left, inches * height / width + below), about=about)


def _label(plane: Axes, labels: Labels, size: tuple[int, int], inches_a_pixel: float) -> None:
    """Names as ticks of the axes, in the middle of rows and columns, as many as have room."""
    for texts, length, set_ticks in (
        (labels.rows, size[0], plane.set_yticks),
        (labels.columns, size[1], plane.set_xticks),
    ):
        pitch = (length - labels.padding) / max(1, len(texts))
        needed = _LINE
        if texts is labels.columns:
            needed = max((len(text) for text in texts), default=0) * _INCHES_A_LETTER
        every = every_readable(pitch * inches_a_pixel * 72, needed * 72)
        places = [labels.padding / 2 + pitch * (index + 0.5) for index in range(len(texts))]
        set_ticks(places[::every], [printable(text) for text in texts][::every], fontsize=_POINTS, parse_math=False)
    plane.tick_params(length=0)
