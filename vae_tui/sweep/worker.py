"""A worker of a sweep: it takes jobs, trains as many at once as it may, and says how each ended.

It may be killed at any moment, and so may its trainers. What it was training goes on in processes of their own, and the
next worker, this one's successor or another machine's, takes each job where it stands: it waits for a trainer that lives,
and goes on with a run whose trainer is gone.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from vae_tui.errors import RunError, VaeTuiError
from vae_tui.events import EpochCompleted, RunFinished, RunStarted
from vae_tui.runs.commands import Stop, send_command
from vae_tui.runs.identity import first_start
from vae_tui.runs.job import TrainerDied, TrainingJob, start_trainer, wait_until_opened
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.log import EventReader, read_last_event
from vae_tui.runs.summary import summarize
from vae_tui.sweep.claims import SECONDS_BETWEEN_BEATS, EndStatus
from vae_tui.sweep.folder import WORKER_LOG, Job, Sweep
from vae_tui.sweep.plan import run_name
from vae_tui.sweep.results import figures_at_best, figures_of
from vae_tui.sweep.study import Study

Happening = Literal[
    "started", "resumed", "adopted", "completed", "pruned", "stopped", "failed", "released", "died", "lost"
]
_SECONDS_BETWEEN_LOOKS = 0.2
_MOST_REPORTS = 50
_SECONDS_BETWEEN_SCANS = 2.0
"""How often a worker with a free place looks for a job where it found none."""


@dataclass(frozen=True)
class News:
    """What happened to a job."""

    job: Job
    happening: Happening
    reason: str = ""


@dataclass
class _Active:
    """A job in hand; `trainer` is None for one that was found training."""

    job: Job
    attempt: int
    run: Run
    device: str
    trainer: subprocess.Popen[bytes] | None
    beaten: float
    log: EventReader
    """What of its log was reported to the study of a search."""
    report_every: int = 1
    """Epochs from one report to the next: each is written to the study's journal, and synced."""
    pruned: bool = False

    @property
    def is_over(self) -> bool:
        """Whether its trainer has ended."""
        if self.trainer is not None:
            return self.trainer.poll() is not None
        return lock_holder(self.run.path) is None


class Worker:
    """Trains jobs of a sweep, on each of `devices` one at a time, from when `work` is run until nothing is left."""

    def __init__(
        self,
        sweep: Sweep,
        devices: Sequence[str],
        *,
        data_root: Path | None = None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        """`interrupted` is asked between looks; once it is true, every run saves a checkpoint and stops, and the worker ends."""
        self._sweep, self._data_root, self._interrupted = sweep, data_root, interrupted
        self._free = list(devices)
        self._active: list[_Active] = []
        self._contents = sweep.read()
        self._stamp = _stamp(sweep)
        self._scan_at = 0.0
        self._paused = self._stopping = False
        search = self._contents.search
        self._study = Study(sweep.folder, sweep.name, search) if search is not None else None

    def importances(self) -> dict[str, float]:
        """How much each key of a search explains of its figure, the most first; empty for another sweep."""
        return self._study.importances() if self._study is not None else {}

    @property
    def stopping(self) -> bool:
        """Whether it takes no more jobs."""
        return self._stopping

    def work(self, *, stay: bool = True) -> Iterator[News | None]:
        """Work until nothing is left to do; yields what happens, and None between looks.

        With `stay` it waits for jobs that other workers have, to take over what they lose. Raises VaeTuiError where the
        sweep's folder cannot be read or written.
        """
        while True:
            self._follow_requests()
            for active in list(self._active):
                news = self._look_after(active)
                if news is not None:
                    yield news
            while self._free and not self._stopping and not self._paused and time.monotonic() >= self._scan_at:
                news = self._take()
                if news is None:
                    self._scan_at = time.monotonic() + _SECONDS_BETWEEN_SCANS
                    break
                yield news
                self._follow_requests()
            if not self._active and (self._stopping or not self._is_something_left(stay=stay)):
                return
            yield None
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _is_something_left(self, *, stay: bool) -> bool:
        """Whether a job waits, or, where this worker stays for them, is another worker's."""
        self._read_again()
        if self._contents.search is not None and len(self._contents.jobs) < self._contents.search.trials:
            return True
        standings = self._sweep.claims.standings(job.number for job in self._contents.jobs)
        return any(
            standing.state == "waiting" or (stay and standing.state == "running") for standing in standings.values()
        )

    def _take(self) -> News | None:
        """Claim the next job and start its trainer; None where no job waits."""
        self._read_again()
        order = sorted(self._contents.jobs, key=lambda job: (-job.priority, job.number))
        by_number = {job.number: job for job in order}
        claimed = self._sweep.claims.claim(by_number)
        if claimed is None and self._add_trial():
            return self._take()
        if claimed is None:
            return None
        number, attempt = claimed
        job, device = by_number[number], self._free[0]
        run = self._sweep.run_of(job)
        active = _Active(job, attempt, run, device, None, time.monotonic(), EventReader(run.events_path))
        try:
            happening, active.trainer = self._start(job, run, device)
        except TrainerDied as error:
            self._follow_requests()
            return self._end(active, "released" if self._stopping else "died", str(error), held=False)
        except VaeTuiError as error:
            return self._end(active, "failed", str(error), held=False)
        if happening == "completed":
            return self._end(active, "completed", "", held=False)
        self._free.remove(device)
        self._active.append(active)
        return News(job, happening)

    def _add_trial(self) -> bool:
        """Add the next trial of a search to the jobs; whether there is one."""
        if self._study is None:
            return False
        with self._sweep.being_changed():
            contents = self._sweep.read()
            if contents.search is None or len(contents.jobs) >= contents.search.trials:
                return False
            trial, values = self._study.ask()
            name = run_name(self._sweep.name, values, [job.run for job in contents.jobs])
            job = Job(len(contents.jobs) + 1, values, name, trial=trial)
            self._sweep.write(replace(contents, jobs=(*contents.jobs, job)))
        return True

    def _report(self, active: _Active) -> None:
        """Report what came to a trial's log to its study, and stop it where it lags behind the others."""
        if self._study is None or self._contents.search is None or active.job.trial is None or active.pruned:
            return
        for logged in active.log.read():
            event = logged.event
            if isinstance(event, RunStarted):
                active.report_every = max(1, (event.recipe["train"].get("epochs") or 0) // _MOST_REPORTS)
            elif isinstance(event, EpochCompleted) and event.epoch % active.report_every == 0:
                value = figures_of(event.validation or event.train).get(self._contents.search.metric)
                if value is not None and self._study.report(active.job.trial, event.epoch, value):
                    active.pruned = True
        if active.pruned:
            self._end_trainer(active)

    def _tell(self, active: _Active, status: EndStatus) -> None:
        """Tell a trial's study how it ended."""
        if self._study is None or self._contents.search is None or active.job.trial is None:
            return
        if status in ("completed", "pruned", "failed"):
            figures = figures_at_best(summarize(active.run)) if active.run.has_log else {}
            value = None if status == "failed" else figures.get(self._contents.search.metric)
            self._study.tell(active.job.trial, value, pruned=status == "pruned")

    def _start(self, job: Job, run: Run, device: str) -> tuple[Happening, subprocess.Popen[bytes] | None]:
        """Bring a job's run on its way; raises VaeTuiError where that cannot be."""
        if lock_holder(run.path) is not None:
            return "adopted", None
        begun = first_start(run)
        if begun is not None and begun.sweep != self._sweep.name:
            raise RunError(f"{run.path} is a run that is not of this sweep: rename it, and --retry")
        last = read_last_event(run.events_path)
        if isinstance(last, RunFinished) and last.status == "completed":
            return "completed", None
        if begun is None and not run.checkpoints():
            # Its trainer was killed before the run had a first line, if there was one.
            _remove_unbegun(run)
            training = self._sweep.training_job(self._contents, job, device=device, data_root=self._data_root)
        else:
            training = TrainingJob(
                resume=str(run.path), runs_dir=self._sweep.runs_dir, device=device, data_root=self._data_root
            )
        trainer = start_trainer(training)
        try:
            wait_until_opened(trainer)
        except VaeTuiError:
            if lock_holder(run.path) is None:
                raise
            return "adopted", None  # somebody else was quicker
        return ("started" if training.resume is None else "resumed"), trainer

    def _look_after(self, active: _Active) -> News | None:
        """Show that a job is in good hands, and say how it ended, once it did."""
        self._report(active)
        if active.is_over:
            return self._conclude(active)
        if time.monotonic() - active.beaten >= SECONDS_BETWEEN_BEATS:
            active.beaten = time.monotonic()
            if not self._sweep.claims.beat(active.job.number, active.attempt):
                # This machine slept, or was cut off, and another worker has taken the job over.
                self._end_trainer(active)
                self._drop(active)
                return News(active.job, "lost", "another worker has taken it over")
        return None

    def _conclude(self, active: _Active) -> News:
        last = read_last_event(active.run.events_path)
        if not isinstance(last, RunFinished):
            return self._end(active, "died", _last_words(active.run))
        if last.status == "stopped" and active.pruned:
            return self._end(active, "pruned", f"after epoch {last.epoch}: it lagged behind the other trials")
        if last.status == "stopped" and (self._stopping or self._paused or active.trainer is None):
            # A trainer that was found training may be stopped by the worker that had lost it.
            return self._end(active, "released", "a worker was stopped, or paused")
        return self._end(active, last.status, last.reason)

    def _end(self, active: _Active, status: EndStatus, reason: str, *, held: bool = True) -> News:
        self._tell(active, status)
        self._sweep.claims.end(active.job.number, active.attempt, status, reason)
        if held:
            self._drop(active)
        return News(active.job, status, reason)

    def _drop(self, active: _Active) -> None:
        self._active.remove(active)
        self._free.append(active.device)
        self._scan_at = 0.0

    def _end_trainer(self, active: _Active) -> None:
        if active.trainer is not None:
            active.trainer.terminate()
        else:
            with contextlib.suppress(OSError):
                send_command(active.run, Stop())

    def _follow_requests(self) -> None:
        if not self._stopping and (self._interrupted() or self._sweep.is_asked("stop")):
            self._stopping = True
            for active in self._active:
                self._end_trainer(active)
        if (paused := self._sweep.is_asked("pause")) != self._paused:
            # Its runs are stopped and go on later: meanwhile they take no memory, and a pause outlives every worker.
            self._paused, self._scan_at = paused, 0.0
            for active in self._active if paused else ():
                self._end_trainer(active)

    def _read_again(self) -> None:
        """See jobs that were added or taken away."""
        if (stamp := _stamp(self._sweep)) != self._stamp:
            self._contents, self._stamp = self._sweep.read(), stamp


def start_worker(sweep: Sweep, *, jobs: int | None, device: str, data_root: Path | None) -> subprocess.Popen[bytes]:
    """Start a worker in a process and a session of its own; what it says goes to worker.log in the sweep's folder."""
    command = [
        sys.executable,
        "-m",
        "vae_tui",
        "sweep",
        str(sweep.folder),
        "--work",
        "--ui",
        "plain",
        "--device",
        device,
    ]
    command += ["--runs-dir", str(sweep.runs_dir)]
    command += [] if jobs is None else ["--jobs", str(jobs)]
    command += [] if data_root is None else ["--data-root", str(data_root)]
    try:
        with (sweep.folder / WORKER_LOG).open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    except OSError as error:
        raise RunError(f"{sweep.folder / WORKER_LOG} cannot be written: {error.strerror}") from error


def _remove_unbegun(run: Run) -> None:
    """Remove a folder that a trainer began to make; raises RunError for one that holds anything else."""
    if not run.path.exists():
        return
    if not run.has_recipe and any(run.path.iterdir()) and not run.commands_path.is_dir():
        raise RunError(f"{run.path} is in the way: a run of this sweep is to be called so")
    run.delete()


def _last_words(run: Run) -> str:
    """The last line a trainer wrote that died."""
    with contextlib.suppress(OSError):
        lines = run.worker_log_path.read_text(errors="replace").splitlines()
        return lines[-1] if lines else ""
    return ""


def _stamp(sweep: Sweep) -> tuple[int, int]:
    found = (sweep.folder / "sweep.json").stat()
    return found.st_mtime_ns, found.st_size
