"""How many CPU threads a run takes: measured, not assumed, since a busy or shared machine can be slower with more."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import torch

_ROUNDS = 5
_SECONDS_PER_TURN = 0.04
_LEAST_GAIN = 1.05
"""More threads must be this much faster than fewer: they are taken from the screen and from others."""


def time_threads(step: Callable[[], None], *, most: int) -> dict[int, float]:
    """Seconds a step takes with 1, 2, 4 ... and `most` threads, by turns, so that what else runs meets all alike.

    `step` may change what it likes; the number of threads is left as the last turn had it.
    """
    candidates = [count for count in (2**power for power in range(11)) if count < most] + [most]
    seconds: dict[int, list[float]] = {count: [] for count in candidates}
    for _ in range(_ROUNDS):
        for count in candidates:
            torch.set_num_threads(count)
            step()
            began, steps = time.perf_counter(), 0
            while (passed := time.perf_counter() - began) < _SECONDS_PER_TURN or not steps:
                step()
                steps += 1
            seconds[count].append(passed / steps)
    return {count: statistics.median(taken) for count, taken in seconds.items()}


def choose(seconds: Mapping[int, float]) -> int:
    """The fewest threads that no larger number clearly beats."""
    best = min(seconds.values())
    return min(count for count, taken in seconds.items() if taken < best * _LEAST_GAIN)
