"""What reports tell of the machine, and of where the time of training goes."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.runs.layout import Run, weights_name
from vae_tui.training.disk_space import DiskSpace
from vae_tui.training.resources import Gpu, OtherPrograms, Resources
from vae_tui.training.stopwatch import Stopwatch


class FakeNvml:
    """The module pynvml on a machine with a GPU that knows what `known` says."""

    NVML_TEMPERATURE_GPU = 0

    class NVMLError(Exception):
        pass

    def __init__(self, **known: Any) -> None:
        self._known = known

    def _answer(self, name: str) -> Any:
        if name not in self._known:
            raise self.NVMLError("Not Supported")
        return self._known[name]

    def nvmlDeviceGetUtilizationRates(self, handle: object) -> Any:
        return SimpleNamespace(gpu=self._answer("percent"))

    def nvmlDeviceGetMemoryInfo(self, handle: object) -> Any:
        return SimpleNamespace(used=self._answer("used"))

    def nvmlDeviceGetTemperature(self, handle: object, sensor: int) -> Any:
        assert sensor == self.NVML_TEMPERATURE_GPU
        return self._answer("celsius")

    def nvmlDeviceGetPowerUsage(self, handle: object) -> Any:
        return self._answer("milliwatts")


def test_a_gpu_tells_load_memory_temperature_and_power() -> None:
    nvml = FakeNvml(percent=87, used=12 << 30, celsius=64, milliwatts=250_400)
    assert Gpu(nvml, object()).read() == {
        "gpu_percent": 87.0,
        "gpu_memory_bytes": 12 << 30,
        "gpu_celsius": 64.0,
        "gpu_watts": 250.4,
    }


def test_what_a_gpu_does_not_know_ends_nothing() -> None:
    read = Gpu(FakeNvml(percent=87, used=1), object()).read()
    assert (read["gpu_percent"], read["gpu_celsius"], read["gpu_watts"]) == (87.0, None, None)


def test_the_disk_of_the_run_is_looked_at(tmp_path: Path) -> None:
    read = Resources(torch.device("cpu"), tmp_path, OtherPrograms()).read()
    assert read["disk_free_bytes"] > 0
    assert "gpu_percent" not in read
    assert Resources(torch.device("cpu"), tmp_path / "gone", OtherPrograms()).read()["disk_free_bytes"] is None


def test_a_disk_that_gets_full_is_noted_once_and_once_more_when_there_is_room(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "mine", "", exact=True)
    disk = DiskSpace(run)
    assert disk.look(0) is None, "nothing was saved yet, so nobody knows what a checkpoint takes"
    (run.path / weights_name(10)).write_bytes(bytes(3 << 20))
    (run.path / "state-000000010.safetensors").write_bytes(bytes(6 << 20))
    assert disk.look(20 << 20) is None
    said = disk.look(17 << 20)
    assert said is not None
    assert said.startswith(f"17 MiB are free on the disk of {run.path}, and a checkpoint takes 9 MiB")
    assert disk.look(16 << 20) is None
    assert disk.look(20 << 20) == f"20 MiB are free on the disk of {run.path} again"


def test_a_stopwatch_adds_up_what_each_part_takes() -> None:
    began = time.perf_counter()
    stopwatch = Stopwatch()
    for part in ("data", "gradients", "update", "rest", "data", "wait"):
        stopwatch.lap(part)
    taken = stopwatch.take(1)
    assert list(taken) == ["data", "gradients", "update", "rest"]
    assert sum(value or 0.0 for value in taken.values()) <= time.perf_counter() - began + 1e-6
    assert stopwatch.take(1) == {}


def test_steps_that_are_one_launch_are_timed_as_a_whole() -> None:
    stopwatch = Stopwatch(whole=True)
    for part in ("data", "gradients", "update", "wait"):
        stopwatch.lap(part)
    assert list(stopwatch.take(1)) == ["data", "step"]


def test_a_pause_is_no_part_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("vae_tui.training.stopwatch.perf_counter", lambda: now)
    stopwatch = Stopwatch()
    now = 100.0
    stopwatch.leave_out()
    now = 101.0
    stopwatch.lap("data")
    assert stopwatch.take(4) == {"data": 0.25}


@pytest.mark.slow
def test_reports_say_where_the_time_goes(make_run: MakeRun) -> None:
    run = make_run("train.epochs=40")
    events = list(train_events(run))
    reports = [event for event in events if isinstance(event, ev.StepCompleted)]
    assert reports
    for report in reports:
        assert set(report.seconds_per_step) <= {"data", "gradients", "update", "validation", "rest"}
        assert {"data", "gradients", "update"} <= report.seconds_per_step.keys()
        assert (report.disk_free_bytes or 0) > 0
    timed = sum(report.steps * sum(value or 0.0 for value in report.seconds_per_step.values()) for report in reports)
    began = next(event.time for event in events if isinstance(event, ev.TrainingStarted))
    assert timed <= reports[-1].time - began + 1.0
