"""What the trainer's process takes of the machine."""

from __future__ import annotations

import time
from typing import Any

import psutil
import torch


class Resources:
    """Reads processor, memory and GPU figures of this process, at most once a second."""

    def __init__(self, device: torch.device) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()
        everyone = range(len(psutil.cpu_percent(percpu=True)))
        self._cores = self._process.cpu_affinity() if hasattr(self._process, "cpu_affinity") else list(everyone)
        self._gpu = _open_gpu(device)
        self._latest: dict[str, Any] = {}
        self._next = 0.0
        self.others: float | None = None
        """How many cores of this process other programs keep busy; None until it is known."""

    @property
    def cores(self) -> int:
        """How many this process may use."""
        return len(self._cores)

    def read(self) -> dict[str, Any]:
        """`cpu_percent` (100 is one core), `rss_bytes`, and on CUDA `gpu_percent` and `gpu_memory_bytes`."""
        if time.monotonic() >= self._next:
            first = not self._latest
            self._next = time.monotonic() + 1
            ours, everyone = self._process.cpu_percent(), psutil.cpu_percent(percpu=True)
            if not first:
                self.others = max(0.0, sum(everyone[core] for core in self._cores) - ours) / 100
            self._latest = {
                "cpu_percent": None if first else ours,
                "rss_bytes": self._process.memory_info().rss,
            }
            if self._gpu is not None:
                import pynvml  # noqa: PLC0415 - only where there is an NVIDIA driver to ask

                self._latest["gpu_percent"] = float(pynvml.nvmlDeviceGetUtilizationRates(self._gpu).gpu)
                self._latest["gpu_memory_bytes"] = int(pynvml.nvmlDeviceGetMemoryInfo(self._gpu).used)
        return self._latest


def _open_gpu(device: torch.device) -> Any | None:
    if device.type != "cuda":
        return None
    import pynvml  # noqa: PLC0415 - only where there is an NVIDIA driver to ask

    try:
        pynvml.nvmlInit()
        uuid = torch.cuda.get_device_properties(device).uuid
        return pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
    except pynvml.NVMLError:
        return None
