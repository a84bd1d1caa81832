"""What this machine offers a trainer, as one line of JSON: `python -m vae_tui.training.environment [DATA_ROOT]`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import psutil
import torch

from vae_tui.data.inventory import list_sets
from vae_tui.data.load import default_data_root
from vae_tui.device import choose_device, multiplies_bfloat16
from vae_tui.runs.files import user_path
from vae_tui.training.waiting import Waiting


def describe_environment(data_root: Path) -> dict[str, Any]:
    """Facts of torch, its devices, its threads and the image sets there are; sizes in bytes."""
    return {
        "torch": torch.__version__,
        "built_for_cuda": torch.version.cuda,
        "device": str(choose_device("auto")),
        "gpus": _list_gpus(),
        "nvidia_driver": _has_nvidia_driver(),
        "mps": torch.backends.mps.is_available(),
        "threads": torch.get_num_threads(),
        "waiting": "; ".join(Waiting(torch.get_num_threads()).notes),
        "cores": len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count(),
        "physical_cores": psutil.cpu_count(logical=False),
        "processor": torch.backends.cpu.get_cpu_capability(),
        "multiplies_bfloat16": multiplies_bfloat16(),
        "busy_cores": os.getloadavg()[0],
        "variables": {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ},
        "memory_bytes": psutil.virtual_memory().total,
        "available_bytes": psutil.virtual_memory().available,
        "data_root": str(data_root),
        "sets": list_sets(data_root),
    }


def _list_gpus() -> list[dict[str, Any]]:
    if not torch.cuda.is_available():
        return []
    found = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        free, total = torch.cuda.mem_get_info(index)
        found.append({"name": properties.name, "memory_bytes": total, "free_bytes": free})
    return found


def _has_nvidia_driver() -> bool:
    import pynvml  # noqa: PLC0415 - its absence of a driver is an answer, not an error

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return False
    return bool(pynvml.nvmlDeviceGetCount())


if __name__ == "__main__":
    try:
        facts = describe_environment(user_path(sys.argv[1]) if len(sys.argv) > 1 else default_data_root())
    except Exception as error:  # whatever it is, torch is here already
        facts = {"problem": f"{type(error).__name__}: {error}"}
    print(json.dumps(facts))  # noqa: T201 this is what it is for
