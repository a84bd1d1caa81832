"""The time cursor of the training screen: everything on it as it was at a step."""

from __future__ import annotations

from typing import Any

import pytest
from shown import Shown

from vae_tui.runs.history import History
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events
from vae_tui.tui.screens.training import TrainingScreen
from vae_tui.tui.widgets.chart import Chart
from vae_tui.wording import format_nats


@pytest.fixture
def trained(trainer: Any, run: Run) -> Run:
    trainer.start()
    trainer.begin()
    for _ in range(6):
        trainer.train_epoch()
    trainer.finish("completed")
    return run


def at(run: Run, step: int) -> dict[str, str]:
    """What is on the screen of a moment."""
    history = History()
    for event in read_events(run.events_path):
        history.add(event)
    moment = history.at(step)
    return {
        "train": format_nats(moment.train["negative_elbo"]),
        "validation": format_nats(moment.validation["negative_elbo"]),
        "rate": f"{max(moment.rate_per_dimension):5.2f}",
        "samples": f"step {step}",
    }


def cursor(shown: Shown) -> int | None:
    screen = shown.app.screen
    assert isinstance(screen, TrainingScreen)
    return screen.look.at


async def test_the_cursor_goes_back_epoch_by_epoch_and_takes_all_panes_with_it(trained: Run, show: Any) -> None:
    async with show(trained, (160, 50)) as shown:
        await shown.press("left")
        assert cursor(shown) == 600
        await shown.press("left")
        await shown.settle()
        assert "as it was at step 480   epoch 4" in shown.text
        for text in at(trained, 480).values():
            assert text in shown.text


async def test_beyond_the_last_epoch_and_at_escape_is_now(trained: Run, show: Any) -> None:
    async with show(trained, (160, 50)) as shown:
        await shown.press("home")
        assert cursor(shown) == 120
        await shown.press("left")
        assert cursor(shown) == 120
        await shown.press("shift+right")
        assert cursor(shown) is None
        await shown.press("left", "escape")
        assert cursor(shown) is None
        assert "as it was" not in shown.text


@pytest.mark.parametrize(("axes", "typed", "step"), [(0, "245", 245), (1, "3", 360), (2, "9", 360), (0, "99999", None)])
async def test_a_number_that_is_typed_is_a_place_along_the_axis(
    trained: Run, show: Any, axes: int, typed: str, step: int | None
) -> None:
    async with show(trained, (160, 50)) as shown:
        await shown.press(*("x" for _ in range(axes)), *typed, "enter")
        assert cursor(shown) == step


async def test_what_is_no_number_is_refused(trained: Run, show: Any) -> None:
    async with show(trained, (160, 50)) as shown:
        await shown.press("3", "x", "enter")
        await shown.sees("is not a step, such as 1200")
        await shown.press("escape")
        assert cursor(shown) is None


async def test_from_between_epochs_the_cursor_goes_to_the_nearest_on_that_side(trained: Run, show: Any) -> None:
    async with show(trained, (160, 50)) as shown:
        await shown.press("3", "0", "0", "enter", "right")
        assert cursor(shown) == 360
        await shown.press("3", "0", "0", "enter", "left")
        assert cursor(shown) == 240


async def test_a_click_on_a_chart_goes_to_its_moment(trained: Run, show: Any) -> None:
    async with show(trained, (160, 50)) as shown:
        chart = shown.app.screen.query_one("#elbo", Chart)
        await shown.pilot.click("#elbo", offset=(chart.outer_size.width // 2, 5))
        await shown.pilot.pause()
        step = cursor(shown)
        assert step is not None
        assert 300 < step < 420
        # Beside the curves nothing happens.
        await shown.pilot.click("#elbo", offset=(2, 5))
        assert cursor(shown) == step


async def test_the_cursor_stays_while_training_goes_on(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.train_epoch()
    async with show(live_run, (160, 50)) as shown:
        await shown.press("left")
        assert cursor(shown) == 120
        trainer.train_epoch()
        await shown.until(lambda: "epoch 3/50" in shown.text)
        assert cursor(shown) == 120
        assert at(live_run, 120)["validation"] in shown.text


async def test_before_the_first_epoch_the_cursor_goes_by_reports(trainer: Any, run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch(steps=60)
    async with show(run, (160, 50)) as shown:
        await shown.press("left", "left")
        assert cursor(shown) == 48


async def test_without_a_report_the_keys_do_nothing(trainer: Any, run: Run, show: Any) -> None:
    trainer.start()
    async with show(run, (160, 50)) as shown:
        await shown.press("left", "home", "right", "end", "escape")
        assert cursor(shown) is None
