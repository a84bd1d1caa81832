"""What the benchmarks share: turns taken one after the other, medians and ratios of them, tables and JSON."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import psutil

_QUIET_CORES = 0.25

Turn = Callable[[], dict[str, Any]]


class Unavailable(Exception):
    """This contestant cannot take part; the text says why, and what to do about it."""


def take_turns(contestants: Mapping[str, Turn], rounds: int) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """What each contestant measured in each round, and why some are missing.

    Rounds go A B C, A B C, ..., so that a machine that slows down slows all of them. `cores_taken_before` is how many
    cores other programs kept busy just before a turn: figures of a busy machine are about that machine.
    """
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in contestants}
    skipped: dict[str, str] = {}
    for number in range(1, rounds + 1):
        for name, turn in contestants.items():
            if name in skipped:
                continue
            taken = psutil.cpu_percent(0.5) / 100 * (psutil.cpu_count() or 1)
            try:
                found = turn() | {"cores_taken_before": taken}
            except Unavailable as reason:
                skipped[name] = str(reason)
                del measured[name]
                say(f"{name}: skipped: {reason}")
                continue
            measured[name].append(found)
            shown = "  ".join(f"{key} {show(value)}" for key, value in found.items() if isinstance(value, float))
            say(f"round {number} of {rounds}  {name}: {shown}")
    taken_most = max((found["cores_taken_before"] for rounds_ in measured.values() for found in rounds_), default=0.0)
    if taken_most > _QUIET_CORES:
        say(f"this machine was not quiet: before some turn other programs kept {taken_most:.1f} cores busy")
    return measured, skipped


def paired_ratio(ours: Sequence[float | None], theirs: Sequence[float | None]) -> float | None:
    """The median over the rounds of ours by theirs, of the same round: what slowed both leaves it alone."""
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
    return median(a / b for a, b in pairs) if pairs else None


def middle(values: Sequence[float | None]) -> float | None:
    """The median of what was measured; None where most rounds have nothing."""
    known = [value for value in values if value is not None]
    return median(known) if 2 * len(known) > len(values) else None


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns set apart by spaces: the first to the left, numbers to the right."""
    cells = [[show(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [
        "  ".join(cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in ([*zip(row, widths, strict=True)] for row in cells)
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def show(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) < 1 else f"{value:.2f}"
    return str(value)


def say(line: str) -> None:
    """Progress, beside the table that goes to stdout."""
    print(line, file=sys.stderr, flush=True)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    packages = {}
    for name in ("vae-tui", "torch", "pythae", "lightning"):
        with contextlib.suppress(Exception):
            packages[name] = version(name)
    return {
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_average": os.getloadavg(),
        "python": platform.python_version(),
        "packages": packages,
        "command": " ".join(sys.argv),
    }


def write(out: Path | None, **found: Any) -> None:
    """Everything measured, as JSON."""
    if out is not None:
        out.write_text(json.dumps({"machine": machine(), **found}, indent=2) + "\n")
        say(f"written to {out}")


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """As many other programs that want a core each."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
