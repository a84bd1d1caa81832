"""Work on many files at once: in threads, or in processes where threads would wait for each other."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_WORKERS = min(16, os.cpu_count() or 1)
_BLOCK = 64
_SECONDS_AT_ONCE = 0.02
_SECONDS_ALONE = 0.7e-3
"""Below so much an item threads only wait for Python's lock, and for each other's turns at it (benchmarks/LOG.md)."""
_SECONDS_TO_BEGIN = 0.15
"""What the first items may take more, for what is loaded then."""
_SECONDS_WORTH_PROCESSES = 1.0
"""Work that is left from which on starting processes, a fifth of a second, pays."""


def work_through(
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    in_processes: Callable[[Sequence[_Item]], Generator[_Result]] | None = None,
) -> Generator[_Result]:
    """The results in the order of the items, worked out a little ahead of what is asked for.

    What takes little, such as thumbnails, is done here, one after the other, or, where much of it is left, by
    `in_processes`; from the first items on that take longer, threads do it. Where it is left early, closed or interrupted,
    only what is being worked on is waited for.
    """
    coming = iter(items)
    patience = _SECONDS_TO_BEGIN
    while True:
        began, done = time.perf_counter(), 0
        for item in islice(coming, _BLOCK):
            yield work(item)
            done += 1
            if time.perf_counter() - began > _BLOCK * _SECONDS_ALONE + patience:
                yield from _work_in_threads(work, coming)
                return
        if done < _BLOCK:
            return
        # The first block says little: it waits for what is loaded then.
        if in_processes is not None and not patience:
            left = list(coming)
            if len(left) * (time.perf_counter() - began) / done > _SECONDS_WORTH_PROCESSES:
                yield from in_processes(left)
                return
            coming = iter(left)
        patience = 0.0


def _work_in_threads(work: Callable[[_Item], _Result], coming: Iterator[_Item]) -> Generator[_Result]:
    pool = ThreadPoolExecutor(_WORKERS)
    waiting: deque[Future[tuple[list[_Result], float]]] = deque()
    left = threading.Event()
    at_once = 1

    def work_on(some: Sequence[_Item]) -> tuple[list[_Result], float]:
        began, results = time.perf_counter(), []
        for item in some:
            if left.is_set():
                break
            results.append(work(item))
        return results, (time.perf_counter() - began) / len(some)

    try:
        while True:
            while len(waiting) < 8 * _WORKERS and (some := list(islice(coming, at_once))):
                waiting.append(pool.submit(work_on, some))
            if not waiting:
                return
            results, seconds = waiting.popleft().result()
            yield from results
            at_once = max(1, min(_BLOCK, int(_SECONDS_AT_ONCE / max(1e-9, seconds))))
    finally:
        left.set()
        pool.shutdown(cancel_futures=True)
