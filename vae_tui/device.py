"""Which device a run trains on."""

from __future__ import annotations

import os
import re
from pathlib import Path

import torch

from vae_tui.errors import DeviceError


def choose_device(wanted: str) -> torch.device:
    """The device for "auto" (CUDA where there is one, else the CPU), "cpu", "cuda", "cuda:N" or "mps".

    Raises DeviceError where it is not there.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cpu":
        return torch.device("cpu")
    if match := re.fullmatch(r"cuda(?::(\d+))?", wanted):
        if not torch.cuda.is_available():
            built = "was built without CUDA" if torch.version.cuda is None else "finds no usable NVIDIA GPU and driver"
            raise DeviceError(f"--device {wanted}: this torch ({torch.__version__}) {built}; use --device cpu or auto")
        index = int(match[1] or 0)
        if index >= torch.cuda.device_count():
            last = torch.cuda.device_count() - 1
            raise DeviceError(f"--device {wanted}: the GPUs here are cuda:0 to cuda:{last}")
        return torch.device("cuda", index)
    if wanted == "mps":
        if not torch.backends.mps.is_available():
            raise DeviceError("--device mps: there is no Apple GPU here; use --device cpu or auto")
        return torch.device("mps")
    raise DeviceError(f"--device {wanted}: expected auto, cpu, cuda, cuda:N or mps")


def choose_devices(wanted: str, count: int) -> list[str]:
    """The devices of `count` processes on this machine: as many GPUs, or the CPU for each.

    Raises DeviceError where there are too few.
    """
    first = choose_device(wanted)
    cores = os.cpu_count() or 1
    if first.type == "cpu" and count > 2 * cores:
        raise DeviceError(f"{count} processes are wanted on {cores} cores; expected at most two a core")
    if first.type == "cpu" or count == 1:
        return [str(first)] * count
    if first.type != "cuda" or first.index is not None:
        raise DeviceError(f"--device {wanted} is one device, and {count} are wanted; expected auto, cpu or cuda")
    if count > torch.cuda.device_count():
        raise DeviceError(f"{count} devices are wanted, and this machine has {torch.cuda.device_count()} GPUs")
    return [f"cuda:{index}" for index in range(count)]


def set_precision(precision: str) -> None:
    """Have this process multiply float32 as a recipe's [train] precision says: as it is, or as TF32 where there is it.

    Numbers below 1e-38 become 0: Adam's moments of what is never used decay to them, and the CPU takes many times as
    long for each (benchmarks/LOG.md).
    """
    torch.set_flush_denormal(True)
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def multiplies_bfloat16(listing: Path = Path("/proc/cpuinfo")) -> bool | None:
    """Whether Linux lists products in bfloat16 among what the processor does (AVX-512 BF16, AMX, ARM's); None: not known."""
    if not listing.exists():
        return None
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(listing.read_text().split())


def device_name(device: torch.device) -> str:
    """What to call a device on screen: "cpu", or the GPU's name."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)
