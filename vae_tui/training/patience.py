"""How long no epoch has validated better than the best: what ends a run early, and what a plateau's learning rate goes by."""

from __future__ import annotations

from typing import Any

from vae_tui.recipe import Recipe
from vae_tui.runs.best import is_better
from vae_tui.wording import counted


class Patience:
    """Follows the validation loss from epoch to epoch; the same on every rank, as they all have the same losses."""

    def __init__(self) -> None:
        self._best: float | None = None
        self._best_epoch = 0
        """The epoch that validated best, counted from 1; 0: none yet."""
        self._without = 0
        """Epochs since then."""
        self._since_drop = 0
        """Of these, those since the learning rate fell last."""
        self._drops = 0

    def look(self, loss: float, epoch: int, recipe: Recipe) -> None:
        """Take note of an epoch's loss, which is compared once the objective's weights rise no more."""
        if epoch < settled_after(recipe):
            return
        if is_better(loss, self._best):
            self._best, self._best_epoch = loss, epoch
            self._without = self._since_drop = 0
            return
        self._without += 1
        self._since_drop += 1
        wanted = recipe.optimizer.plateau_epochs
        if recipe.optimizer.schedule == "plateau" and self._since_drop >= wanted:
            self._drops += 1
            self._since_drop = 0

    def begin_anew(self) -> None:
        """Forget the losses, as those to come are of another objective; the learning rate stays where it is."""
        self._best, self._best_epoch, self._without, self._since_drop = None, 0, 0, 0

    def factor(self, recipe: Recipe) -> float:
        """What the learning rate is multiplied by."""
        return recipe.optimizer.gamma**self._drops if recipe.optimizer.schedule == "plateau" else 1.0

    def verdict(self, recipe: Recipe) -> str:
        """For how long the run has waited for a better epoch, once that is long enough to end it; else nothing."""
        patience = recipe.train.patience
        if patience is None or self._without < patience:
            return ""
        return f"{counted(patience, 'epoch')} without a better one than epoch {self._best_epoch}"

    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        return dict(vars(self))

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave; a version before had none."""
        for name in vars(self).keys() & state.keys():
            setattr(self, name, state[name])


def settled_after(recipe: Recipe) -> float:
    """The epochs after which the weights of the objective rise no more; those of a cycle are taken as they come."""
    table = recipe.objective
    if table.name == "capacity":
        return table.capacity_epochs
    return 0.0 if table.schedule == "cyclical" else table.warmup_epochs
