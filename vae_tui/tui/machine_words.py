"""What a moment of a run tells of the machine and of where its time goes, for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from vae_tui.runs.history import Moment
from vae_tui.runs.machine import STEP_PARTS
from vae_tui.wording import MISSING, format_bytes, format_percent

Row = tuple[str, str]
_PARTS: Mapping[str, str] = {
    "data": "taking batches and drawing noise",
    "gradients": "forward and backward pass",
    "update": "the optimizer",
    "step": "forward and backward pass and the optimizer, on the device",
    "validation": "after each epoch",
    "rest": "checkpoints, pictures, events",
}


def step_rows(moment: Moment) -> list[Row]:
    """Each part of a step with its share and what it is; none where that was not measured."""
    seconds = {part: moment.train.get(f"{part}_seconds") for part in STEP_PARTS}
    known = {part: value for part, value in seconds.items() if value is not None}
    whole = sum(known.values())
    return [
        (part, f"{100 * value / whole:3.0f} %  {_milliseconds(value):>9}   {_PARTS[part]}")
        for part, value in known.items()
        if whole > 0
    ]


def machine_rows(moment: Moment) -> list[Row]:
    """Each figure of the machine that is known."""
    return list(_machine(moment.train))


def format_celsius(value: float | None) -> str:
    """A temperature: 64 °C."""
    return MISSING if value is None else f"{value:.0f} °C"


def format_watts(value: float | None) -> str:
    """A power: 250 W."""
    return MISSING if value is None else f"{value:.0f} W"


def _machine(figures: Mapping[str, float | None]) -> Iterator[Row]:
    if figures.get("cpu_percent") is not None:
        yield "cpu", f"{format_percent(figures['cpu_percent'])} of one core"
    if figures.get("rss_bytes") is not None:
        yield "memory", f"{format_bytes(figures['rss_bytes'])} of the trainer's process"
    gpu = [show(figures[name]) for name, show in _GPU.items() if figures.get(name) is not None]
    if gpu:
        yield "gpu", ", ".join(gpu)
    if figures.get("disk_free_bytes") is not None:
        yield "disk", f"{format_bytes(figures['disk_free_bytes'])} free where the run is"
    if figures.get("disk_written_bytes") is not None:
        yield "written", f"{format_bytes(figures['disk_written_bytes'])} by the trainer so far"


_GPU: Mapping[str, Callable[[float | None], str]] = {
    "gpu_percent": lambda value: f"{format_percent(value)} busy",
    "gpu_memory_bytes": lambda value: f"{format_bytes(value)} in use",
    "gpu_celsius": format_celsius,
    "gpu_watts": format_watts,
}


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"
