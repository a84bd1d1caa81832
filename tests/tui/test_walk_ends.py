"""Walks that cannot begin: each ends with why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from textual.pilot import Pilot

from vae_tui.errors import CheckpointError
from vae_tui.model.checkpoint import encode_tensors
from vae_tui.runs.layout import Run
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.walk import WalkScreen

pytestmark = pytest.mark.slow


async def until_it_ends(app: VaeTuiApp, pilot: Pilot[Any]) -> None:
    while app.is_running and app.return_code is None:
        await pilot.pause(0.05)


async def test_a_file_that_holds_no_vae_is_refused(walked_run: Run, tmp_path: Path) -> None:
    state = tmp_path / "state-000000001.safetensors"
    state.write_bytes(encode_tensors({"a": torch.zeros(1)}, {"step": 1}))
    with pytest.raises(CheckpointError, match="holds no VAE"):
        VaeTuiApp(WalkScreen(state))


async def test_a_checkpoint_that_goes_before_it_is_open_ends_the_walk_with_why(walked_run: Run) -> None:
    app = VaeTuiApp(WalkScreen(walked_run.latest().path))
    async with app.run_test(size=(80, 24)) as pilot:
        walked_run.latest().path.unlink()
        await until_it_ends(app, pilot)
    assert app.return_code == 2


async def test_a_walk_that_fails_while_its_help_is_open_ends_as_where_it_began(walked_run: Run) -> None:
    app = VaeTuiApp(WalkScreen(walked_run.latest().path))
    async with app.run_test(size=(80, 24)) as pilot:
        walked_run.latest().path.unlink()
        await pilot.press("question_mark")
        await until_it_ends(app, pilot)
    assert app.return_code == 2
