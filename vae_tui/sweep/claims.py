"""Who has which job: one file an attempt, in a folder that any number of machines share.

The claim of a job's first attempt is the file `claims/0007-01`, which can be made once, so of two workers that want it one
gets it. An attempt is over once there is `ends/0007-01.completed`, or another end. One whose worker is gone is over too: the
next attempt, 0007-02, may be claimed, again by one alone. No claim is ever taken away, so no two workers undo each other's.

A worker on this machine is gone when its process is; one on another machine when it has not touched its claim for
`SECONDS_OF_SILENCE`, by the clock of the file system.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast, get_args
from uuid import uuid4

import psutil

from vae_tui.errors import VaeTuiError
from vae_tui.runs.files import read_small, write_whole

SECONDS_BETWEEN_BEATS = 10.0
SECONDS_OF_SILENCE = 90.0
_NAME = re.compile(r"(\d+)-(\d+)")
_MOST_DEATHS = 3
_SAME_START = 2.0
"""Seconds between two readings of when a process was started, at most: the time of the boot is read to the second."""

EndStatus = Literal["completed", "pruned", "stopped", "failed", "released", "died"]
"""How an attempt ended: `pruned` was stopped as it lagged behind the others of its search, `released` was given back by a
worker that had to go, `died` had its trainer killed."""
State = Literal["waiting", "running", "completed", "pruned", "stopped", "failed"]


@dataclass(frozen=True)
class Holder:
    """The worker that has a job; `began` is when its process was started, as its machine counts, `cluster_job` what a scheduler calls it."""

    host: str
    boot: str
    pid: int
    began: float
    cluster_job: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it is, or was, a process of this machine since it was started."""
        return (self.host, self.boot) == (socket.gethostname(), _boot_id())

    @property
    def lives(self) -> bool:
        """Whether the process is there, on this machine."""
        began = _started(self.pid)
        return began is not None and abs(began - self.began) < _SAME_START


@dataclass(frozen=True)
class Standing:
    """How a job stands after so many `attempts`, why, and which worker has it."""

    state: State
    attempts: int = 0
    reason: str = ""
    holder: Holder | None = None


def this_worker() -> Holder:
    """This process."""
    job = os.environ.get("SLURM_JOB_ID", "")
    return Holder(socket.gethostname(), _boot_id(), os.getpid(), _started(os.getpid()) or 0.0, job)


class Claims:
    """The claims of a sweep's jobs in `folder`, as one worker or one who looks on has them."""

    def __init__(self, folder: Path) -> None:
        self._claims, self._ends = folder / "claims", folder / "ends"
        self._me = this_worker()

    def make_folders(self) -> None:
        """Make the folders that claims and ends lie in."""
        self._claims.mkdir(exist_ok=True)
        self._ends.mkdir(exist_ok=True)

    def claim(self, jobs: Iterable[int]) -> tuple[int, int] | None:
        """Take the first of `jobs` that waits: its number and that of the attempt; None where none waits.

        Raises VaeTuiError where the folder cannot be written.
        """
        newest, ends = self._newest(), self._read_ends()
        for job in jobs:
            attempt = newest.get(job, 0)
            if self._state(job, attempt, ends) == "waiting" and self._take(job, attempt + 1):
                return job, attempt + 1
        return None

    def end(self, job: int, attempt: int, status: EndStatus, reason: str = "") -> None:
        """Say how an attempt of this worker ended; raises VaeTuiError where the folder cannot be written."""
        try:
            write_whole(self._ends / f"{_name(job, attempt)}.{status}", reason.encode(errors="replace"))
        except OSError as error:
            raise VaeTuiError(f"{self._ends} cannot be written: {error.strerror}") from error

    def try_again(self, job: int) -> None:
        """Have a job that failed or was stopped wait again."""
        attempt = self._newest().get(job, 0) + 1
        if self._take(job, attempt):
            self.end(job, attempt, "released", "to be tried again")

    def beat(self, job: int, attempt: int) -> bool:
        """Show that this worker is there; whether the job is still its own."""
        with contextlib.suppress(OSError):
            os.utime(self._claims / _name(job, attempt))
        return not (self._claims / _name(job, attempt + 1)).exists()

    def standings(self, jobs: Iterable[int]) -> dict[int, Standing]:
        """How each job stands."""
        newest, ends = self._newest(), self._read_ends()
        return {job: self._describe(job, newest.get(job, 0), ends) for job in jobs}

    def _describe(self, job: int, attempt: int, ends: Mapping[str, EndStatus]) -> Standing:
        state, name = self._state(job, attempt, ends), _name(job, attempt)
        holder = self._holder(name) if state == "running" else None
        reason = ""
        if state in ("failed", "stopped", "pruned"):
            with contextlib.suppress(OSError):
                reason = read_small(self._ends / f"{name}.{ends[name]}").decode(errors="replace")
        return Standing(state, attempt, reason, holder)

    def _state(self, job: int, attempt: int, ends: Mapping[str, EndStatus]) -> State:
        if attempt == 0:
            return "waiting"
        name = _name(job, attempt)
        if (end := ends.get(name)) is None:
            return "running" if self._is_held(name) else "waiting"
        if end == "died":
            newest = (ends.get(_name(job, attempt - before)) for before in range(_MOST_DEATHS))
            return "failed" if all(one == "died" for one in newest) else "waiting"
        return "waiting" if end == "released" else end

    def _take(self, job: int, attempt: int) -> bool:
        """Make a claim, whole at once: whoever reads one finds who made it."""
        path = self._claims / _name(job, attempt)
        aside = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            aside.write_text(json.dumps(asdict(self._me)))
            try:
                path.hardlink_to(aside)
            finally:
                aside.unlink()
        except FileExistsError:
            return False
        except OSError as error:
            raise VaeTuiError(f"{self._claims} cannot be written: {error.strerror}") from error
        return True

    def _newest(self) -> dict[int, int]:
        """The newest attempt at each job that was begun."""
        newest: dict[int, int] = {}
        for name in _list(self._claims):
            if match := _NAME.fullmatch(name):
                job, attempt = int(match[1]), int(match[2])
                newest[job] = max(attempt, newest.get(job, 0))
        return newest

    def _read_ends(self) -> dict[str, EndStatus]:
        """How attempts ended, by the names of their claims."""
        parts = (name.partition(".") for name in _list(self._ends))
        return {name: cast(EndStatus, status) for name, _, status in parts if status in get_args(EndStatus)}

    def _holder(self, name: str) -> Holder | None:
        try:
            return Holder(**json.loads(read_small(self._claims / name)))
        except (OSError, ValueError, TypeError):
            return None

    def _is_held(self, name: str) -> bool:
        holder = self._holder(name)
        if holder is not None and holder.is_here:
            return holder.lives
        return self._silence(name) < SECONDS_OF_SILENCE

    def _silence(self, name: str) -> float:
        """Seconds since a claim was touched, by the clock of the file system, which no two machines need to share."""
        now = self._claims / f".now-{uuid4().hex}"
        try:
            now.write_bytes(b"")
            return now.stat().st_mtime - (self._claims / name).stat().st_mtime
        except OSError:
            return 0.0  # whoever cannot look does not take it away
        finally:
            with contextlib.suppress(OSError):
                now.unlink()


def _list(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise VaeTuiError(f"{folder} cannot be looked into: {error.strerror}") from error


def _name(job: int, attempt: int) -> str:
    return f"{job:04d}-{attempt:02d}"


def _started(pid: int) -> float | None:
    """When a process was started; None where there is none, or only what is left of one that was killed."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


@cache
def _boot_id() -> str:
    """This start of this machine, and which of its processes are seen from here: a container has its own numbers."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return str(int(psutil.boot_time()))
