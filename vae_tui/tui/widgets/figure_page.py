"""A page of small charts, one a figure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual.app import ComposeResult
from textual.containers import Container

from vae_tui.runs.history import History
from vae_tui.tui.curves import specify_figure, stamp
from vae_tui.tui.figure_names import USUAL, figures_of, title_of
from vae_tui.tui.look import Look
from vae_tui.tui.widgets.chart import Chart

_PREFIX = "figure-"


def figure_of(chart: Chart) -> str | None:
    """The figure that a chart of the page shows; None for one that is not on it."""
    return chart.id.removeprefix(_PREFIX) if chart.id and chart.id.startswith(_PREFIX) else None


class FigurePage(Container):
    """Shows the figures that were chosen, of those that the run has."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._chosen: tuple[str, ...] = USUAL

    def compose(self) -> ComposeResult:
        """A chart a figure."""
        yield from self._charts()

    async def choose(self, figures: Sequence[str]) -> None:
        """Show these figures, in this order; the usual ones for none."""
        self._chosen = tuple(dict.fromkeys(figures)) or USUAL
        with self.app.batch_update():
            await self.remove_children()
            await self.mount(*self._charts())

    def _charts(self) -> list[Chart]:
        charts = []
        for figure in self._chosen:
            charts.append(Chart(id=f"{_PREFIX}{figure}"))
            charts[-1].border_title = title_of(figure)
        return charts

    def show(self, history: History, look: Look) -> None:
        """Show the figures of a history."""
        drawn, known = stamp(history, look), figures_of(history)
        charts = [(chart, figure) for chart in self.query(Chart) if (figure := figure_of(chart)) is not None]
        for chart, figure in charts:
            chart.display = figure in known
            if chart.display:
                chart.show(partial(specify_figure, history, figure, look), drawn)
        count = sum(chart.display for chart, _ in charts)
        self.styles.grid_size_columns = 1 if count == 1 else 2 if count <= 4 else 3
