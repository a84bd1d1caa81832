"""How the threads of a step wait for each other: awake on a quiet machine, and on a busy one in the way that is fastest there.

Threads that spin between two pieces of work are half as fast again as threads that have to be woken. Where other programs
want the cores, though, one that spins holds the core that the thread it waits for would need, and a step takes a hundred times
as long (benchmarks/LOG.md). What is computed is the same in either case, bit for bit: it depends on how many threads
there are, not on how they wait, nor where.

torch's threads on Linux are those of libgomp. It reads from the environment how long they spin (`SPINNING` of runs.job), but
has them do so only while it knows of no more threads than there are cores; with more they spin "throttled", which is not at all under
OMP_WAIT_POLICY=PASSIVE (gcc, libgomp/config/linux/wait.h). So a team of threads that have nothing to do sends the others to sleep,
for as long as it is there.

Two threads that share a core wake each other at once, which is best for small products. oneDNN's convolutions wait for each other in
a way of their own, always awake, and are four times as fast with a core each (benchmarks/LOG.md). So with those the ways are tried in
turn.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections import deque
from collections.abc import Collection, Mapping
from pathlib import Path
from statistics import fmean
from typing import Literal

from vae_tui.runs.job import is_trainer, is_waiting_chosen

_CROWDED, _QUIET = 0.35, 0.2
"""Cores that others take from ours: from which on the machine is busy, and below which, on the mean, it is quiet."""
_QUIET_READINGS = 3
_TURNS = 2
_READINGS_BEFORE_TRYING_AGAIN = 120

How = Literal["awake", "asleep", "on one core", "a core each"]
"""All but "awake" are asleep."""


class Waiting:
    """Has the threads of this process wait as fits the machine and the moment, once it is told how busy others are."""

    def __init__(self, threads: int, *, fully_connected: bool = False) -> None:
        """For so many threads that do the work of a step; of a fully connected network it is known how they wait best."""
        self._threads = threads
        self._fully_connected = fully_connected
        self._cores = tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()
        self._library = _find_libgomp() if threads > 1 and not is_waiting_chosen(os.environ) else None
        self._busy = False
        self._how: How = "awake"
        self._idle_team: _IdleTeam | None = None
        self._latest: deque[float] = deque(maxlen=_QUIET_READINGS)
        self._speeds: dict[How, list[float]] = {}

    @property
    def can_change(self) -> bool:
        """Whether there are several threads, which are libgomp's, and the user has not said how they are to wait."""
        return self._library is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """How the threads wait, in a sentence, where that changes."""
        if not self.can_change:
            return ()
        return (
            f"{self._threads} threads spin while they wait for each other, until other programs need the cores; "
            "OMP_WAIT_POLICY or GOMP_SPINCOUNT sets it",
        )

    @property
    def how(self) -> How:
        """How the threads wait now."""
        return self._how

    def look(self, taken: float) -> None:
        """Change, where others have come or gone: they keep `taken` cores busy of those that this process may use."""
        in_the_way = taken - (len(self._cores) - self._threads)
        self._latest.append(in_the_way)
        if in_the_way > _CROWDED:
            self.make_way()
        elif len(self._latest) == _QUIET_READINGS and fmean(self._latest) < _QUIET and max(self._latest) <= _CROWDED:
            self.stay_awake()

    def compare(self, images_per_second: float) -> None:
        """With convolutions, try all ways in turn while the machine is busy, then stay with the fastest for some minutes.

        The speed is that since the last call, or since `look` found the machine busy.
        """
        if not self._busy or self._fully_connected:
            return
        self._speeds.setdefault(self._how, []).append(images_per_second)
        ways, readings = self._ways, sum(map(len, self._speeds.values()))
        if readings < _TURNS * len(ways):
            self._wait(ways[readings % len(ways)])
        elif readings == _TURNS * len(ways):
            self._wait(_fastest(self._speeds))
        elif readings > _READINGS_BEFORE_TRYING_AGAIN:
            self._speeds = {}

    def make_way(self) -> None:
        """Begin with what is mostly the best on a busy machine: asleep, two threads on one core, where each wakes the other at once."""
        if self.can_change and self._how == "awake" and not self._busy:
            self._busy = True
            self._wait(self._ways[0])

    def sleep(self) -> None:
        """Sleep while waiting, on whichever cores there are, and leave it at that."""
        if self._how == "awake":
            self._wait("asleep")

    def stay_awake(self) -> None:
        """Spin while waiting, and use all cores."""
        self._busy, self._speeds = False, {}
        self._wait("awake")

    @property
    def _ways(self) -> tuple[How, ...]:
        """To wait on a busy machine."""
        # Not in a notebook, whose other threads are not ours to move.
        if is_trainer(os.environ) and self._threads == len(self._cores) == 2:
            return ("on one core", "a core each", "awake")
        return ("asleep", "awake")

    def _wait(self, how: How) -> None:
        if self._library is None or how == self._how:
            return
        if self._idle_team is None:
            self._idle_team = _IdleTeam(self._library, len(self._cores) - self._threads + 2)
        elif how == "awake":
            self._idle_team.close()
            self._idle_team = None
        if how == "on one core":
            _move_threads({self._cores[-1]})
        elif how == "a core each":
            # Left to themselves both would stay on the core that they shared, for the other one is taken.
            _move_threads({self._cores[-1]})
            os.sched_setaffinity(threading.get_native_id(), {self._cores[0]})
        elif self._how not in ("awake", "asleep"):
            _move_threads(set(self._cores))
        self._how = how


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


def _fastest(speeds: Mapping[How, list[float]]) -> How:
    # By the best second of each, for validation and checkpoints come into some.
    return max(speeds, key=lambda how: max(speeds[how]))


def _move_threads(cores: Collection[int]) -> None:
    """Have all threads of this process run on these cores."""
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(int(thread), cores)
