"""From a recipe to a new run, or back to a run that goes on; without torch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from vae_tui.errors import CheckpointError, DataError, RecipeError, RunError
from vae_tui.events import RunStarted
from vae_tui.recipe import Change, LoadedRecipe, Recipe, add_change, load_recipe, parse
from vae_tui.runs.best import recorded_objective_since
from vae_tui.runs.commands import discard_commands
from vae_tui.runs.files import remove_unfinished, user_path
from vae_tui.runs.find import find_checkpoint, find_run
from vae_tui.runs.identity import as_toml, stays
from vae_tui.runs.images import locate_images
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import busy_message, lock_holder
from vae_tui.runs.log import EventReader
from vae_tui.runs.resume import ResumePoint, find_resume_point
from vae_tui.runs.status import read_status
from vae_tui.runs.trust import require_trust, trust
from vae_tui.text import path_as_text
from vae_tui.training.patience import Patience

_STAYS = "stays as it is when a run goes on:"
_SECONDS_TO_CLOSE_DOWN = 10.0
"""How long a trainer that has written its last event may still hold its run."""


def create_run(loaded: LoadedRecipe, runs_dir: Path, name: str | None = None) -> Run:
    """Make a run of a recipe, called `name`, or as the recipe and the time.

    Raises RunError where the name is taken, DataError where its images are not there, CheckpointError or RunError where the recipe starts from weights that are
    not there.
    """
    recipe = _with_absolute_paths(loaded.recipe, runs_dir)
    if recipe.data.root is not None and not user_path(recipe.data.root).exists():
        raise DataError(f"{recipe.data.root} is not there; [data] root names it, relative to where you are")
    if loaded.has_own_file:
        for _, code in recipe.own.values():
            trust(code)
    require_trust(recipe, loaded.name)
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


@dataclass(frozen=True)
class Resumption:
    """How a run goes on: from `point` (None: from its beginning), by `recipe`; `changed`: that is not its recipe.toml yet."""

    point: ResumePoint | None
    recipe: Recipe
    changed: bool = False
    changes: tuple[str, ...] = ()
    """A sentence on each key that differs from what the run was trained with so far, and on what follows from that."""
    objective_since: int = 0
    """The step from which on the run minimises what its `recipe` says."""

    @property
    def step(self) -> int:
        """The step it goes on from."""
        return self.point.checkpoint.step if self.point else 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of the checkpoint it goes on from."""
        return (*(self.point.notes if self.point else ()), *self.changes)


def prepare_to_resume(run: Run, job: TrainingJob) -> Resumption:
    """Find out how a run goes on, whose lock this process holds, and clear what killed trainers left in it.

    The recipe the run was trained with is the one in its checkpoint. Raises RunError where nothing is left to do,
    CheckpointError where it cannot go on exactly, RecipeError where its recipe.toml or an override would make it another
    run; the run then is as it was.
    """
    point = find_resume_point(run, job.from_step)
    trained = _recipe_trained(run, point)
    written, lost = _recipe_written(run, trained)
    step = point.checkpoint.step if point else 0
    recipe = _with_absolute_paths(_override(run, written, job.overrides, step), job.runs_dir)
    if trained is not None:
        back = f"put that back, or for another start a new run with: --set train.start_from={run.path} and the change"
        _check_same_run(trained, written, str(run.recipe_path), "was edited:", back)
        settings = _as_typed(job.overrides)
        _check_same_run(trained, recipe, settings, _STAYS, _way_to_another(run, settings))
    if recipe.data.root is not None:
        # What was named just now is meant; what was recorded may have been moved since.
        data_root = job.data_root if recipe.data.root == written.data.root else None
        recipe = _find_images(recipe, [recipe.data.root], data_root)
    require_trust(recipe, str(run.path))
    _check_something_is_left(run, point, recipe, changed=recipe != written)
    for folder in (run.images_path, run.commands_path):
        if folder.exists() and not folder.is_dir():
            raise RunError(f"{folder} is no folder: remove it, it is made anew")
    for folder in (run.path, run.images_path, run.snapshots_path, run.averages_path, run.commands_path):
        remove_unfinished(folder)
    discard_commands(run)
    before = (trained or recipe).model_copy(update={"changes": written.changes}).at(step)
    after = recipe.at(step)
    changes, since = list(_describe_changes(before, after)), 0
    if point is not None and trained is not None:
        since = max(recorded_objective_since(point.metadata), written.objective_since(step))
        if before.objective.once_scheduled != after.objective.once_scheduled:
            since = step
            changes.append(f"what is minimised is another from here on: the best begins anew after step {since:,}")
    if lost:
        source = point.checkpoint.path.name if point else run.events_path.name
        changes.insert(0, f"{run.recipe_path.name} was not there, or empty; it is written anew, as {source} has it")
    return Resumption(point, recipe, lost or recipe != written, tuple(changes), since)


def _recipe_written(run: Run, trained: Recipe | None) -> tuple[Recipe, bool]:
    """What the run's recipe.toml says, or, where that is lost, what the run was trained with; and whether it is lost."""
    path = run.recipe_path
    if path.is_file():
        try:
            # What was being written as the power went is empty.
            if trained is None or path.read_bytes().strip(b"\0 \r\n\t"):
                return load_recipe(str(path)).recipe, False
        except RecipeError as error:
            if trained is None:
                raise
            way_out = "mend it, or move it away, and it is written anew as the run was trained"
            raise RecipeError(str(path), [*error.problems, way_out]) from error
        return trained, True
    if path.exists():
        raise RunError(f"{path} is no file, expected the run's recipe: move it away, and it is written anew")
    if trained is None:
        raise RunError(
            f"{path} is not there, and neither a checkpoint nor {run.events_path.name} has the recipe: put it back, or "
            "start a new run"
        )
    return trained, True


def _override(run: Run, written: Recipe, overrides: Sequence[str], step: int) -> Recipe:
    """The recipe with overrides on top; raises RecipeError on the overrides, for by itself it is right.

    A key that was changed while the run trained is changed once more, at the step it goes on from.
    """
    settings = _as_typed(overrides)
    try:
        recipe, _ = parse(written.document(), overrides, source=settings or str(run.recipe_path))
        for key in dict.fromkeys(override.partition("=")[0].strip() for override in overrides):
            if any(change.key == key for change in written.changes):
                recipe = _change_again(recipe, written, key, step)
        return recipe
    except RecipeError as error:
        # With another image set or network much else is wrong: first things first.
        for override in overrides:
            name, _, text = override.partition("=")
            table, _, key = name.strip().partition(".")
            value = written.resolved().get(table, {}).get(key)
            if stays(table, key) and text.strip().strip("\"'") != str(value):
                known = f"the run was trained with {as_toml(value)}"
                way_out = _way_to_another(run, settings)
                raise RecipeError(settings, [f"[{table}] {key} {_STAYS} {known}; {way_out}"]) from error
        raise


def _change_again(recipe: Recipe, written: Recipe, key: str, step: int) -> Recipe:
    value = recipe.value(key)
    earlier = tuple(change for change in recipe.changes if change.key != key or change.step <= step)
    recipe = recipe.with_value(key, written.value(key)).model_copy(update={"changes": earlier})
    return (
        recipe if recipe.at(step).value(key) == value else add_change(recipe, Change(step=step, key=key, value=value))
    )


def _as_typed(overrides: Sequence[str]) -> str:
    return " ".join(f"--set {override}" for override in overrides)


def _way_to_another(run: Run, settings: str) -> str:
    return f"leave that out, or start a new run with: vae-tui train {run.recipe_path} {settings}"


def _find_images(recipe: Recipe, roots: Sequence[str], data_root: Path | None) -> Recipe:
    """The recipe with the absolute path of its images, which are there; raises DataError where they are not."""
    if not roots:
        return recipe
    root = locate_images(roots, recipe.data.name, data_root)
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"root": root})})


def _recipe_trained(run: Run, point: ResumePoint | None) -> Recipe | None:
    """The recipe the run's figures are of: its checkpoint's, else that of its log; None where it has neither."""
    if point is not None:
        tables, source = point.metadata.get("recipe", {}), str(point.checkpoint.path)
    else:
        started = (event for _, event in EventReader(run.events_path).read() if isinstance(event, RunStarted))
        first = next(started, None)
        if first is None:
            return None
        tables, source = first.recipe, str(run.events_path)
    try:
        return parse(tables, source=f"{source} (its recipe)")[0]
    except RecipeError as error:
        raise CheckpointError(f"{source} holds no recipe that this version knows: {error}") from error


def _check_same_run(trained: Recipe, recipe: Recipe, source: str, why: str, way_out: str) -> None:
    """Raise RecipeError, on `source`, where a recipe is that of another run than was trained."""
    fixed = {
        # Images that are others by their content are refused where they are read.
        "[data]": (
            trained.data,
            recipe.data.model_copy(update={"memory_gib": trained.data.memory_gib, "root": trained.data.root}),
        ),
        "[model]": (trained.model, recipe.model),
        "[prior]": (trained.prior, recipe.prior),
        "[objective] name": (trained.objective.name, recipe.objective.name),
        "[objective] code": (trained.objective.code, recipe.objective.code),
        "[likelihood]": (trained.likelihood, recipe.likelihood),
        "[optimizer] name": (trained.optimizer.name, recipe.optimizer.name),
        "[train] seed": (trained.train.seed, recipe.train.seed),
        "[train] start_from": (trained.train.start_from, recipe.train.start_from),
    }
    problems = [
        f"{what} {why} the run was trained with {'other code' if 'code' in what else _describe(old, new)}; {way_out}"
        for what, (old, new) in fixed.items()
        if old != new
    ]
    if problems:
        raise RecipeError(source, problems)


def _describe(old: object, new: object) -> str:
    """What was different before, as TOML has it."""
    if not isinstance(old, BaseModel) or not isinstance(new, BaseModel):
        return as_toml(old)
    before, after = old.model_dump(), new.model_dump()
    named = {
        key: "other code" if key == "code" else as_toml(before[key]) for key in before if before[key] != after[key]
    }
    return ", ".join(f"{key} = {value}" for key, value in named.items())


def _describe_changes(trained: Recipe, recipe: Recipe) -> Iterator[str]:
    before, after = trained.resolved(), recipe.resolved()
    for table in after:
        for key in sorted(before.get(table, {}).keys() | after[table].keys()):
            old, new = before.get(table, {}).get(key), after[table].get(key)
            if old != new:
                yield f"from here on {table}.{key} = {as_toml(new)}; until now it was {as_toml(old)}"


def _check_something_is_left(run: Run, point: ResumePoint | None, recipe: Recipe, *, changed: bool) -> None:
    """A run that was killed after its last checkpoint and before its last event has its end still to write."""
    if point is None or (read_status(run).phase != "completed" and not changed):
        return
    train, state = recipe.at(point.checkpoint.step).train, point.state
    epochs, max_seconds = train.epochs, train.max_seconds
    go_on = f"go on with: vae-tui train --resume {run.path} --set"
    trained, seconds = state["epoch"] - (not state["epoch_is_over"]), state["elapsed_seconds"]
    if epochs is not None and trained > epochs:
        wanted = f"train.epochs = {epochs} asks for fewer than the {trained} epochs that {run.name} has trained"
        raise RunError(f"{wanted}; {go_on} train.epochs={2 * trained}")
    if epochs is not None and trained == epochs:
        count = f"{epochs} epoch{'s' if epochs != 1 else ''}"
        raise RunError(f"{run.name} has finished its {count}; {go_on} train.epochs={2 * epochs}")
    patience = Patience()
    patience.restore(state.get("patience", {}))
    if waited := patience.verdict(recipe.at(point.checkpoint.step)):
        raise RunError(f"{run.name} has ended after {waited}; {go_on} train.patience={2 * (train.patience or 1)}")
    if max_seconds is not None and seconds >= max_seconds:
        more = math.ceil(2 * max(seconds, max_seconds))
        raise RunError(f"{run.name} has had its {max_seconds:g} seconds; {go_on} train.max_seconds={more}")


def _with_absolute_paths(recipe: Recipe, runs_dir: Path) -> Recipe:
    """The recipe with its paths made absolute, so that a run's recipe means the same from anywhere."""
    if recipe.data.root is not None:
        root = path_as_text(str(user_path(recipe.data.root).absolute()))
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"root": root})})
    if recipe.train.start_from is not None:
        start_from = path_as_text(str(find_checkpoint(recipe.train.start_from, runs_dir).absolute()))
        recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update={"start_from": start_from})})
    return recipe
