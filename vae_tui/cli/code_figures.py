"""The codes of a set in a plane, as a figure for papers, drawn by matplotlib, which is optional."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.imaging.scatter import PALETTE
from vae_tui.text import printable
from vae_tui.tui.paper import INK, draw_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE = 5.6, 4.8
"""Inches."""
_MOST_VECTORS = 5000
"""Points that are drawn as shapes of their own: more of them would be a file that viewers open in minutes."""


def draw_codes(arrays: Mapping[str, NDArray[Any]], title: str, suffix: str) -> bytes:
    """Points by class, each class's name where half of it is to either side, and a legend: the content of an .svg or .pdf file.

    `arrays` are those of `vae-tui project`. Raises VaeTuiError where matplotlib is not installed.
    """
    points, labels = arrays["coordinates"], arrays.get("labels")
    shown = None if labels is None else labels[arrays["indexes"]]
    names = [printable(str(name)) for name in arrays["class_names"]]
    size = float(np.clip(4000 / max(1, len(points)), 1.5, 14))

    def draw(figure: Figure) -> None:
        plane = figure.subplots()
        look: dict[str, Any] = {"s": size, "linewidths": 0, "rasterized": len(points) > _MOST_VECTORS}
        if shown is None or not names:
            plane.scatter(*points.T, color=PALETTE[0], **look)
        else:
            for index in np.unique(shown):
                of_class = points[shown == index]
                name = names[index] if 0 <= index < len(names) else "no class"
                color = PALETTE[index % len(PALETTE)] if index >= 0 else INK
                plane.scatter(*of_class.T, color=color, label=name, **look)
                middle = np.median(of_class, axis=0)
                box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.7, "linewidth": 0}
                plane.annotate(name, middle, ha="center", va="center", bbox=box)
            plane.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=(20 / size) ** 0.5)
        across, upwards = (printable(str(axis)) for axis in arrays["axes"])
        plane.set(title=printable(title), xlabel=across, ylabel=upwards)

    return draw_file(draw, suffix, _SIZE)
