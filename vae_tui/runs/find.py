"""A run or a checkpoint by what a user types.

A RUN is a name, a path, a recipe's name (its newest run), or a unique prefix of a name, in this order; without one it is
the newest. Runs that failed before their first step count only where their name or path is given in full.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import shlex
from collections.abc import Callable
from pathlib import Path

from vae_tui.errors import CheckpointError, RunError
from vae_tui.events import CheckpointSaved, RunFinished, RunStarted
from vae_tui.runs.best import choose_best, newest_checkpoint
from vae_tui.runs.files import user_path
from vae_tui.runs.history import History
from vae_tui.runs.identity import first_start, other_trainer, recipe_name
from vae_tui.runs.layout import Run, holds_snapshots
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.log import read_events_of, read_last_event
from vae_tui.text import printable

PRETRAINED = Path(__file__).parent.parent / "pretrained" / "digits.safetensors"
"""The small model that ships with the package, for those who have not trained one yet."""

_NAMES_SHOWN = 8


def find_run(name_or_path: str | None, runs_dir: Path) -> Run:
    """The run a user means, the newest one for None; raises RunError with the nearest names where there is none."""
    runs = list_runs(runs_dir)
    if name_or_path is None:
        if not runs:
            raise RunError(f"no run under {runs_dir} yet; start one with: vae-tui train")
        return next((run for run in runs if not failed_to_start(run)), runs[0])
    if exact := [run for run in runs if run.name == name_or_path.rstrip("/")]:
        return exact[0]
    path = user_path(name_or_path)
    if path.is_dir() and Run(path).holds_something:
        return Run(path)
    if of_recipe := next((run for run in runs if is_of_recipe(run, name_or_path) and not failed_to_start(run)), None):
        return of_recipe
    by_prefix = [run for run in runs if run.name.startswith(name_or_path) and not failed_to_start(run)]
    if by_prefix and _is_a_recipe(name_or_path):
        # beta1 is not meant as the beginning of beta10.
        by_prefix = [run for run in by_prefix if not run.name[len(name_or_path)].isalnum()]
    if len(by_prefix) == 1:
        return by_prefix[0]
    if by_prefix:
        names = ", ".join(run.name for run in by_prefix[:_NAMES_SHOWN])
        more = ", ..." if len(by_prefix) > _NAMES_SHOWN else ""
        raise RunError(
            f"{name_or_path!r} fits {len(by_prefix)} runs under {runs_dir}: {names}{more}; give more of the name"
        )
    if path.is_dir() and holds_snapshots(path):
        raise RunError(
            f"{path} is no run, but the {path.absolute().name} of one: name one of its files, or {path.parent}"
        )
    if path.is_dir():
        raise RunError(f"{path} is no run: it holds no recipe.toml, no events.jsonl and no step-*.safetensors")
    if (problem := _look_into(runs_dir / name_or_path)) is not None:
        raise problem
    close = difflib.get_close_matches(name_or_path, [run.name for run in runs], n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    raise RunError(f"no run called {name_or_path!r} under {runs_dir}{hint}")


def find_exact_run(name_or_path: str, runs_dir: Path) -> Run:
    """The run of that whole name, or at that path; raises RunError where there is none, and names what was meant."""
    run = find_run(name_or_path, runs_dir)
    if run.name != name_or_path.rstrip("/") and user_path(name_or_path).absolute() != run.path.absolute():
        raise RunError(f"no run called {name_or_path!r} under {runs_dir}; its whole name is needed here: {run.name}")
    return run


def name_to_type(run: Run) -> str:
    """What a user of this folder types in a shell to name a run: its path, where it is not among the runs looked for first."""
    first = Path(os.environ.get("VAE_TUI_RUNS_DIR") or "checkpoints").absolute()
    name = run.name if run.path.absolute().parent == first else str(run.path)
    return shlex.quote(printable(name))


def how_to_go_on(run: Run) -> str:
    """The command that goes on with a run; of one that another program trains, that program."""
    if (program := other_trainer(run)) is not None:
        return f"{program}, which trained it"
    return f"vae-tui train --resume {name_to_type(run)}"


def is_of_recipe(run: Run, recipe: str) -> bool:
    """Whether a run was made of the recipe of that name, or at that path."""
    return recipe_name(run, first_start(run)) == Path(recipe).name.removesuffix(".toml")


def _is_a_recipe(name: str) -> bool:
    from vae_tui.recipe import shipped_recipes  # noqa: PLC0415 - pydantic, which no screen should wait for

    return name in {stem.rpartition("/")[2] for stem in shipped_recipes()}


def failed_to_start(run: Run) -> bool:
    """Whether a run failed before its first step, and so has nothing to show."""
    last = read_last_event(run.events_path)
    failed = isinstance(last, RunFinished) and last.status == "failed" and last.step == 0
    return failed and not run.checkpoints()


def find_checkpoint(name_or_path: str | None, runs_dir: Path, note: Callable[[str], None] = lambda _: None) -> Path:
    """The weights file at a path, or the best of the run given as for `find_run`.

    For None, that of the newest run that has one, and where no run has, PRETRAINED. `note` takes a sentence about each
    file that was left out, and about a best that is gone.

    Raises RunError where there is no such run, CheckpointError where it has no checkpoint.
    """
    if name_or_path is not None:
        path = user_path(name_or_path)
        if path.is_file():
            return path
        if path.suffix == ".safetensors" and not path.is_dir():
            raise CheckpointError(f"{path}: no such file")
    if name_or_path is None:
        for run in list_runs(runs_dir):
            if run.checkpoints():
                return _best_of(run, note)
        if PRETRAINED.is_file():
            return PRETRAINED
    return _best_of(find_run(name_or_path, runs_dir), note)


def best_or_newest(run: Run) -> Path:
    """The weights of a run to look at: the best, of a live one the newest. Raises CheckpointError where it has none."""
    return newest_checkpoint(run).path if lock_holder(run.path) is not None else choose_best(run).checkpoint.path


def _best_of(run: Run, note: Callable[[str], None]) -> Path:
    choice = choose_best(run)
    for problem in choice.notes:
        note(problem)
    best = _best_by_log(run)
    if best is not None and best.step != choice.checkpoint.step and not (run.path / best.path).exists():
        instead = f"the best of those that are left, of step {choice.checkpoint.step:,}, is taken"
        note(f"the best checkpoint was that of step {best.step:,}, but {best.path} is not there any more: {instead}")
    return choice.checkpoint.path


def _best_by_log(run: Run) -> CheckpointSaved | None:
    """The checkpoint that was saved as the best, whether it is there or not."""
    history = History()
    for event in read_events_of(run.events_path, RunStarted, CheckpointSaved):
        history.add(event)
    return history.best_saved


def list_runs(runs_dir: Path) -> list[Run]:
    """The runs in a folder, newest first by their logs' last lines; those that may not be looked into are left out.

    None where there is no such folder; raises RunError for what is none, and for one that may not be looked into.
    """
    try:
        folders = [Path(entry) for entry in os.scandir(runs_dir)]
    except FileNotFoundError:
        if not runs_dir.is_symlink():
            return []
        raise RunError(
            f"{runs_dir} is a link to what is not there; put that back, or choose another --runs-dir"
        ) from None
    except NotADirectoryError:
        raise RunError(f"{runs_dir} is no folder of runs; choose another --runs-dir") from None
    except OSError as error:
        raise RunError(f"{runs_dir} cannot be looked into: {error.strerror}; choose another --runs-dir") from error
    return sorted((run for run in map(Run, folders) if run.holds_something), key=_touched, reverse=True)


def closed_folders(runs_dir: Path) -> list[str]:
    """What to tell of each folder in which there may be a run, and which may not be looked into."""
    try:
        folders = sorted(Path(entry) for entry in os.scandir(runs_dir))
    except OSError:
        return []
    return [str(problem) for problem in map(_look_into, folders) if problem is not None]


def _look_into(folder: Path) -> RunError | None:
    """What to tell of a folder of that name that may not be looked into."""
    try:
        if folder.is_dir():
            (folder / "recipe.toml").stat()
    except PermissionError as error:
        return RunError(f"{folder} cannot be looked into: {error.strerror}")
    except (OSError, ValueError):
        pass
    return None


def _touched(run: Run) -> tuple[float, str]:
    for path in (run.events_path, run.recipe_path, run.path):
        with contextlib.suppress(OSError):
            return path.stat().st_mtime, run.name
    return 0.0, run.name
