"""A run, its trainer, and the app on it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fake_trainer import FakeTrainer
from shown import Shown

from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import acquire_lock, release_lock
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.training import TrainingScreen


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "checkpoints", "beta1-20260101-120000", "", exact=True)


@pytest.fixture
def trainer(run: Run) -> FakeTrainer:
    return FakeTrainer(run)


@pytest.fixture
def live_run(run: Run) -> Iterator[Run]:
    """The run, held by this process as if it trained it."""
    acquire_lock(run.path)
    yield run
    release_lock(run.path)


@pytest.fixture(autouse=True)
def terminal_with_colors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture
def show() -> Callable[..., AbstractAsyncContextManager[Shown]]:
    @asynccontextmanager
    async def show(
        run: Run, size: tuple[int, int] = (120, 40), feed: RunFeed | None = None, **given: Any
    ) -> AsyncIterator[Shown]:
        app = VaeTuiApp(TrainingScreen(feed or RunFeed(run)), **given)
        async with app.run_test(size=size) as pilot:
            shown = Shown(app, pilot)
            await shown.settle()
            yield shown

    return show


@pytest.fixture
def make_trainer() -> type[FakeTrainer]:
    return FakeTrainer
