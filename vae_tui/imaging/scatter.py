"""Points of a plane as a picture for papers: coloured by class, with ticks and a legend, dark on white."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from vae_tui.imaging.grid import Pixels
from vae_tui.text import printable

PALETTE = (
    "#406fa9", "#fcb004", "#b3b7ff", "#445a0c", "#700a68", "#18e6a9",
    "#f55d02", "#7708f4", "#c61867", "#c36bfc", "#2ba9a9", "#2827ad",
)  # fmt: skip
"""Twelve colours, chosen so that the two most alike are as far apart as can be, to eyes with and without red, green or
blue cones (distances in Oklab after the simulation of Machado, Oliveira and Fernandes, 2009)."""
INK, FRAME, GRID_LINE = (32, 32, 32), (120, 120, 120), (236, 236, 236)
_FINER = 2
"""Drawn this many times as large and then averaged down, for smooth edges."""
_Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Sheet:
    """What is drawn on, `_FINER` times as large as it will be, and where the axes are in it."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    plot: _Box
    unit: float
    """A 600th of the picture's height."""

    def font(self, size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        return _font(max(6 * _FINER, round(size * self.unit)))


def draw_scatter(
    coordinates: NDArray[np.floating],
    labels: NDArray[np.integer] | None = None,
    class_names: Sequence[str] = (),
    *,
    size: tuple[int, int] = (840, 720),
    title: str = "",
    axes: tuple[str, str] = ("", ""),
    alpha: float | None = None,
) -> Pixels:
    """Draw points (N, 2) as a picture of `size` (width, height): pixels (H, W, 3).

    `labels` (N,) are indexes into `class_names`; without them all points look alike. `alpha` is how opaque a point is,
    by default the less the more there are. Both axes have the same scale where that leaves neither cramped. Points that
    are not finite are left out.
    """
    width, height = (side * _FINER for side in size)
    unit = height / 600
    named = [printable(name) for name in class_names] if labels is not None else []
    title, axes = printable(title), (printable(axes[0]), printable(axes[1]))
    legend_width = _legend_width(named, unit)
    left, right = round(58 * unit), width - round(14 * unit) - legend_width
    top, bottom = round((38 if title else 14) * unit), height - round(46 * unit)
    image = Image.new("RGB", (width, height), "white")
    sheet = _Sheet(image, ImageDraw.Draw(image), (left, top, right, bottom), unit)

    finite = np.isfinite(coordinates).all(1)
    points = np.asarray(coordinates, np.float64)[finite]
    classes = None if labels is None else np.asarray(labels)[finite]
    window = _window(points, (right - left) / (bottom - top))
    _draw_axes(sheet, window, axes, title)
    _draw_points(sheet, _to_pixels(points, window, sheet.plot), classes, alpha)
    if classes is not None and named:
        _name_clusters(sheet, _to_pixels(points, window, sheet.plot), classes, named)
        _draw_legend(sheet, named, classes, right + round(16 * unit))
    return np.asarray(image.resize(size, Image.Resampling.BOX), np.uint8)


def class_color(index: int) -> tuple[int, int, int]:
    """The colour of class `index`; they repeat after the twelfth."""
    red, green, blue = ImageColor.getrgb(PALETTE[index % len(PALETTE)])[:3]
    return red, green, blue


def _window(points: NDArray[np.float64], shape: float) -> tuple[float, float, float, float]:
    """What x and y run over: (left, right, low, high); `shape` is the width of the axes over their height."""
    if not len(points):
        return -1, 1, -1, 1
    low, high = points.min(0), points.max(0)
    center, half = (low + high) / 2, np.maximum((high - low) / 2 * 1.05, 1e-9)
    if half.max() < 1e-6 * max(1.0, float(np.abs(center).max())):
        half[:] = 1
    elif half.min() > half.max() / 4:
        # The same scale both ways, so that distances in the picture are distances in the plane.
        half = np.maximum(half, np.array([half[1] * shape, half[0] / shape]))
    half = np.maximum(half, half.max() * 1e-6)
    return center[0] - half[0], center[0] + half[0], center[1] - half[1], center[1] + half[1]


def _to_pixels(
    points: NDArray[np.float64], window: tuple[float, float, float, float], plot: _Box
) -> NDArray[np.float64]:
    left, right, low, high = window
    across = plot[0] + (points[:, 0] - left) / (right - left) * (plot[2] - plot[0])
    down = plot[3] - (points[:, 1] - low) / (high - low) * (plot[3] - plot[1])
    return np.stack([across, down], 1)


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from `low` to `high`, at most `most` of them."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(step * index, 12) for index in range(first, last + 1)]


def _draw_axes(sheet: _Sheet, window: tuple[float, float, float, float], axes: tuple[str, str], title: str) -> None:
    draw, unit, (left, top, right, bottom) = sheet.draw, sheet.unit, sheet.plot
    line, font = max(1, round(unit)), sheet.font(12)
    for x in _ticks(window[0], window[1], 8):
        across = round(left + (x - window[0]) / (window[1] - window[0]) * (right - left))
        draw.line((across, top, across, bottom), GRID_LINE, line)
        draw.text((across, bottom + 5 * unit), _number(x), INK, font, anchor="mt")
    for y in _ticks(window[2], window[3], 7):
        down = round(bottom - (y - window[2]) / (window[3] - window[2]) * (bottom - top))
        draw.line((left, down, right, down), GRID_LINE, line)
        draw.text((left - 6 * unit, down), _number(y), INK, font, anchor="rm")
    draw.rectangle((left, top, right, bottom), outline=FRAME, width=line)
    draw.text(((left + right) / 2, sheet.image.height - 6 * unit), axes[0], INK, sheet.font(13), anchor="mb")
    if axes[1]:
        _draw_upwards(sheet, axes[1], (top + bottom) / 2)
    if title:
        draw.text((left, 10 * unit), title, INK, sheet.font(16), anchor="lt")


def _draw_upwards(sheet: _Sheet, text: str, middle: float) -> None:
    """Write along the left edge, from below to above."""
    font = sheet.font(13)
    box = sheet.draw.textbbox((0, 0), text, font)
    width, height = math.ceil(box[2]) + 2, math.ceil(box[3]) + 4
    aside = Image.new("L", (width, height), 0)
    ImageDraw.Draw(aside).text((0, 0), text, 255, font)
    turned = aside.transpose(Image.Transpose.ROTATE_90)
    sheet.image.paste(INK, (round(4 * sheet.unit), round(middle - turned.height / 2)), turned)


def _draw_points(
    sheet: _Sheet, places: NDArray[np.float64], classes: NDArray[np.integer] | None, alpha: float | None
) -> None:
    """Draw the points in an order that lies evenly over the classes, so that none of them covers the others."""
    count = len(places)
    opacity = alpha if alpha is not None else float(np.clip(60 / math.sqrt(max(count, 1)), 0.45, 0.9))
    radius = float(np.clip(90 / math.sqrt(max(count, 1)), 1.7, 4.5)) * sheet.unit
    stamp = _disc(radius, opacity)
    reach = stamp.width // 2
    for index in np.random.default_rng(0).permutation(count):
        colour = class_color(0 if classes is None else int(classes[index]))
        corner = (round(places[index, 0]) - reach, round(places[index, 1]) - reach)
        sheet.image.paste(colour, (*corner, corner[0] + stamp.width, corner[1] + stamp.height), stamp)


def _disc(radius: float, opacity: float) -> Image.Image:
    """How opaque each pixel of a disc is, its edge smooth."""
    reach = math.ceil(radius) + 1
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    cover = np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1)
    return Image.fromarray(np.rint(cover * opacity * 255).astype(np.uint8))


def _name_clusters(
    sheet: _Sheet, places: NDArray[np.float64], classes: NDArray[np.integer], class_names: Sequence[str]
) -> None:
    """Write each class's name where its points are densest, so that colours need not be told apart."""
    if len(class_names) > len(PALETTE) or max(map(len, class_names)) > 14:
        return
    font, halo = sheet.font(18), round(2.5 * sheet.unit)
    written: list[tuple[tuple[float, float], str]] = []
    taken: list[tuple[float, float, float, float]] = []
    moved = 0
    for index in np.argsort(-np.bincount(classes, minlength=len(class_names)), kind="stable"):
        members = places[classes == index]
        if not len(members):
            continue
        middle, name = _densest(members), class_names[index]
        # Names over each other could not be read: the smaller class's makes way, or is left to the legend.
        for aside in ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (1, 1), (1, -1), (-1, 1)):
            place = (float(middle[0]) + aside[0] * 20 * sheet.unit, float(middle[1]) + aside[1] * 20 * sheet.unit)
            box = sheet.draw.textbbox(place, name, font, anchor="mm", stroke_width=halo // 2)
            if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
                taken.append(box)
                written.append((place, name))
                moved += aside != (0, 0)
                break
        else:
            moved += 1
    if moved > len(class_names) / 2:
        return  # the classes all lie in one place, where names would say nothing
    for place, name in written:
        sheet.draw.text(place, name, INK, font, anchor="mm", stroke_width=halo, stroke_fill="white")


def _densest(members: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle of the quarter of the points that lies closest together; of many points, some are asked."""
    some = members[:: -(-len(members) // 400)]
    distances = np.square(some[:, None] - some[None]).sum(2)
    near = np.sort(distances, axis=1)[:, len(some) // 4]
    closest = np.argsort(distances[int(near.argmin())], kind="stable")[: len(some) // 4 + 1]
    middle: NDArray[np.float64] = some[closest].mean(0)
    return middle


def _legend_width(class_names: Sequence[str], unit: float) -> int:
    if not class_names:
        return 0
    font = _font(max(6 * _FINER, round(13 * unit)))
    widest = max(font.getlength(_shortened(name)) for name in class_names)
    return round(widest + 40 * unit)


def _draw_legend(sheet: _Sheet, class_names: Sequence[str], classes: NDArray[np.integer], left: int) -> None:
    draw, unit, font = sheet.draw, sheet.unit, sheet.font(13)
    step, radius = 20 * unit, 5 * unit
    room = int((sheet.plot[3] - sheet.plot[1]) / step)
    shown = list(range(len(class_names)))
    if len(shown) > room:
        shown = shown[: room - 1]
    middle = sheet.plot[1] + step / 2
    for index in shown:
        draw.ellipse((left, middle - radius, left + 2 * radius, middle + radius), class_color(index))
        draw.text((left + 16 * unit, middle), _shortened(class_names[index]), INK, font, anchor="lm")
        middle += step
    if len(shown) < len(class_names):
        draw.text((left, middle), f"+ {len(class_names) - len(shown)}", INK, font, anchor="lm")


def _shortened(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"


def _number(value: float) -> str:
    return f"{value:g}"


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
