"""No screen ends by what a log says, however wild its figures are."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from shown import Shown
from textual.screen import Screen

from vae_tui import events as ev
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.runs.log import EventWriter
from vae_tui.runs.summary import summarize
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.home import HomeScreen
from vae_tui.tui.screens.overlay import OverlayScreen
from vae_tui.tui.screens.training import TrainingScreen

FIGURES: dict[str, list[float | None]] = {
    "huge": [1e308, -1e308, 1e308, 3.0] * 4,
    "tiny": [1e-320, -1e-320, 0.0, 5e-324] * 4,
    "missing": [None, math.nan, None, math.inf] * 4,
    "level": [0.0] * 16,
}
KEYS = [
    "x",
    "x",
    "x",
    "X",
    "y",
    "plus",
    "plus",
    "left",
    "less_than_sign",
    "o",
    "1",
    "X",
    "m",
    "tab",
    "tab",
    "tab",
    "tab",
    "tab",
    "tab",
    "2",
    "b",
    "left",
    "home",
    "down",
    "escape",
]


@pytest.fixture(params=list(FIGURES))
def wild(request: Any, tmp_path: Path) -> Path:
    for name in ("one", "two"):
        run = Run.create(tmp_path, name, "", exact=True)
        writer = EventWriter(run.events_path)
        writer.write(ev.RunStarted(time=0.0, step=0, pid=1, version="0", recipe={"objective": {"beta": 1.0}}))
        writer.write(
            ev.TrainingStarted(
                time=0.0, step=0, device="cpu", threads=1, versions={}, parameter_count=1, steps_per_epoch=1,
                data_sizes={"validation": 1}, image_shape=(1, 2, 2), network="mlp", loss="distortion",
            )
        )  # fmt: skip
        for step, value in enumerate(FIGURES[request.param], start=1):
            figures = {"loss": value, "elbo": value, "distortion": value, "rate": value}
            shared: dict[str, Any] = {"time": float(step), "step": step, "epoch": step, "train": figures, "lr": 1e-3}
            writer.write(ev.StepCompleted(**shared, steps=1, beta=1.0, images_per_second=1e300, gradient_norm=1e308))
            writer.write(
                ev.EpochCompleted(
                    **shared, beta=1.0, validation=figures, rate_per_dimension=[value, 1.0], images_per_second=1.0,
                    elapsed_seconds=1.0,
                )
            )  # fmt: skip
        writer.close()
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["home", "training", "overlay"])
async def test_a_screen_lives(wild: Path, kind: str) -> None:
    first: Screen[Any] = HomeScreen(wild)
    if kind == "training":
        first = TrainingScreen(RunFeed(Run(wild / "one")))
    if kind == "overlay":
        first = OverlayScreen([summarize(Run(wild / name)) for name in ("one", "two")])
    app = VaeTuiApp(first)
    async with app.run_test(size=(120, 40)) as pilot:
        shown = Shown(app, pilot)
        await shown.settle()
        await shown.press(*(["down", "up", "down"] if kind == "home" else KEYS))
        await shown.settle()
        assert "one" in shown.text
    assert app.return_code in (None, 0)
