"""A sweep's folder: its file, the recipe it is of, the list of its jobs, and who has which.

    checkpoints/sweeps/betas/
      base/digits.toml   the recipe that all runs start from, as it was when the sweep was made
      sweep.json         what is set in all runs, and the jobs: each by its values and the name of its run
      claims/ ends/      see `claims`
      asked/             what was asked of all of its workers: `pause`, `stop`

The runs are ordinary runs, beside all others in `checkpoints/`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from vae_tui.errors import RunError, VaeTuiError
from vae_tui.runs.files import read_small, write_whole
from vae_tui.runs.identity import as_toml, first_start
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run, check_name
from vae_tui.sweep.claims import Claims
from vae_tui.sweep.search import Search

SWEEPS = "sweeps"
WORKER_LOG = "worker.log"
"""What workers say that were started with a screen."""
_MOST_BYTES = 1 << 25
Request = Literal["pause", "stop"]


@dataclass(frozen=True)
class Job:
    """A run to be made: number, the values it differs in by key, and the name of its run. Higher `priority` goes first.

    `trial` is its number in the study of a search.
    """

    number: int
    values: dict[str, Any]
    run: str
    priority: int = 0
    trial: int | None = None


@dataclass(frozen=True)
class Contents:
    """What a sweep consists of: its recipe's name, what is set in every run, the keys that differ, and its jobs.

    Of a `search` those are the jobs so far.
    """

    recipe_name: str
    fixed: dict[str, Any]
    keys: tuple[str, ...]
    jobs: tuple[Job, ...]
    search: Search | None = None

    @property
    def run_count(self) -> int:
        """How many runs there are, or will be."""
        return len(self.jobs) if self.search is None else max(len(self.jobs), self.search.trials)


class Sweep:
    """The sweep in `folder`, whose runs lie in `runs_dir`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.claims = Claims(folder)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.folder.name

    @property
    def name_to_type(self) -> str:
        """What a user of this folder types in a shell to name it: its path, where its runs are not those looked for first."""
        first = Path(os.environ.get("VAE_TUI_RUNS_DIR") or "checkpoints").absolute()
        return shlex.quote(self.name if self.runs_dir.absolute() == first else str(self.folder))

    @property
    def runs_dir(self) -> Path:
        """The folder of its runs, and of all others."""
        return self.folder.parent.parent

    def read(self) -> Contents:
        """What it consists of; raises RunError where that cannot be read."""
        path = self.folder / "sweep.json"
        try:
            given = json.loads(read_small(path, _MOST_BYTES))
            jobs = tuple(Job(**job) for job in given["jobs"])
            search = Search(**given["search"]) if given.get("search") else None
            return Contents(given["recipe_name"], dict(given["fixed"]), tuple(given["keys"]), jobs, search)
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise RunError(f"{path} holds no sweep: {error}") from error

    def write(self, contents: Contents) -> None:
        """Replace what it consists of, whole; raises RunError where it cannot be written."""
        body = asdict(contents)
        lines = ",\n  ".join(json.dumps(job) for job in body.pop("jobs"))
        head = json.dumps(body, indent=1).removesuffix("\n}")
        try:
            write_whole(self.folder / "sweep.json", f'{head},\n "jobs": [\n  {lines}\n ]\n}}\n'.encode())
        except OSError as error:
            raise RunError(f"{self.folder} cannot be written: {error.strerror}") from error

    @property
    def base_path(self) -> Path:
        """The recipe that all runs start from."""
        found = sorted((self.folder / "base").glob("*.toml"))
        if not found:
            raise RunError(f"{self.folder / 'base'} does not hold the recipe of the sweep any more")
        return found[0]

    def run_of(self, job: Job) -> Run:
        """The run of a job, which may not be there yet."""
        return Run(self.runs_dir / job.run)

    def training_job(self, contents: Contents, job: Job, *, device: str, data_root: Path | None) -> TrainingJob:
        """What starts a job's trainer for the first time."""
        settings = {**contents.fixed, **job.values}
        return TrainingJob(
            recipe=str(self.base_path),
            overrides=tuple(f"{key}={as_toml(value)}" for key, value in settings.items()),
            runs_dir=self.runs_dir,
            name=job.run,
            device=device,
            data_root=data_root,
            sweep=self.name,
        )

    def ask(self, request: Request, *, withdraw: bool = False) -> None:
        """Ask all workers to pause their runs, or to stop, or (`withdraw`) no longer; raises RunError where it cannot be written."""
        path = self.folder / "asked" / request
        try:
            if withdraw:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(exist_ok=True)
                path.touch()
        except OSError as error:
            raise RunError(f"{path} cannot be written: {error.strerror}") from error

    def is_asked(self, request: Request) -> bool:
        """Whether that was asked of all workers, and not withdrawn."""
        return os.path.lexists(self.folder / "asked" / request)

    def delete(self) -> None:
        """Delete the folder, whose runs stay; raises RunError where the disk refuses."""
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise RunError(f"{error.filename or self.folder} cannot be deleted: {error.strerror}") from error

    @contextlib.contextmanager
    def being_changed(self) -> Iterator[None]:
        """Keep others from changing the list of jobs in the body; raises RunError where it cannot be written."""
        try:
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RunError(f"{self.folder} cannot be written: {error.strerror}") from error
        try:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.lockf(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def make_sweep(runs_dir: Path, name: str, base_toml: str, contents: Contents) -> Sweep:
    """Make a sweep's folder; raises RunError where it cannot be written."""
    check_name(name, shown=name)
    folder = runs_dir / SWEEPS / name
    if Run(runs_dir / SWEEPS).holds_something:
        raise RunError(f"{runs_dir / SWEEPS} is a run, and the folder of sweeps is called so: rename the run")
    sweep = Sweep(folder)
    try:
        (folder / "base").mkdir(parents=True, exist_ok=True)
        sweep.claims.make_folders()
        write_whole(folder / "base" / f"{contents.recipe_name}.toml", base_toml.encode())
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror}") from error
    sweep.write(contents)
    return sweep


def find_sweep(name_or_path: str, runs_dir: Path) -> Sweep | None:
    """The sweep of that name, or at that path; None where there is none."""
    name = name_or_path.removeprefix("sweep:").rstrip("/")
    for folder in (runs_dir / SWEEPS / name, Path(name_or_path).absolute()):
        with contextlib.suppress(OSError, ValueError):
            if (folder / "sweep.json").is_file():
                return Sweep(folder)
    return None


def rename_run(run: Run, name: str) -> Run:
    """Give a run another name, by which the sweep that it is of, if any, knows it from then on.

    Raises RunError as `Run.rename`, and for a run that a worker of its sweep has.
    """
    begun = first_start(run)
    sweep = find_sweep(begun.sweep, run.path.parent) if begun is not None and begun.sweep else None
    if sweep is None:
        return run.rename(name)
    with sweep.being_changed():
        contents = sweep.read()
        job = next((job for job in contents.jobs if job.run == run.name), None)
        if job is None:
            return run.rename(name)
        if sweep.claims.standings([job.number])[job.number].state == "running":
            raise RunError(f"{run.name} is being trained by the sweep {sweep.name}: rename it when it is done")
        renamed = run.rename(name)
        jobs = tuple(replace(one, run=name) if one is job else one for one in contents.jobs)
        sweep.write(replace(contents, jobs=jobs))
    return renamed


def list_sweeps(runs_dir: Path) -> list[Sweep]:
    """The sweeps there are, by name; raises RunError where there can be none, for `runs_dir` is no folder."""
    if runs_dir.exists() and not runs_dir.is_dir():
        raise RunError(f"{runs_dir} is no folder of runs; choose another --runs-dir")
    with contextlib.suppress(OSError):
        folders = sorted(runs_dir.joinpath(SWEEPS).iterdir())
        return [Sweep(folder) for folder in folders if (folder / "sweep.json").is_file()]
    return []


def add_jobs(contents: Contents, runs: Sequence[tuple[dict[str, Any], str]]) -> tuple[Contents, int, tuple[Job, ...]]:
    """The contents with the jobs of `runs`, each by its values and name: those there were keep their numbers.

    Returns them, how many are new, and those of before that are no longer among them.
    """
    known = {_key(job.values): job for job in contents.jobs}
    wanted = {_key(values): (values, name) for values, name in runs}
    number = max((job.number for job in contents.jobs), default=0)
    jobs = []
    for key, (values, name) in wanted.items():
        if key in known:
            jobs.append(known[key])
        else:
            number += 1
            jobs.append(Job(number, values, name))
    gone = tuple(job for key, job in known.items() if key not in wanted)
    return replace(contents, jobs=tuple(jobs)), len(wanted.keys() - known.keys()), gone


def _key(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)


def require_sweep(name_or_path: str, runs_dir: Path) -> Sweep:
    """As `find_sweep`; raises VaeTuiError, with those there are, where there is none."""
    sweep = find_sweep(name_or_path, runs_dir)
    if sweep is None:
        there = ", ".join(one.name for one in list_sweeps(runs_dir)) or "none yet"
        raise VaeTuiError(f"no sweep called {name_or_path!r} under {runs_dir} (there are: {there})")
    return sweep
