"""What is on the screen as files: the charts in sight as a table or a picture, the screen as it is."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from textual.screen import Screen

from vae_tui.errors import VaeTuiError
from vae_tui.runs.chart_rows import tabulate_charts
from vae_tui.runs.files import user_path, write_whole
from vae_tui.runs.history import History
from vae_tui.runs.rows import FigureTable, write_csv
from vae_tui.tui.chart_pictures import Panel, draw_panels, specify_in_full
from vae_tui.tui.figure_names import title_of
from vae_tui.tui.screens.choice import Choice, ChoiceScreen
from vae_tui.tui.screens.prompt import PromptScreen
from vae_tui.tui.widgets.chart import Chart
from vae_tui.tui.widgets.figure_page import figure_of
from vae_tui.wording import counted

Report = Callable[[str, str], None]
"""Shows a sentence, in a style."""


@dataclass(frozen=True)
class _Known:
    """What a chart is called, what it is drawn of, and what its horizontal axis is where that is not the usual one."""

    title: str
    figures: tuple[str, ...]
    across: str = ""


_CHARTS: Mapping[str, _Known] = {
    "elbo": _Known("−ELBO, nats/image", ("negative_elbo", "loss")),
    "balance": _Known("distortion and rate, nats/image", ("distortion", "rate")),
    "overlay-negative_elbo": _Known("−ELBO, nats/image", ("negative_elbo",)),
    "overlay-distortion": _Known("distortion, nats/image", ("distortion",)),
    "overlay-rate": _Known("rate, nats/image", ("rate",)),
    "overlay-plane": _Known("distortion over rate, nats/image", ("rate", "distortion"), "rate"),
}
"""Every chart by its id, but those of the page of figures."""
_SUFFIXES = {"table": ".csv", "picture": ".png", "drawing": ".svg", "screen": ".svg"}
"""How the names of files end, by what is chosen."""


@dataclass(frozen=True)
class _Shown:
    """What there is to export, as it was when that was asked for: nothing of it changes while it is drawn and written."""

    panels: Sequence[Panel]
    figures: Sequence[str]
    screenshot: str

    @property
    def titles(self) -> str:
        """Which charts there are."""
        titles = [panel.title.partition(",")[0] for panel in self.panels]
        return ", ".join(titles) if len(titles) <= 3 else counted(len(titles), "chart")


def offer_export(
    screen: Screen[Any],
    stem: str,
    histories: Mapping[str, History],
    names: Mapping[str, str],
    axis: str,
    report: Report,
) -> None:
    """Ask what to export of a screen and to which file, and write that; the default name begins with `stem`.

    `histories` are those of its runs by name, `names` what the signs of curves stand for, `axis` is the horizontal one.
    """
    shown = _look_at(screen, names, axis)
    choices = [Choice("s", "screen", "as it is, as SVG")]
    if shown.panels:
        choices = [
            Choice("t", "table", f"CSV of {shown.titles}: every value"),
            Choice("p", "picture", f"PNG of {shown.titles}, on white"),
            Choice("v", "drawing", f"SVG of {shown.titles}, on white"),
            *choices,
        ]

    def chosen(choice: str | None) -> None:
        if choice is not None:
            content = _content(choice, shown, histories)
            _ask_for_file(screen, f"{stem}-{choice}{_SUFFIXES[choice]}", content, report)

    screen.app.push_screen(ChoiceScreen("export", choices), chosen)


def _look_at(screen: Screen[Any], names: Mapping[str, str], axis: str) -> _Shown:
    panels, figures = [], []
    for chart in screen.query(Chart):
        known, spec = _CHARTS.get(chart.id or ""), None
        if (figure := figure_of(chart)) is not None:
            known = _Known(title_of(figure), (figure,))
        if known is not None and chart.region.width and chart.is_on_screen:
            spec = specify_in_full(chart.specify, chart.size.width)
        if known is not None and spec is not None:
            panels.append(Panel(known.title, spec, known.across or axis, names))
            figures += [figure for figure in known.figures if figure not in figures]
    return _Shown(panels, figures, screen.app.export_screenshot())


def _content(choice: str, shown: _Shown, histories: Mapping[str, History]) -> Callable[[], bytes]:
    """What makes the content of a file, in a thread; what it is made of is looked up here and now."""
    if choice == "table":
        return partial(_to_csv, tabulate_charts(histories, shown.figures))
    if choice == "screen":
        return shown.screenshot.encode
    return partial(draw_panels, shown.panels, _SUFFIXES[choice])


def _to_csv(table: FigureTable) -> bytes:
    content = io.BytesIO()
    write_csv(table, content)
    return content.getvalue()


def _ask_for_file(screen: Screen[Any], default: str, content: Callable[[], bytes], report: Report) -> None:
    suffix = Path(default).suffix

    def check(text: str) -> str | None:
        try:
            path = user_path(text)
        except VaeTuiError as error:
            return str(error)
        if path.suffix.lower() != suffix:
            return f"expected a name that ends in {suffix}"
        if not path.absolute().parent.is_dir():
            return f"there is no folder {path.absolute().parent}"
        return f"{path} is a folder" if path.is_dir() else None

    def typed(text: str | None) -> None:
        if not text:
            return
        path = user_path(text)
        if not path.exists():
            _write(screen, path, content, report)
            return
        question = ChoiceScreen(f"{path} exists already", [Choice("r", "replace", "with what is on the screen")])
        screen.app.push_screen(question, lambda answer: _write(screen, path, content, report) if answer else None)

    prompt = PromptScreen("write to", f"a file in {Path.cwd()}, or any path", value=default, check=check)
    screen.app.push_screen(prompt, typed)


def _write(screen: Screen[Any], path: Path, content: Callable[[], bytes], report: Report) -> None:
    report(f"writing {path}…", "$primary")

    def work() -> None:
        try:
            write_whole(path, content())
            said, style = f"wrote {path.absolute()}", "$success"
        except VaeTuiError as error:
            said, style = str(error), "$warning"
        except OSError as error:
            said, style = f"{path} cannot be written: {error.strerror}", "$error"
        screen.app.call_from_thread(report, said, style)

    screen.run_worker(work, thread=True)
