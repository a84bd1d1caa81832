"""What the trainer's process takes of the machine."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import torch

_BUSY = ("user", "nice", "system", "irq", "softirq", "steal", "interrupt", "dpc")
"""What a core does when it is not idle, as systems name it; "steal": what other virtual machines have taken."""


class OtherPrograms:
    """How busy others keep the cores that this process may use when this is made: later its threads may share one."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        everyone = range(len(psutil.cpu_times(percpu=True)))
        self._cores = self._process.cpu_affinity() if hasattr(self._process, "cpu_affinity") else list(everyone)
        self._before = self._seconds()

    @property
    def cores(self) -> int:
        """How many this process may use."""
        return len(self._cores)

    def read(self) -> tuple[float, float]:
        """How many cores this process took since it was read last, and how many others kept busy."""
        before, self._before = self._before, self._seconds()
        passed, ours, everyone = (after - since for after, since in zip(self._before, before, strict=True))
        return ours / max(1e-9, passed), max(0.0, everyone - ours) / max(1e-9, passed)

    def _seconds(self) -> tuple[float, float, float]:
        """What the clock shows, and how long this process, and all, have kept the cores busy."""
        cores, ours = psutil.cpu_times(percpu=True), self._process.cpu_times()
        everyone = sum(sum(getattr(cores[core], kind, 0.0) for kind in _BUSY) for core in self._cores)
        return time.monotonic(), ours.user + ours.system, everyone


class Resources:
    """Reads processor, memory and GPU figures of this process, at most once a second."""

    def __init__(self, device: torch.device, folder: Path, programs: OtherPrograms) -> None:
        """`folder` is the run's, on whose disk there must be room."""
        self._folder = folder
        self._process = psutil.Process()
        self._programs = programs
        self._gpu = open_gpu(device)
        self._latest: dict[str, Any] = {}
        self._next = 0.0
        self.others: float | None = None
        """How many cores of this process other programs keep busy; None until it is known."""

    @property
    def cores(self) -> int:
        """How many this process may use."""
        return self._programs.cores

    def read(self) -> dict[str, Any]:
        """The fields of `StepCompleted` that tell of the machine; `cpu_percent` is 100 for one core."""
        if time.monotonic() >= self._next:
            first = not self._latest
            self._next = time.monotonic() + 1
            ours, others = self._programs.read()
            if not first:
                self.others = others
            self._latest = {
                "cpu_percent": None if first else 100 * ours,
                "rss_bytes": self._process.memory_info().rss,
                "disk_free_bytes": _free_bytes(self._folder),
                "disk_written_bytes": self._written_bytes(),
                **(self._gpu.read() if self._gpu is not None else {}),
            }
        return self._latest

    def _written_bytes(self) -> int | None:
        """What this process had written to disks; not every system tells."""
        try:
            return int(self._process.io_counters().write_bytes)
        except (AttributeError, psutil.Error, OSError):
            return None


class Gpu:
    """What the driver tells of a GPU, through `nvml`, the module pynvml; whatever it does not know of one is None."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle

    def read(self) -> dict[str, float | int | None]:
        """Load, memory, temperature and power, as fields of `StepCompleted`."""
        nvml = self._nvml
        load = self._ask(nvml.nvmlDeviceGetUtilizationRates)
        memory = self._ask(nvml.nvmlDeviceGetMemoryInfo)
        celsius = self._ask(nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU)
        milliwatts = self._ask(nvml.nvmlDeviceGetPowerUsage)
        return {
            "gpu_percent": None if load is None else float(load.gpu),
            "gpu_memory_bytes": None if memory is None else int(memory.used),
            "gpu_celsius": None if celsius is None else float(celsius),
            "gpu_watts": None if milliwatts is None else milliwatts / 1000,
        }

    def _ask(self, question: Callable[..., Any], *more: Any) -> Any:
        try:
            return question(self._handle, *more)
        except self._nvml.NVMLError:
            return None


def _free_bytes(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def open_gpu(device: torch.device) -> Gpu | None:
    """The GPU that is trained on; None where it is none of NVIDIA's, or its driver tells nothing."""
    if device.type != "cuda":
        return None
    import pynvml  # noqa: PLC0415 - only where there is an NVIDIA driver to ask

    try:
        pynvml.nvmlInit()
        uuid = torch.cuda.get_device_properties(device).uuid
        return Gpu(pynvml, pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}"))
    except pynvml.NVMLError:
        return None
