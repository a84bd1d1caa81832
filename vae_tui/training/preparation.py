"""From a recipe to a new run, or back to a run that goes on; without torch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from vae_tui.errors import CheckpointError, RecipeError, RunError
from vae_tui.recipe import LoadedRecipe, Recipe, load_recipe
from vae_tui.runs.commands import discard_commands
from vae_tui.runs.files import user_path
from vae_tui.runs.find import find_checkpoint, find_run
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import busy_message, lock_holder
from vae_tui.runs.metadata import read_metadata
from vae_tui.runs.status import read_status
from vae_tui.text import path_as_text

_SECONDS_TO_CLOSE_DOWN = 10.0
"""How long a trainer that has written its last event may still hold its run."""


def create_run(loaded: LoadedRecipe, runs_dir: Path, name: str | None = None) -> Run:
    """Make a run of a recipe, called `name`, or as the recipe and the time.

    Raises RunError where the name is taken, CheckpointError or RunError where the recipe starts from weights that are
    not there.
    """
    recipe = _with_absolute_paths(loaded.recipe, runs_dir)
    return Run.create(runs_dir, loaded.name if name is None else name, recipe.to_toml(), exact=name is not None)


def find_free_run(name_or_path: str, runs_dir: Path) -> Run:
    """The run to go on with; raises RunError where there is none, or it is being trained."""
    run = find_run(name_or_path, runs_dir)
    patience = time.monotonic() + _SECONDS_TO_CLOSE_DOWN
    while lock_holder(run.path) is not None:
        if read_status(run).live or time.monotonic() > patience:
            raise RunError(busy_message(run.path))
        time.sleep(0.05)
    return run


def change_recipe(run: Run, overrides: Sequence[str]) -> None:
    """Rewrite the recipe of a run to go on with where overrides change it; whose lock is held has no rival in that.

    Raises RunError where nothing is left to do, RecipeError where an override would make it another run.
    """
    before = load_recipe(str(run.recipe_path)).recipe
    recipe = load_recipe(str(run.recipe_path), overrides).recipe
    _check_same_run(run, before, recipe)
    _check_something_is_left(run, recipe)
    if recipe != before:
        run.write_recipe(recipe.to_toml())
    discard_commands(run)


def _check_same_run(run: Run, before: Recipe, recipe: Recipe) -> None:
    fixed = {
        # Images that are others by their content are refused where they are read.
        "[data]": (
            before.data,
            recipe.data.model_copy(update={"memory_gib": before.data.memory_gib, "root": before.data.root}),
        ),
        "[model]": (before.model, recipe.model),
        "[prior]": (before.prior, recipe.prior),
        "[objective] name": (before.objective.name, recipe.objective.name),
        "[likelihood]": (before.likelihood, recipe.likelihood),
        "[optimizer] name": (before.optimizer.name, recipe.optimizer.name),
        "[train] seed": (before.train.seed, recipe.train.seed),
    }
    problems = [
        f"{what} stays as it is when a run goes on; "
        f"for another, start a new run with: --set train.start_from={run.path} and the change"
        for what, (old, new) in fixed.items()
        if old != new
    ]
    if problems:
        raise RecipeError(str(run.recipe_path), problems)


def _check_something_is_left(run: Run, recipe: Recipe) -> None:
    checkpoint = run.resumable()
    if checkpoint is None:
        return
    state = read_metadata(checkpoint.state_path)
    if missing := {"step", "epoch", "epoch_is_over", "elapsed_seconds", "threads"} - state.keys():
        raise CheckpointError(f"{checkpoint.state_path} is damaged: it lacks {', '.join(sorted(missing))}")
    epochs, max_seconds = recipe.train.epochs, recipe.train.max_seconds
    go_on = f"go on with: vae-tui train --resume {run.path} --set"
    if epochs is not None and state["epoch_is_over"] and state["epoch"] >= epochs:
        raise RunError(f"{run.name} has finished its {epochs} epochs; {go_on} train.epochs={2 * epochs}")
    if max_seconds is not None and state["elapsed_seconds"] >= max_seconds:
        raise RunError(f"{run.name} has had its {max_seconds:g} seconds; {go_on} train.max_seconds={2 * max_seconds:g}")


def _with_absolute_paths(recipe: Recipe, runs_dir: Path) -> Recipe:
    """The recipe with its paths made absolute, so that a run's recipe means the same from anywhere."""
    if recipe.data.root is not None:
        root = path_as_text(str(user_path(recipe.data.root).absolute()))
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"root": root})})
    if recipe.train.start_from is not None:
        start_from = path_as_text(str(find_checkpoint(recipe.train.start_from, runs_dir).absolute()))
        recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update={"start_from": start_from})})
    return recipe
