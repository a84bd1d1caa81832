"""How a reader says how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called with a stage, such as "decoding images", with how much of it is done, and with the total (None: unknown)."""


def paced(progress: Progress, *, interval_seconds: float = 0.1) -> Progress:
    """Pass on each stage's beginning and end, and between them at most one call an interval."""
    last_stage, last_time = "", 0.0

    def report(stage: str, done: int, total: int | None) -> None:
        nonlocal last_stage, last_time
        now = time.monotonic()
        if stage != last_stage or done == total or now - last_time >= interval_seconds:
            last_stage, last_time = stage, now
            progress(stage, done, total)

    return report
