"""Work on many files at once, in threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_WORKERS = min(16, os.cpu_count() or 1)


def work_through(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Generator[_Result]:
    """The results in the order of the items, worked out a little ahead of what is asked for.

    Where it is left early, closed or interrupted, only what is being worked on is waited for.
    """
    pool = ThreadPoolExecutor(_WORKERS)
    waiting: deque[Future[_Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= 8 * _WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
