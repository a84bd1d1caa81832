"""Figures of several runs for papers and talks, drawn by matplotlib, which is optional."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vae_tui.errors import VaeTuiError
from vae_tui.runs.history import History
from vae_tui.runs.series import Along, Axis, Point
from vae_tui.runs.styles import LineStyle, RunStyle, style_of
from vae_tui.text import printable
from vae_tui.tui.axes import readable_range
from vae_tui.tui.paper import FAINT_INK, LEVELS, draw_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
_COLUMNS = 400
"""Points a curve is thinned to."""
_PANELS = (("negative_elbo", "−ELBO"), ("distortion", "distortion"), ("rate", "rate"))
_DASHES: Mapping[LineStyle, Any] = {
    "solid": "solid",
    "dashed": (0, (5.0, 1.8)),
    "dotted": (0, (1.2, 1.4)),
    "dash-dotted": (0, (6.0, 1.6, 1.2, 1.6)),
}
_TIME_UNITS = ((2 * 3600, 3600, "h"), (120, 60, "min"), (0, 1, "s"))
"""From how many seconds on which unit, and how many seconds that has."""


@dataclass(frozen=True)
class _Curves:
    """A figure of a run along the axis: `main` of validation where there is one, and then training, `faint`."""

    main: Sequence[Point]
    faint: Sequence[Point]


def draw_comparison(histories: Mapping[str, History], axis: Axis, suffix: str) -> bytes:
    """Draw runs by name: -ELBO, distortion and rate along an axis, in nats per image, and each run's way through the plane
    of rate and distortion.

    Returns the content of a .png, .svg or .pdf file. Raises VaeTuiError where matplotlib is not installed, or nothing is
    there to draw.
    """

    def draw(figure: Figure) -> None:
        if not any(
            len(history.train["negative_elbo"]) or _points(history, "rate", axis).main for history in histories.values()
        ):
            raise VaeTuiError("none of these runs has a figure to draw yet")
        ((elbo, plane), (distortion, rate)) = figure.subplots(2, 2)
        unit, unit_name = _unit(histories, axis)
        for panel, (name, title) in zip((elbo, distortion, rate), _PANELS, strict=True):
            _draw_curves(panel, histories, name, axis, unit)
            panel.set(title=title, xlabel=unit_name, ylabel="nats per image")
        _draw_plane(plane, histories)
        _draw_legend(figure, histories)

    return draw_file(draw, suffix, (9.6, 7.2))


def _draw_curves(panel: Axes, histories: Mapping[str, History], name: str, axis: Axis, unit: float) -> None:
    shown = []
    for index, history in enumerate(histories.values()):
        style, curves = style_of(index), _points(history, name, axis)
        panel.plot(*_split(curves.faint, unit), color=style.color, alpha=0.3, linewidth=0.9)
        panel.plot(*_split(curves.main, unit), **_look(style, curves.main))
        shown += [curves.main, curves.faint]
        best = history.best if name == "negative_elbo" else None
        if best is not None and best.negative_elbo is not None:
            x = {"step": best.step, "epoch": best.step / history.steps_per_epoch, "time": best.seconds}[axis]
            panel.plot([x / unit], [best.negative_elbo], **_BEST, color=style.color)
    if (extent := readable_range(shown, least=0.03)) is not None:
        panel.set_ylim(extent)
    panel.set_xlim(left=0)


def _draw_plane(plane: Axes, histories: Mapping[str, History]) -> None:
    """Each run's way through the plane of rate and distortion, over lines of equal -ELBO."""
    rates, distortions = [], []
    for index, history in enumerate(histories.values()):
        style, way = style_of(index), _way(history)
        steps, across, up = [list(column) for column in zip(*way, strict=True)] if way else ([], [], [])
        plane.plot(across, up, **{**_look(style, up), "linewidth": 1.1})
        plane.plot(across[-1:], up[-1:], marker="o", markersize=6, color=style.color, markeredgecolor="white", zorder=4)
        rates.append(list(zip(steps, across, strict=True)))
        distortions.append(list(zip(steps, up, strict=True)))
    across_extent, up_extent = readable_range(rates, least=0.1), readable_range(distortions, least=0.03)
    plane.set(title="rate and distortion", xlabel="rate, nats per image", ylabel="distortion, nats per image")
    if across_extent is not None and up_extent is not None:
        plane.set(xlim=(max(0.0, across_extent[0]), across_extent[1]), ylim=up_extent)
        _draw_levels(plane)


def _draw_levels(plane: Axes) -> None:
    """Lines of equal -ELBO, which fall as steeply as the rate grows, each with its value at its lower end."""
    from matplotlib.ticker import MaxNLocator

    plane.grid(False)
    (left, right), (low, high) = plane.get_xlim(), plane.get_ylim()
    for level in MaxNLocator(9).tick_values(left + low, right + high):
        if not left + low < level < right + high:
            continue
        plane.plot([left, right], [level - left, level - right], color=LEVELS, linewidth=0.8, zorder=0)
        x = min(right, level - low) - 0.03 * (right - left)
        if x > left + 0.2 * (right - left):
            plane.text(x, level - x, f"{level:g}", **_LEVEL)
    plane.set(xlim=(left, right), ylim=(low, high))


def _draw_legend(figure: Figure, histories: Mapping[str, History]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], **_look(style_of(index), ())) for index in range(len(histories))]
    names = [printable(name) for name in histories]
    if any(history.best for history in histories.values()):
        handles.append(Line2D([], [], **_BEST, color=FAINT_INK))
        names.append("best by validation loss")
    if any(len(history.validation["rate"]) for history in histories.values()):
        handles.append(Line2D([], [], color=FAINT_INK, alpha=0.5, linewidth=0.9))
        names.append("training, beside validation")
    handles += [Line2D([], [], marker="o", markersize=6, linestyle="none", color=FAINT_INK)]
    handles += [Line2D([], [], color=LEVELS, linewidth=0.8)]
    names += ["its last epoch", "equal −ELBO"]
    columns = 4 if max(map(len, names[: len(histories)])) <= 24 else 3
    # Named afterwards: what begins with _ would be left out, and $ would be mathematics.
    legend = figure.legend(
        handles, [str(number) for number in range(len(names))], loc="outside lower center", ncols=columns, frameon=False,
        handlelength=3.2, columnspacing=1.6,
    )  # fmt: skip
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(name)


_LEVEL: dict[str, Any] = {
    "rotation": -45,
    "rotation_mode": "anchor",
    "transform_rotates_text": True,
    "ha": "right",
    "va": "bottom",
    "fontsize": 7,
    "color": FAINT_INK,
    "clip_on": True,
    "zorder": 1,
}
_BEST: dict[str, Any] = {
    "marker": "D",
    "markersize": 5.5,
    "linestyle": "none",
    "markeredgecolor": "white",
    "zorder": 4,
}


def _look(style: RunStyle, points: Sequence[object]) -> dict[str, Any]:
    """How a curve is drawn; few points are marked, for a line of one is none."""
    marker = {"marker": ".", "markersize": 5} if 0 < len(points) <= 12 else {}
    return {"color": style.color, "linestyle": _DASHES[style.line], "linewidth": 1.6, **marker}


def _points(history: History, name: str, axis: Axis) -> _Curves:
    along = Along(axis, history.steps_per_epoch)
    validation, train = (
        history.validation[name].thin(_COLUMNS, along),
        history.train[name].column_means(_COLUMNS, along),
    )
    return _Curves(validation, train) if validation else _Curves(train, ())


def _way(history: History) -> list[tuple[int, float, float]]:
    """Step, rate and distortion of each epoch's validation, or where there is none of the reports of training."""
    figures = history.validation if len(history.validation["rate"]) else history.train
    distortion = dict(zip(figures["distortion"].steps, figures["distortion"].values, strict=True))
    rate = zip(figures["rate"].steps, figures["rate"].values, strict=True)
    way = [(step, value, distortion[step]) for step, value in rate if step in distortion]
    every = max(1, math.ceil(len(way) / _COLUMNS))
    return way[::-every][::-1]


def _unit(histories: Mapping[str, History], axis: Axis) -> tuple[float, str]:
    """What the axis is divided by, and what it is called."""
    if axis != "time":
        return 1.0, axis
    longest = max(history.seconds for history in histories.values())
    seconds, name = next((seconds, name) for least, seconds, name in _TIME_UNITS if longest >= least)
    return float(seconds), f"training time, {name}"


def _split(points: Sequence[Point], unit: float) -> Iterator[list[float]]:
    yield [x / unit for x, _ in points]
    yield [y for _, y in points]
