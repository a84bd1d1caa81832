"""Where a step's time goes and how the machine is, in words."""

from __future__ import annotations

from typing import Any

import pytest

from vae_tui.runs.history import Moment
from vae_tui.runs.layout import Run
from vae_tui.tui.machine_words import machine_rows, step_rows


def test_each_part_of_a_step_has_its_share() -> None:
    moment = Moment(train={"data_seconds": 0.001, "gradients_seconds": 0.003, "update_seconds": None})
    assert step_rows(moment) == [
        ("data", " 25 %       1 ms   taking batches and drawing noise"),
        ("gradients", " 75 %       3 ms   forward and backward pass"),
    ]
    assert step_rows(Moment()) == []


def test_the_machine_is_told_as_far_as_it_is_known() -> None:
    moment = Moment(train={"gpu_percent": 87.0, "gpu_celsius": 64.0, "gpu_watts": None, "disk_free_bytes": 3 << 30})
    assert machine_rows(moment) == [("gpu", "87 % busy, 64 °C"), ("disk", "3.0 GiB free where the run is")]
    assert machine_rows(Moment()) == []


@pytest.mark.slow
async def test_the_help_tells_where_the_time_goes(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.gpu = {"gpu_percent": 87.0, "gpu_memory_bytes": 12 << 30, "gpu_celsius": 64.0, "gpu_watts": 250.4}
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    async with show(live_run, (200, 80)) as shown:
        assert "64 °C" in shown.lines[-3]
        assert "250 W" in shown.lines[-3]
        await shown.press("question_mark")
        await shown.sees("Where a step's time goes")
        assert "65 %" in shown.text
        assert "48.0 GiB free where the run is" in shown.text
        assert "87 % busy, 12.0 GiB in use, 64 °C, 250 W" in shown.text
    async with show(live_run, (80, 24)) as shown:
        for name in ("−ELBO", "step", "gpu", "images/s"):
            assert name in shown.lines[-4]
