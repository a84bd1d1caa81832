"""How long a chart takes to redraw: three curves of 160 points, one of them smoothed, in two sizes of terminal.

    python benchmarks/charts.py [--rounds 50]

Milliseconds, the median of the rounds: from figures that changed to rows of cells in the theme's colours. What is drawn is
the chart of -ELBO: the raw curve, the smoothed one over it, and validation with the best marked.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from functools import partial
from statistics import median
from typing import Any

from textual.app import ComposeResult

from vae_tui.events import EpochCompleted, Figures, StepCompleted
from vae_tui.runs.history import History
from vae_tui.tui.colors import THEME, own_variables
from vae_tui.tui.curves import specify_elbo, stamp
from vae_tui.tui.graphics.app import PictureApp
from vae_tui.tui.look import Look
from vae_tui.tui.widgets.chart import Chart

POINTS = 160
SIZES = ((120, 30), (200, 60))


def trained() -> History:
    """A run of 160 steps, each validated."""
    history = History()
    for step in range(1, POINTS + 1):
        level = 90 + 60 / math.sqrt(step)
        train, validation = (_figures(nats) for nats in (level + 3 * math.sin(7.0 * step), level + 2))
        shared: dict[str, Any] = {"time": float(step), "step": step, "epoch": step, "beta": 1.0, "lr": 1e-3}
        history.add(StepCompleted(**shared, steps=1, train=train, images_per_second=1.0))
        history.add(
            EpochCompleted(
                **shared,
                train=train,
                validation=validation,
                rate_per_dimension=[],
                images_per_second=1.0,
                elapsed_seconds=float(step),
            )
        )
    return history


def _figures(nats: float) -> Figures:
    return {"loss": nats, "elbo": -nats, "distortion": nats - 25, "rate": 25.0}


class OneChart(PictureApp[None]):
    def __init__(self) -> None:
        super().__init__()
        self.chart = Chart(id="elbo")
        self.register_theme(THEME)
        self.theme = THEME.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return own_variables(THEME)

    def compose(self) -> ComposeResult:
        yield self.chart


async def time_redraws(size: tuple[int, int], rounds: int) -> list[float]:
    app, histories, found = OneChart(), (trained(), trained()), []
    async with app.run_test(size=size):
        for number in range(rounds + 3):
            began = time.perf_counter()
            history = histories[number % 2]
            app.chart.show(partial(specify_elbo, history, Look()), stamp(history, Look()))
            app.chart.render_line(0)
            found.append(1000 * (time.perf_counter() - began))
    return found[3:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    for columns, rows in SIZES:
        found = asyncio.run(time_redraws((columns, rows), rounds))
        print(f"{columns}x{rows}: {median(found):.1f} ms (least {min(found):.1f})")


if __name__ == "__main__":
    main()
