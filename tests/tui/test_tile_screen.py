"""One picture of a grid, large, and as it was drawn over the run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vae_tui.runs.layout import Run
from vae_tui.tui.screens.training import TrainingScreen
from vae_tui.tui.widgets.canvas import Canvas
from vae_tui.tui.widgets.pictures import Pictures, read_stacks

pytestmark = pytest.mark.slow


def large(shown: Any) -> np.ndarray:
    """The pixels of the large picture."""
    stacks = shown.app.screen.query_one("#large", Canvas)._stacks
    assert stacks is not None
    return stacks


@pytest.fixture
def drawn(trainer: Any, live_run: Run) -> list[int]:
    """The steps at which a run drew, three times."""
    trainer.start()
    trainer.begin()
    steps = []
    for _ in range(3):
        trainer.train_epoch(steps=60)
        trainer.draw()
        steps.append(trainer.step)
    return steps


async def test_enter_opens_a_sample_and_arrows_go_through_time_and_the_grid(
    run: Run, drawn: list[int], show: Any
) -> None:
    async with show(run) as shown:
        await shown.press("enter")
        await shown.sees(f"samples   1 of 64   step {drawn[-1]:,}")
        assert all(f"{step:,}" in shown.text for step in drawn)
        await shown.press("left", "down")
        await shown.sees(f"samples   2 of 64   step {drawn[1]:,}")
        screen = shown.app.screen
        event = screen._history.grid_at("samples", drawn[1])
        await shown.until(lambda: np.array_equal(large(shown)[0], read_stacks(run, event)[1]))
        await shown.press("home", "up", "up")
        await shown.sees(f"samples   64 of 64   step {drawn[0]:,}")
        await shown.press("left")
        await shown.sees(f"samples   64 of 64   step {drawn[0]:,}")
        await shown.press("escape")
        assert isinstance(shown.app.screen, TrainingScreen)


async def test_a_reconstruction_is_beside_its_data(run: Run, drawn: list[int], show: Any) -> None:
    async with show(run) as shown:
        await shown.sees("reconstructions")
        await shown.press("enter", "r")
        await shown.sees("data and reconstruction")
        assert large(shown).shape[:2] == (2, 1)
        await shown.press("r")
        await shown.until(lambda: large(shown).shape[:2] == (1, 1))


async def test_a_click_opens_that_picture(run: Run, drawn: list[int], show: Any) -> None:
    async with show(run) as shown:
        pane = shown.app.screen.query_one("#reconstructions", Pictures)
        canvas = pane.query_one(Canvas)
        await shown.until(lambda: len(canvas.tile_cells) > 2)
        top, left, _, _ = canvas.tile_cells[2]
        await shown.pilot.click(canvas, offset=(left + 1, top + 1))
        await shown.sees("reconstructions   3 of")


async def test_before_anything_is_drawn_enter_does_nothing(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    async with show(live_run) as shown:
        await shown.press("enter")
        assert isinstance(shown.app.screen, TrainingScreen)


async def test_grids_that_are_gone_leave_the_others(run: Run, drawn: list[int], show: Any) -> None:
    (run.path / f"images/samples-{drawn[1]:09d}.png").write_bytes(b"no picture")
    async with show(run) as shown:
        await shown.press("enter")
        await shown.sees(f"step {drawn[-1]:,}")
        await shown.press("left")
        await shown.sees(f"samples   1 of 64   step {drawn[0]:,}")
        for path in run.images_path.glob("*.png"):
            path.unlink()
        await shown.press("escape", "enter")
        await shown.sees("no samples of this run can be read")
