"""How many runs of a sweep train at once on this machine, on which devices, and on how many threads each."""

from __future__ import annotations

import os

from vae_tui.errors import VaeTuiError


def count_cores() -> int:
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def choose_places(device: str, jobs: int | None, threads: int) -> list[str]:
    """The device of each run that trains at the same time, `jobs` of them, or as many as there is room for.

    On GPUs that is a run each, on a CPU as many as its cores allow with so many `threads` a run. Raises VaeTuiError for
    fewer than one.
    """
    if jobs is not None and jobs < 1:
        raise VaeTuiError(f"--jobs {jobs}: expected 1 or more")
    gpus = _count_gpus() if device in ("auto", "cuda") else 0
    if gpus:
        return [f"cuda:{index % gpus}" for index in range(jobs or gpus)]
    if device in ("auto", "cpu"):
        return ["cpu"] * (jobs or max(1, count_cores() // threads))
    return [device] * (jobs or 1)


def _count_gpus() -> int:
    """The NVIDIA GPUs that processes started here see, without torch."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return len([one for one in visible.split(",") if one.strip() not in ("", "-1", "NoDevFiles")])
    import pynvml  # noqa: PLC0415 - only where a sweep starts

    try:
        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:
        return 0
