"""A run's folder: where everything in it is, and how it is made, renamed and deleted."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vae_tui.errors import CheckpointError, RunError
from vae_tui.runs.files import write_whole
from vae_tui.runs.lock import busy_message, lock_holder
from vae_tui.text import is_printable, printable

if TYPE_CHECKING:
    from vae_tui.runs.log import EventReader

_LONGEST_NAME = 240
"""Bytes; a file system takes 255, and a number or an ending may be added."""
_WEIGHTS = re.compile(r"step-(\d{9,})\.safetensors")
_STATE = re.compile(r"state-(\d{9,})\.safetensors")
_SNAPSHOTS, _AVERAGES = "snapshots", "averages"


@dataclass(frozen=True)
class Checkpoint:
    """A weights file of a run, at `step`."""

    step: int
    path: Path

    @property
    def state_path(self) -> Path:
        """The file beside it that exact resume needs; it may have been pruned."""
        return self.path.with_name(f"state-{self.step:09d}.safetensors")


def weights_name(step: int) -> str:
    """The name of the weights file saved after `step` steps."""
    return f"step-{step:09d}.safetensors"


def step_in_name(path: Path) -> int | None:
    """The step that a weights file of a run is called by; None for a file that is called otherwise."""
    match = _WEIGHTS.fullmatch(path.name)
    return int(match[1]) if match else None


def run_folder(checkpoint: Path) -> Path:
    """The folder of the run that a weights file would be of: where it is, or, among snapshots or averages, where these are."""
    folder = checkpoint.absolute().parent
    return folder.parent if holds_snapshots(folder) else folder


def holds_snapshots(folder: Path) -> bool:
    """Whether a folder is that of a run's snapshots or averages, and not a run that is called so."""
    run = Run(folder)
    return folder.absolute().name in (_SNAPSHOTS, _AVERAGES) and not (run.has_recipe or run.has_log)


def find_weights(folder: Path) -> list[Checkpoint]:
    """The weights files in a folder, oldest first."""
    return _find(folder, _WEIGHTS)


class Run:
    """The run in the folder `path`; holds no state but that path, which changes only with `follow_renamed`.

    `shown` is what to call it where that is another: a trainer works inside its folder, which may be renamed meanwhile.
    """

    def __init__(self, path: Path, *, shown: Path | None = None) -> None:
        self.path, self.shown = path, shown or path

    @classmethod
    def create(cls, runs_dir: Path, name: str, recipe_toml: str, *, exact: bool = False) -> Run:
        """Make a new run called `name` and the time (or, `exact`, just `name`), holding its resolved recipe.

        Raises RunError where the name is taken or the folder cannot be written.
        """
        stamped = name if exact else f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        check_name(stamped, shown=name)
        for number in range(1, 1000):
            candidate = stamped if number == 1 else f"{stamped}-{number}"
            path = runs_dir / candidate
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                if path.is_dir() and exact:
                    raise RunError(
                        f"{path} exists already: go on with it by --resume {name}, or choose another --run name"
                    ) from None
                if not path.is_dir():
                    raise RunError(f"{path} is in the way: a run is a folder") from None
                continue
            except OSError as error:
                raise RunError(f"{path} cannot be made: {error.strerror}; choose another --runs-dir") from error
            break
        else:
            raise RunError(f"{runs_dir} holds a thousand runs called {stamped}; choose another --run name")
        run = cls(path)
        try:
            run.commands_path.mkdir()
            run.images_path.mkdir()
            run.write_recipe(recipe_toml)
        except OSError as error:
            shutil.rmtree(path, ignore_errors=True)
            raise RunError(f"{path} cannot be written: {error.strerror}; choose another --runs-dir") from error
        return run

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.shown.name

    @property
    def recipe_path(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.toml"

    @property
    def events_path(self) -> Path:
        """The event log."""
        return self.path / "events.jsonl"

    @property
    def commands_path(self) -> Path:
        """The folder commands are dropped into."""
        return self.path / "commands"

    @property
    def images_path(self) -> Path:
        """The folder of drawn grids."""
        return self.path / "images"

    @property
    def snapshots_path(self) -> Path:
        """The folder of weights that are kept evenly over the whole run."""
        return self.path / _SNAPSHOTS

    @property
    def averages_path(self) -> Path:
        """The folder of averages of its weights, out of which those of any width are made."""
        return self.path / _AVERAGES

    @property
    def about_path(self) -> Path:
        """Its tags and its note."""
        return self.path / "about.json"

    @property
    def worker_log_path(self) -> Path:
        """Everything the trainer process printed."""
        return self.path / "worker.log"

    def write_recipe(self, recipe_toml: str) -> None:
        """Replace the resolved recipe, whole."""
        text = f"# vae-tui train {printable(self.shown.as_posix())}/recipe.toml\n{recipe_toml}"
        write_whole(self.recipe_path, text.encode())

    def checkpoints(self) -> list[Checkpoint]:
        """The weights files there are, oldest first."""
        return find_weights(self.path)

    def snapshots(self) -> list[Checkpoint]:
        """The weights files kept evenly over the whole run, oldest first; they have no states."""
        return find_weights(self.snapshots_path)

    def averages(self) -> list[Checkpoint]:
        """The averages of its weights kept evenly over the whole run, oldest first; they have no states."""
        return find_weights(self.averages_path)

    def states(self) -> list[Checkpoint]:
        """The checkpoints whose state is there, oldest first; their weights may not be."""
        return _find(self.path, _STATE)

    def latest(self) -> Checkpoint:
        """The newest checkpoint; raises CheckpointError where there is none."""
        found = self.checkpoints()
        if not found:
            raise CheckpointError(f"{self.path} holds no checkpoint yet")
        return found[-1]

    def follow_renamed(self, reader: EventReader, trainer: int | None) -> bool:
        """Where the folder was renamed, be the run of its new name; whether it was.

        It is looked for beside where it was: the folder of the log that `reader` reads, or the one whose lock the process
        `trainer` holds.
        """
        with contextlib.suppress(OSError):
            for path in self.path.parent.iterdir():
                if reader.reads(Run(path).events_path) or (trainer is not None and lock_holder(path) == trainer):
                    self.path = self.shown = path
                    return True
        return False

    @property
    def holds_something(self) -> bool:
        """Whether there is a run in the folder, be its recipe.toml lost: a log or weights are enough.

        There is none in one that may not be looked into, which is no reason to miss its siblings.
        """
        return self.has_recipe or self.has_log or (bool(self.checkpoints()) and not holds_snapshots(self.path))

    @property
    def has_recipe(self) -> bool:
        """Whether its recipe.toml is there."""
        return os.path.isfile(self.recipe_path)  # noqa: PTH113 - it never raises

    @property
    def has_log(self) -> bool:
        """Whether its log is there, whatever it is."""
        return os.path.lexists(self.events_path)

    @property
    def absence(self) -> str:
        """What to tell whoever has the run open where its folder is not there any more; empty where it is."""
        if os.path.isdir(self.path):  # noqa: PTH112 - it never raises
            return ""
        return (
            f"{self.path} is not there any more: it was deleted or moved; where it was moved, see it with: "
            "vae-tui watch PATH, with its new path"
        )

    def rename(self, name: str) -> Run:
        """Give the run another name beside its siblings; raises RunError for a live run and a name that is taken."""
        check_name(name, shown=name)
        if lock_holder(self.path) is not None:
            raise RunError(busy_message(self.path))
        target = self.path.with_name(name)
        # mkdir claims the name, and rename replaces an empty folder: two who want it never both get it.
        try:
            target.mkdir()
        except FileExistsError:
            raise RunError(f"{target} exists already: choose another name") from None
        except OSError as error:
            raise RunError(f"{target} cannot be made: {error.strerror}") from error
        os.rename(self.path, target)
        return Run(target)

    def delete(self) -> None:
        """Delete the run and all that is in it; raises RunError for a live one, and where the disk refuses."""
        if lock_holder(self.path) is not None:
            raise RunError(busy_message(self.path))
        try:
            shutil.rmtree(self.path)
        except OSError as error:
            raise RunError(f"{error.filename or self.path} cannot be deleted: {error.strerror}") from error


def _find(folder: Path, pattern: re.Pattern[str]) -> list[Checkpoint]:
    """The checkpoints of which a folder has the files that are called so, oldest first."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    steps = sorted(int(match[1]) for name in names if (match := pattern.fullmatch(name)))
    return [Checkpoint(step, folder / weights_name(step)) for step in steps]


def check_name(name: str, *, shown: str) -> None:
    """Raise RunError for a name that a shell, a screen or the file system would not take as it is."""
    if not is_printable(name) or "/" in name or name != name.strip() or name.startswith(("-", ".", "~")) or not shown:
        raise RunError(
            f"{shown!r} cannot name a run: expected a plain folder name, without / and signs that are not seen, "
            "and no space, -, . or ~ before it"
        )
    if name.startswith("sweep:") or name.endswith(".safetensors"):
        raise RunError(
            f"{shown!r} cannot name a run: sweep:NAME stands for the runs of a sweep, and NAME.safetensors for a file"
        )
    if len(name.encode()) > _LONGEST_NAME:
        raise RunError(f"{shown[:40]!r}... cannot name a run: {len(name.encode())} bytes are more than {_LONGEST_NAME}")
