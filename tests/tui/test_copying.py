"""What is copied to the clipboard from the training screen and from the list of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_trainer import FakeTrainer
from shown import Shown

from vae_tui.runs.layout import Run
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.home import HomeScreen

pytestmark = pytest.mark.slow


@pytest.fixture
def stopped(trainer: Any, run: Run) -> Run:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.train_epoch()
    trainer.finish("stopped", "by request")
    return run


async def test_path_and_figures_are_copied_as_they_are_at_the_time_cursor(stopped: Run, show: Any) -> None:
    async with show(stopped) as shown:
        await shown.press("Y", "enter")
        assert shown.app.clipboard.startswith(f"{stopped.path}\nstep 240, epoch 2; training -ELBO ")
        assert "copied the summary: 2 lines" in shown.lines[-2]
        await shown.press("left", "Y", "f")
        names, values = (line.split("\t") for line in shown.app.clipboard.splitlines())
        figures = dict(zip(names, values, strict=True))
        assert (figures["step"], figures["epoch"], figures["lr"]) == ("120", "1", "0.001")


async def test_a_command_a_path_and_the_recipe_are_copied(stopped: Run, show: Any) -> None:
    async with show(stopped, (250, 40)) as shown:
        await shown.press("Y", "p")
        assert shown.app.clipboard == str(stopped.path)
        assert f"copied the path: {stopped.path}"[:100] in shown.lines[-2]
        await shown.press("Y", "r")
        assert shown.app.clipboard == f"vae-tui train --resume {stopped.path}"
        await shown.press("Y", "t")
        assert shown.app.clipboard == stopped.recipe_path.read_text()
        stopped.recipe_path.unlink()
        await shown.press("Y", "t")
        assert "cannot be read" in shown.lines[-2]
        await shown.press("Y", "escape")
        assert shown.app.clipboard.startswith("# vae-tui train")


async def test_of_a_live_run_the_command_shows_it(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    async with show(live_run) as shown:
        await shown.press("Y", "r")
        assert shown.app.clipboard == f"vae-tui watch {live_run.path}"


async def test_of_several_runs_there_is_a_line_each(stopped: Run) -> None:
    other = FakeTrainer(Run.create(stopped.path.parent, "other", "", exact=True))
    other.start()
    other.begin()
    other.train_epoch()
    app = VaeTuiApp(HomeScreen(stopped.path.parent))
    async with app.run_test(size=(160, 40)) as pilot:
        shown = Shown(app, pilot)
        await shown.sees("other")
        await shown.settle()
        await shown.press("Y", "p")
        alone = app.clipboard
        assert Path(alone) in (stopped.path, other.run.path)
        await shown.press("a", "Y", "p")
        assert {Path(line) for line in app.clipboard.splitlines()} == {stopped.path, other.run.path}
        await shown.press("Y", "f")
        names, *rows = app.clipboard.splitlines()
        assert names.startswith("state\tname")
        assert len(rows) == 2
        await shown.press("slash", "Y", "y")
        assert len(app.clipboard.splitlines()) == 3, "a line that is typed into copies nothing"
