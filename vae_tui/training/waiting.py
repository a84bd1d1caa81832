"""How the threads of a step wait for each other: awake on a quiet machine, asleep on one core on a busy one.

Threads that spin between two pieces of work are half as fast again as threads that have to be woken. Where other programs
want the cores, though, one that spins holds the core that the thread it waits for would need, and a step takes a hundred times
as long (benchmarks/LOG.md). What is computed is the same in either case, bit for bit: it depends on how many threads
there are, not on how they wait, nor where.

torch's threads on Linux are those of libgomp. It reads from the environment how long they spin (`SPINNING` of runs.job), but
has them do so only while it knows of no more threads than there are cores; with more they spin "throttled", which is not at all under
OMP_WAIT_POLICY=PASSIVE (gcc, libgomp/config/linux/wait.h). So a team of threads that have nothing to do sends the others to sleep,
for as long as it is there.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections import deque
from collections.abc import Collection
from pathlib import Path
from statistics import fmean
from typing import Literal

from vae_tui.runs.job import is_trainer, is_waiting_chosen

_CROWDED, _QUIET = 0.35, 0.2
"""Cores that others take from ours: from which on the machine is busy, and below which, on the mean, it is quiet."""
_QUIET_READINGS = 3

How = Literal["awake", "asleep", "on one core"]


class Waiting:
    """Has the threads of this process wait as fits the machine and the moment, once it is told how busy others are."""

    def __init__(self, threads: int) -> None:
        """For so many threads that do the work of a step."""
        self._threads = threads
        self._cores = tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()
        self._library = _find_libgomp() if threads > 1 and not is_waiting_chosen(os.environ) else None
        self._idle_team: _IdleTeam | None = None
        self._moved = False
        self._latest: deque[float] = deque(maxlen=_QUIET_READINGS)

    @property
    def can_change(self) -> bool:
        """Whether there are several threads, which are libgomp's, and the user has not said how they are to wait."""
        return self._library is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """How the threads wait, in a sentence, where that changes."""
        if not self.can_change:
            return ()
        busy = "share a core" if self._shares_a_core else "sleep while they wait"
        return (
            f"{self._threads} threads spin while they wait for each other, and {busy} while other programs need the cores; "
            "OMP_WAIT_POLICY or GOMP_SPINCOUNT sets it",
        )

    @property
    def how(self) -> How:
        """How the threads wait now."""
        if self._idle_team is None:
            return "awake"
        return "on one core" if self._moved else "asleep"

    def look(self, taken: float) -> None:
        """Change, where others have come or gone: they keep `taken` cores busy of those that this process may use."""
        in_the_way = taken - (len(self._cores) - self._threads)
        self._latest.append(in_the_way)
        if in_the_way > _CROWDED:
            self.make_way()
        elif len(self._latest) == _QUIET_READINGS and fmean(self._latest) < _QUIET and max(self._latest) <= _CROWDED:
            self.stay_awake()

    def make_way(self) -> None:
        """Sleep while waiting; two threads also share a core, on which each wakes the other at once."""
        if self._library is not None and self._idle_team is None:
            self.sleep()
            if self._shares_a_core:
                _move_threads({self._cores[-1]})
                self._moved = True

    def sleep(self) -> None:
        """Sleep while waiting, on whichever cores there are."""
        if self._library is not None and self._idle_team is None:
            self._idle_team = _IdleTeam(self._library, len(self._cores) - self._threads + 2)

    def stay_awake(self) -> None:
        """Spin while waiting, and use all cores."""
        if self._idle_team is None:
            return
        if self._moved:
            _move_threads(set(self._cores))
            self._moved = False
        self._idle_team.close()
        self._idle_team = None

    @property
    def _shares_a_core(self) -> bool:
        # Not in a notebook, whose other threads are not ours to move.
        return is_trainer(os.environ) and self._threads == len(self._cores) == 2


class _IdleTeam:
    """Threads of libgomp that do nothing and so make more of them than there are cores."""

    def __init__(self, library: ctypes.CDLL, count: int) -> None:
        self._over = threading.Event()
        there = threading.Event()
        # A team lives as long as the thread that it was made by.
        self._thread = threading.Thread(target=self._gather, args=(library, count, there), daemon=True)
        self._thread.start()
        there.wait()

    def _gather(self, library: ctypes.CDLL, count: int, there: threading.Event) -> None:
        # What the threads are to do changes nothing; a function of Python would have them all wait for its lock.
        nothing = ctypes.cast(library.omp_get_thread_num, ctypes.c_void_p)
        library.GOMP_parallel(nothing, None, ctypes.c_uint(count), ctypes.c_uint(0))
        there.set()
        self._over.wait()

    def close(self) -> None:
        self._over.set()
        self._thread.join()


def _find_libgomp() -> ctypes.CDLL | None:
    """The libgomp that torch has loaded; None where its threads are others'."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return None
    paths = dict.fromkeys(line.split(maxsplit=5)[5] for line in lines if "libgomp" in line)
    for path in sorted(paths, key=lambda path: "torch" not in path):
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(path)
            if library.GOMP_parallel:
                return library
    return None


def _move_threads(cores: Collection[int]) -> None:
    """Have all threads of this process run on these cores."""
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(int(thread), cores)
