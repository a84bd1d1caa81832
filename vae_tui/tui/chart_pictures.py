"""Charts of the screen as pictures for papers and talks: what they show, on white."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from vae_tui.text import printable
from vae_tui.tui.chart_spec import ChartSpec, Curve, Specify
from vae_tui.tui.look import format_time_of_day
from vae_tui.tui.marks import MARKS
from vae_tui.tui.paper import FAINT_INK, INK, LEVELS, draw_file
from vae_tui.wording import format_clock

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 1000
"""For how many columns values that are not averaged are drawn: more than a picture has dots for."""
_COLORS = {
    "train": "#0072b2",
    "validation": "#d55e00",
    "loss": "#b8267f",
    "best": "#b58900",
    "distortion": "#009e73",
    "rate": "#7038c8",
    "line": LEVELS,
    "faint": FAINT_INK,
}
_NAMES = {
    "train": "training",
    **{name: name for name in ("validation", "loss", "best", "distortion", "rate")},
}
"""What curves of a meaning are called in the legend."""
_MARK_NAMES = {glyph: name for name, (glyph, _, _) in MARKS.items()}
_MARKERS = {"◆": "D", "•": ".", "╵": 2, "‖": "s", "▲": "^", "!": "P", "✕": "x"}
"""What matplotlib calls them; 2 is a tick that points upwards."""
_CLOCKS: Mapping[str, Callable[[float], str]] = {"time": format_clock, "clock": format_time_of_day}
"""How places along these axes are written."""
_LETTER: Any = {
    "ha": "center",
    "va": "center",
    "fontsize": 8,
    "fontweight": "bold",
    "bbox": {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"},
    "zorder": 5,
}
"""What stands on the curve of a run, as on the screen."""
_PANEL_SIZES = {1: (6.4, 3.8), 2: (9.6, 3.8), 3: (9.6, 6.6), 4: (9.6, 6.6)}
"""Inches, by how many charts there are."""


@dataclass(frozen=True)
class Panel:
    """A chart under its title; `names` are those of curves by their signs, `across` what its horizontal axis is."""

    title: str
    spec: ChartSpec
    across: str
    names: Mapping[str, str]


def specify_in_full(specify: Specify, columns: int) -> ChartSpec | None:
    """A chart as it is on the screen in so many columns, smoothed as there, with every value that is set back in it."""
    seen, full = specify(columns), specify(_COLUMNS)
    if seen is None or full is None or len(seen.curves) != len(full.curves):
        return seen
    curves = [more if curve.faint else curve for curve, more in zip(seen.curves, full.curves, strict=True)]
    return replace(seen, curves=curves)


def draw_panels(panels: Sequence[Panel], suffix: str) -> bytes:
    """Charts beside each other as the content of a .png or .svg file; raises VaeTuiError where matplotlib is missing."""
    rows = -(-len(panels) // 3)
    return draw_file(partial(_draw, panels), suffix, _PANEL_SIZES.get(len(panels), (12.8, 3.2 * rows)))


def _draw(panels: Sequence[Panel], figure: Figure) -> None:
    columns = {1: 1, 2: 2, 3: 2, 4: 2}.get(len(panels), 3)
    axes = figure.subplots(-(-len(panels) // columns), columns, squeeze=False).flatten()
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    named: dict[str, Any] = {}
    for panel, axis in zip(panels, axes, strict=False):
        for name, handle in _draw_panel(panel, axis).items():
            named.setdefault(name, handle)
    if len(named) > 1 or any(panel.names for panel in panels):
        # Named afterwards: what begins with _ would be left out, and $ would be mathematics.
        places = [str(number) for number in range(len(named))]
        legend = figure.legend(list(named.values()), places, loc="outside lower center", ncols=4, frameon=False)
        for text, name in zip(legend.get_texts(), named, strict=True):
            text.set_parse_math(False)
            text.set_text(printable(name))


def _draw_panel(panel: Panel, axes: Axes) -> dict[str, Any]:
    """Draw a chart, and return what stands for its curves by their names."""
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415 - it is optional

    spec = panel.spec
    axes.set_title(panel.title)
    axes.set(
        xlabel=panel.across,
        xlim=_unscaled(spec.across, log=spec.log_across),
        ylim=_unscaled(spec.left, log=spec.log),
    )
    sides = {False: axes}
    if spec.log:
        axes.set_yscale("log")
    if spec.log_across:
        axes.set_xscale("log")
    if spec.right is not None:
        sides[True] = axes.twinx()
        sides[True].set_ylim(spec.right)
        sides[True].grid(False)
    if panel.across in _CLOCKS:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: _CLOCKS[panel.across](seconds)))
        axes.tick_params(axis="x", labelsize="small")
    if spec.cursor is not None:
        axes.axvline(_unscaled([spec.cursor], log=spec.log_across)[0], color=INK, linewidth=0.8)
    drawn: dict[str, Any] = {}
    for curve in spec.curves:
        signed = [(*_unscaled([x], log=spec.log_across), *_unscaled([y], log=spec.log)) for x, y in curve.signed_at]
        if not curve.points and signed:
            # At the foot of the chart, whatever its values are.
            (line,) = axes.plot(
                [x for x, _ in signed], [0.02] * len(signed), transform=axes.get_xaxis_transform(), **_look(curve)
            )
        elif curve.points:
            xs = _unscaled([x for x, _ in curve.points], log=spec.log_across)
            ys = _unscaled([y for _, y in curve.points], log=spec.log and not curve.right)
            (line,) = sides[curve.right and spec.right is not None].plot(xs, ys, **_look(curve))
            low, high = axes.get_ylim()
            for x, y in signed:
                if low <= y <= high:
                    axes.text(x, y, curve.sign, color=curve.color, **_LETTER).set_in_layout(False)
        else:
            continue
        if (name := _name(panel, curve)) and not curve.faint:
            drawn.setdefault(name, line)
    return drawn


def _name(panel: Panel, curve: Curve) -> str:
    """What a curve is called in the legend; nothing for lines that help to read."""
    if curve.sign in panel.names:
        return f"{curve.sign}  {panel.names[curve.sign]}"
    if curve.marker in _MARK_NAMES:
        return _MARK_NAMES[curve.marker]
    return _NAMES.get(curve.color, "")


def _look(curve: Curve) -> dict[str, Any]:
    color = curve.color if curve.color.startswith("#") else _COLORS.get(curve.color, INK)
    if curve.color == "line":
        return {"color": color, "linewidth": 0.8, "zorder": 0}
    if curve.marker is None:
        return {"color": color, "linewidth": 0.9 if curve.faint else 1.6, "alpha": 0.35 if curve.faint else 1.0}
    size = 5 if curve.marker == "•" else 6
    return {"color": color, "linestyle": "none", "marker": _MARKERS[curve.marker], "markersize": size, "zorder": 4}


def _unscaled(values: Sequence[float], *, log: bool) -> list[float]:
    return [10.0**value for value in values] if log else list(values)
