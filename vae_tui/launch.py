"""From a recipe to a run, and from a run to its trainer: a process that outlives the terminal it was started from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from vae_tui.recipe import LoadedRecipe, Recipe
from vae_tui.run import Run, find_checkpoint


def create_run(loaded: LoadedRecipe, runs_dir: Path, name: str | None = None) -> Run:
    """Make a run of a recipe, called `name`, or as the recipe and the time.

    Raises RunError where the name is taken, CheckpointError or RunError where the recipe starts from weights that are
    not there.
    """
    recipe = _with_absolute_paths(loaded.recipe, runs_dir)
    return Run.create(runs_dir, name or loaded.name, recipe.to_toml(), exact=name is not None)


def start_trainer(run: Run, *, device: str, data_root: Path | None, resume: bool = False) -> subprocess.Popen[bytes]:
    """Start training `run` in a process of its own, its output going to the run's worker.log."""
    command = [sys.executable, "-m", "vae_tui.training", str(run.path), "--device", device]
    if data_root is not None:
        command += ["--data-root", str(data_root)]
    if resume:
        run.discard_commands()
        command.append("--resume")
    with run.worker_log_path.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )


def _with_absolute_paths(recipe: Recipe, runs_dir: Path) -> Recipe:
    """The recipe with its paths made absolute, so that a run's recipe means the same from anywhere."""
    if recipe.data.root is not None:
        root = str(Path(recipe.data.root).expanduser().absolute())
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"root": root})})
    if recipe.train.start_from is not None:
        start_from = str(find_checkpoint(recipe.train.start_from, runs_dir).absolute())
        recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update={"start_from": start_from})})
    return recipe
