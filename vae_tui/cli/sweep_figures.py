"""What came of a sweep, as a figure for papers, drawn by matplotlib, which is optional."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from vae_tui.errors import VaeTuiError
from vae_tui.runs.styles import COLORS, LineStyle, style_of
from vae_tui.sweep.results import SEED, Mean, RunResult, SeedsResult, average_seeds, show_value
from vae_tui.text import printable
from vae_tui.tui.paper import FAINT_INK, draw_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vae_tui.sweep.folder import Contents
    from vae_tui.sweep.search import Search

_PANELS = (("nelbo", "−ELBO"), ("distortion", "distortion"), ("rate", "rate"))
_DASHES: dict[LineStyle, Any] = {"solid": "-", "dashed": (0, (5, 2)), "dotted": (0, (1.2, 1.4)), "dash-dotted": "-."}
_MOST_LINES, _MOST_KEYS = 12, 5
"""Lines that can be told apart, and searched keys that have a panel."""
_HOLLOW: dict[str, Any] = {"facecolors": "none", "edgecolors": FAINT_INK}
_TITLES = {"nelbo": "−ELBO", "loss": "loss", "distortion": "distortion", "rate": "rate"}


def draw_sweep(contents: Contents, results: Sequence[RunResult], suffix: str) -> bytes:
    """Draw -ELBO, distortion and rate against the first key, a line for each setting of the others, and all in the plane of
    rate and distortion; means over seeds, with bars of one standard error, and each seed as a faint dot. Where seeds alone
    differ they are the key, and a band is their mean and its standard error. Of two keys, -ELBO is a map of both. Of a
    search, its figure by trial, and by each key.

    Returns the content of a .png, .svg or .pdf file. Raises VaeTuiError where matplotlib is not installed, or nothing is
    there to draw.
    """
    groups = [group for group in average_seeds(results) if group.means]
    if not groups:
        raise VaeTuiError("none of the sweep's runs has a figure to draw yet")
    if (search := contents.search) is not None:
        trials = [result for result in results if search.metric in result.figures]
        return draw_file(lambda figure: _draw_search(figure, search, trials), suffix, (9.6, 7.2))
    keys = [key for key in contents.keys if key != SEED] or [SEED]
    over_seeds = groups[0].means if keys == [SEED] else {}
    if over_seeds:
        groups = [SeedsResult(run.job.values, (run,), average_seeds([run])[0].means) for run in results if run.figures]
    lines = _lines(groups, keys)
    if len(lines) > _MOST_LINES:
        raise VaeTuiError(f"that is {len(lines)} lines, more than can be told apart: --out a table instead")

    def draw(figure: Figure) -> None:
        ((first, plane), (distortion, rate)) = figure.subplots(2, 2)
        for panel, (name, title) in zip((first, distortion, rate), _PANELS, strict=True):
            if name == "nelbo" and len(keys) == 2 and len(lines) > 2:
                _draw_map(figure, panel, groups, keys)
            else:
                if name in over_seeds:
                    _draw_band(panel, over_seeds[name])
                _draw_lines(panel, lines, keys[0], name)
                panel.set(title=title, ylabel="nats per image")
        _draw_plane(plane, lines, keys[0])
        if len(lines) > 1:
            figure.legend(
                *first.get_legend_handles_labels() if len(keys) != 2 else distortion.get_legend_handles_labels(),
                loc="outside lower center", ncols=4, frameon=False, handlelength=3.2,
            )  # fmt: skip

    return draw_file(draw, suffix, (9.6, 7.2))


def _lines(groups: Sequence[SeedsResult], keys: Sequence[str]) -> dict[str, list[SeedsResult]]:
    """The groups along the first key, by what else they have."""
    lines: dict[str, list[SeedsResult]] = {}
    for group in groups:
        rest = ", ".join(f"{_short(key)} {_shown(group, key)}" for key in keys[1:])
        lines.setdefault(rest, []).append(group)
    return lines


def _draw_band(panel: Axes, mean: Mean) -> None:
    """The mean over all seeds, and one standard error to either side."""
    error = mean.error or 0.0
    panel.axhspan(mean.mean - error, mean.mean + error, color=FAINT_INK, alpha=0.15, linewidth=0)
    panel.axhline(mean.mean, color=FAINT_INK, linewidth=1)


def _have_an_order(groups: Sequence[SeedsResult], key: str) -> bool:
    """Whether a line through the values of a key says something."""
    return all(isinstance(group.values.get(key), int | float) for group in groups) and key != SEED


def _draw_lines(panel: Axes, lines: dict[str, list[SeedsResult]], key: str, name: str) -> None:
    ticks = _ticks(lines, key)
    for index, (rest, groups) in enumerate(lines.items()):
        found = [(ticks.index(_shown(group, key)), group.means[name]) for group in groups if name in group.means]
        style = style_of(index)
        seeds = [(x, run.figures[name]) for group in groups if len(group.runs) > 1 for run in group.runs if name in run.figures
                 for x in [ticks.index(_shown(group, key))]]  # fmt: skip
        panel.scatter(
            [x for x, _ in seeds], [value for _, value in seeds], color=style.color, alpha=0.3, s=12, linewidths=0
        )
        panel.errorbar(
            [x for x, _ in found], [mean.mean for _, mean in found], yerr=[mean.error or 0.0 for _, mean in found],
            label=rest, color=style.color, linestyle=_DASHES[style.line] if _have_an_order(groups, key) else "none",
            marker="o", markersize=4, capsize=3, linewidth=1.5,
        )  # fmt: skip
    panel.set_xticks(range(len(ticks)), ticks)
    panel.set_xlabel(key)


def _draw_search(figure: Figure, search: Search, trials: Sequence[RunResult]) -> None:
    """How the best got better with the trials, and the figure of each against its value of each key."""
    keys = list(search.space)[:_MOST_KEYS]
    first, *panels = figure.subplots(-(-(len(keys) + 1) // 2), 2, squeeze=False).flatten()
    completed = [trial for trial in trials if trial.standing.state == "completed"]
    better = max if search.direction == "maximize" else min
    best = better(completed or trials, key=lambda trial: trial.figures[search.metric])
    so_far = list(accumulate((trial.figures[search.metric] for trial in completed), better))
    first.step([trial.job.number for trial in completed], so_far, where="post", color=COLORS[0], linewidth=1.2)
    _draw_trials(first, search, trials, best, lambda trial: trial.job.number)
    first.locator_params("x", integer=True)
    first.set(title=f"{_TITLES[search.metric]} by trial", xlabel="trial", ylabel="nats per image")
    for panel, key in zip(panels, keys, strict=False):
        _draw_trials(panel, search, trials, best, partial(_value_of, key))
        panel.set(title=f"{_TITLES[search.metric]} by {_short(key)}", xlabel=key, ylabel="nats per image")
        if search.space[key].get("log"):
            panel.set_xscale("log")
    for panel in panels[len(keys) :]:
        panel.set_axis_off()
    figure.legend(loc="outside lower center", ncols=4, frameon=False, handles=first.get_legend_handles_labels()[0])


def _draw_trials(
    panel: Axes, search: Search, trials: Sequence[RunResult], best: RunResult, place: Callable[[RunResult], Any]
) -> None:
    for label, drawn, look in (
        ("completed", [trial for trial in trials if trial.standing.state == "completed"], {"color": COLORS[0]}),
        ("pruned, or not completed", [trial for trial in trials if trial.standing.state != "completed"], _HOLLOW),
        (f"best: {best.figures[search.metric]:.2f}", [best], {"color": COLORS[1], "marker": "D", "zorder": 4}),
    ):
        if drawn:
            across = [_in_a_plot(place(trial)) for trial in drawn]
            panel.scatter(across, [trial.figures[search.metric] for trial in drawn], s=22, label=label, **look)


def _value_of(key: str, trial: RunResult) -> Any:
    return trial.job.values[key]


def _in_a_plot(value: object) -> Any:
    return value if isinstance(value, int | float) else show_value(value)


def _draw_map(figure: Figure, panel: Axes, groups: Sequence[SeedsResult], keys: Sequence[str]) -> None:
    across, up = (list(dict.fromkeys(_shown(group, key) for group in groups)) for key in keys)
    values = [[float("nan")] * len(across) for _ in up]
    for group in groups:
        if "nelbo" in group.means:
            values[up.index(_shown(group, keys[1]))][across.index(_shown(group, keys[0]))] = group.means["nelbo"].mean
    image = panel.imshow(values, aspect="auto", cmap="viridis_r", origin="lower")
    panel.set_xticks(range(len(across)), across)
    panel.set_yticks(range(len(up)), up)
    panel.grid(False)
    middle = sum(image.get_clim()) / 2
    for y, row in enumerate(values):
        for x, value in enumerate(row):
            if value == value:
                panel.text(x, y, f"{value:.1f}", ha="center", va="center", fontsize=8,
                           color="white" if value > middle else "black")  # fmt: skip
    panel.set(title="−ELBO", xlabel=keys[0], ylabel=keys[1])
    figure.colorbar(image, ax=panel, label="nats per image")


def _draw_plane(plane: Axes, lines: dict[str, list[SeedsResult]], key: str) -> None:
    for index, groups in enumerate(lines.values()):
        found = [group for group in groups if {"rate", "distortion"} <= group.means.keys()]
        rates, distortions = ([group.means[name] for group in found] for name in ("rate", "distortion"))
        style = style_of(index)
        plane.errorbar(
            [mean.mean for mean in rates], [mean.mean for mean in distortions],
            xerr=[mean.error or 0.0 for mean in rates], yerr=[mean.error or 0.0 for mean in distortions],
            color=style.color, linestyle=_DASHES[style.line] if _have_an_order(found, key) else "none",
            marker="o", markersize=4, linewidth=1.0,
        )  # fmt: skip
        for group in found:
            plane.annotate(
                _shown(group, key), (group.means["rate"].mean, group.means["distortion"].mean),
                xytext=(5, 4), textcoords="offset points", fontsize=7, color=FAINT_INK,
            )  # fmt: skip
    plane.set(
        title=f"rate and distortion, by {_short(key)}",
        xlabel="rate, nats per image",
        ylabel="distortion, nats per image",
    )


def _ticks(lines: dict[str, list[SeedsResult]], key: str) -> list[str]:
    return list(dict.fromkeys(_shown(group, key) for groups in lines.values() for group in groups))


def _shown(group: SeedsResult, key: str) -> str:
    return printable(show_value(group.values.get(key, group.runs[0].job.values.get(key))))


def _short(key: str) -> str:
    return key.rpartition(".")[2]
