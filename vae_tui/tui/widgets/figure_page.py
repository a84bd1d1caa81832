"""A page of small charts, one a figure."""

from __future__ import annotations

from functools import partial

from textual.app import ComposeResult
from textual.containers import Container

from vae_tui.runs.history import History
from vae_tui.tui.curves import specify_figure, stamp
from vae_tui.tui.look import Look
from vae_tui.tui.widgets.chart import Chart

FIGURES = {
    "loss": "loss, nats/image",
    "rate": "rate, nats/image",
    "active": "active latent dimensions",
    "beta": "beta",
    "lr": "learning rate",
    "images_per_second": "images/s",
    "rss_bytes": "memory, GiB",
    "cpu_percent": "cpu, %",
    "gpu_percent": "gpu, %",
    "gpu_celsius": "gpu, °C",
    "gpu_watts": "gpu, W",
}
"""The figures that have a chart, and what it is called."""


class FigurePage(Container):
    """Shows every figure that the run has."""

    def compose(self) -> ComposeResult:
        """A chart a figure."""
        for figure, title in FIGURES.items():
            chart = Chart(id=f"figure-{figure}")
            chart.border_title = title
            yield chart

    def show(self, history: History, look: Look) -> None:
        """Show the figures of a history."""
        drawn = stamp(history, look)
        for figure in FIGURES:
            chart = self.query_one(f"#figure-{figure}", Chart)
            chart.display = figure == "active" or len(history.train[figure]) > 0
            chart.show(partial(specify_figure, history, figure, look), drawn)
