"""What is changed while a run trains: taken into its recipe first, then made by every rank before the next step."""

from __future__ import annotations

import copy
from typing import Any

from vae_tui.errors import RecipeError, RunError
from vae_tui.recipe import Change, Recipe, add_change
from vae_tui.runs.identity import as_toml
from vae_tui.runs.layout import Run
from vae_tui.training.augmentation import shift_errors
from vae_tui.training.course import Course
from vae_tui.training.trainer import Trainer


class Steering:
    """The changes of a run that trains; `recipe` has those it began with."""

    def __init__(self, run: Run, recipe: Recipe, trainer: Trainer, course: Course) -> None:
        self._run, self._recipe, self._trainer, self._course = run, recipe, trainer, course
        self._answered: set[tuple[int, str]] = set()

    @property
    def present(self) -> Recipe:
        """The recipe by which the next step is taken, once all that was asked for is made."""
        return self._recipe.at(self._trainer.step_count)

    def change(self, change: Change) -> Change:
        """Change the recipe from a step on; what is returned has the value as the recipe has it.

        Its file is written first, so that what is answered outlives this process. Raises RunError where the recipe would
        be wrong, where it says so already, and where it cannot be written.
        """
        try:
            recipe = add_change(self._recipe, change)
        except RecipeError as error:
            raise RunError("; ".join(error.problems)) from error
        _, _, height, width = self._trainer.images.pixels.shape
        if problems := list(shift_errors(recipe, (height, width))):
            raise RunError("; ".join(problems))
        value = recipe.at(change.step).value(change.key)
        trained = self._trainer.epoch
        if change.key == "train.epochs" and value is not None and value < trained:
            raise RunError(
                f"train.epochs = {value} asks for fewer than the {trained:,} epochs that have begun; "
                f"{trained} ends it after this one, and now: vae-tui stop {self._run.shown}"
            )
        if value == self._recipe.at(change.step).value(change.key):
            raise RunError(f"{change.key} is {as_toml(value)} already")
        try:
            self._run.write_recipe(recipe.to_toml())
        except OSError as error:
            path = self._run.shown / self._run.recipe_path.name
            raise RunError(f"{path} cannot be written: {error.strerror}") from error
        change = change.model_copy(update={"value": value})
        self._recipe = recipe
        self._answered.add((change.step, change.key))
        self._course.request_change(change)
        return change

    def is_answered(self, change: Change) -> bool:
        """Whether a change was sent, and so is reported already."""
        return (change.step, change.key) in self._answered

    def facts(self, change: Change) -> dict[str, Any]:
        """What readers of the log need to know of a change: with one of the loss, what that is called from here on."""
        facts = {"key": change.key, "value": change.value}
        if not change.is_of_loss:
            return facts
        objective = copy.copy(self._trainer.objective)
        objective.table = self.present.objective
        return facts | {"loss": objective.loss_name}
