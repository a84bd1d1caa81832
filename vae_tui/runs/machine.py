"""What a report of the trainer tells of the machine, and of where its time goes, by the names that figures have."""

from __future__ import annotations

from collections.abc import Mapping

from vae_tui.events import StepCompleted

MACHINE = (
    *("cpu_percent", "rss_bytes", "gpu_percent", "gpu_memory_bytes", "gpu_celsius", "gpu_watts"),
    *("disk_free_bytes", "disk_written_bytes"),
)
STEP_PARTS = ("data", "gradients", "update", "step", "validation", "rest")
"""Of `seconds_per_step`, in the order of a step; `step` stands for gradients and update where they are not told apart."""
STEP_SECONDS = tuple(f"{part}_seconds" for part in STEP_PARTS)


def machine_figures(event: StepCompleted) -> Mapping[str, float | int | None]:
    """The figures of `MACHINE` and `STEP_SECONDS`; None for what is not known."""
    parts = {f"{part}_seconds": event.seconds_per_step.get(part) for part in STEP_PARTS}
    return {name: getattr(event, name) for name in MACHINE} | parts
