"""Pictures of the whole screen, for the eye of whoever changes it: pytest --snapshot-update, then look at them."""

from __future__ import annotations

from typing import Any

import pytest
from shown import rest

from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.training import TrainingScreen


@pytest.fixture
def snap(snap_compare: Any) -> Any:
    def snap(run: Run, size: tuple[int, int], *, now: float, press: tuple[str, ...] = (), **given: Any) -> bool:
        async def settle(pilot: Any) -> None:
            await pilot.pause()
            await rest(pilot.app)
            await pilot.pause(0.2)
            await rest(pilot.app)
            await pilot.press(*press)
            await pilot.pause(0.2)

        app = VaeTuiApp(TrainingScreen(RunFeed(run, clock=lambda: now)), **given)
        return bool(snap_compare(app, terminal_size=size, run_before=settle))

    return snap


@pytest.fixture
def training(trainer: Any, live_run: Run) -> Any:
    trainer.start()
    trainer.begin()
    for _ in range(11):
        trainer.train_epoch()
    trainer.train_epoch(steps=60)
    return trainer


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_training(snap: Any, training: Any, size: tuple[int, int]) -> None:
    assert snap(training.run, size, now=0.0)


def test_training_on_a_folder_with_other_files(snap: Any, trainer: Any, live_run: Run) -> None:
    trainer.start()
    trainer.begin(data_notes=("not used: 12 .heic (a.heic, b.heic, c.heic and 9 more), 3 .txt (x.txt)",))
    for _ in range(11):
        trainer.train_epoch()
    assert snap(trainer.run, (80, 24), now=0.0)


def test_training_in_ascii(snap: Any, training: Any) -> None:
    assert snap(training.run, (120, 40), now=0.0, images="ascii")


def test_starting(snap: Any, trainer: Any, live_run: Run) -> None:
    trainer.start()
    trainer.prepare("importing torch", 0.2)
    trainer.prepare("downloading train images", 2.1, 1_000_000, 9_912_422)
    trainer.prepare("downloading train images", 3.3, 6_300_000, 9_912_422)
    assert snap(live_run, (80, 24), now=trainer.began + 8.0)


def test_question_on_quitting(snap: Any, training: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(training.run.path.parent.parent)
    assert snap(training.run, (80, 24), now=0.0, press=("q",))


@pytest.mark.slow
def test_help(snap: Any, training: Any) -> None:
    assert snap(training.run, (80, 24), now=0.0, press=("question_mark",))
