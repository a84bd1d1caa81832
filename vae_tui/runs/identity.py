"""What makes a run that run: the keys of its recipe that stay as they are however it goes on.

The log's first `run_started` has them, and so has every checkpoint; one that differs is another run's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tomli_w

from vae_tui.errors import CheckpointError
from vae_tui.events import Event, RunStarted
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events_of

_MAY_CHANGE = {"data": ("root", "memory_gib"), "model": (), "prior": (), "likelihood": ()}
"""The tables that stay, but for these keys; images are told apart by their content."""
_STAYS = {"objective": ("name", "code"), "optimizer": ("name",), "train": ("seed", "start_from")}
"""Of the other tables, the keys that stay."""


@dataclass(frozen=True)
class Difference:
    """A key, such as "model.latent_dim", that has one `value` in a recipe and `other` in another."""

    key: str
    value: object
    other: object


def stays(table: str, key: str) -> bool:
    """Whether a key of a recipe stays as it is however the run goes on."""
    return key in _STAYS.get(table, ()) or (table in _MAY_CHANGE and key not in _MAY_CHANGE[table])


def find_differences(recipe: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Difference]:
    """Where two recipes, as tables, are those of different runs; a table that one of them lacks says nothing."""
    for table in (*_MAY_CHANGE, *_STAYS):
        ours, theirs = recipe.get(table), other.get(table)
        if not isinstance(ours, Mapping) or not isinstance(theirs, Mapping):
            continue
        if table in _MAY_CHANGE:
            # A version that knows more keys writes more of them.
            keys = [key for key in ours if key in theirs and key not in _MAY_CHANGE[table]]
        else:
            keys = list(_STAYS[table])
        for key in keys:
            if ours.get(key) != theirs.get(key):
                yield Difference(f"{table}.{key}", ours.get(key), theirs.get(key))


def why_not_of_run(recipe: object, logged: Mapping[str, Any] | None) -> str:
    """Why a checkpoint's recipe is not of the run whose log says `logged`, to follow "because"; empty where it may be."""
    if logged is None or not isinstance(recipe, Mapping):
        return ""
    found = next(find_differences(recipe, logged), None)
    if found is None:
        return ""
    return f"it was trained with {found.key} = {as_toml(found.value)}, and the run with {as_toml(found.other)}"


def first_start(run: Run) -> RunStarted | None:
    """How the run began, by its log; None where that does not say it."""
    first = next(read_events_of(run.events_path, RunStarted), None)
    return first if isinstance(first, RunStarted) else None


def other_trainer(run: Run) -> str | None:
    """The program that trains a run, by its log, where that is not vae-tui."""
    first = first_start(run)
    return (first.trainer or None) if first is not None else None


def require_own(run: Run) -> None:
    """Raise CheckpointError for a run that another program trains: there are no weights in it that we could read."""
    if (program := other_trainer(run)) is not None:
        raise CheckpointError(
            f"{run.path} was trained by another program ({program}), whose weights vae-tui cannot read; it can be "
            "looked at, with watch, runs, compare and export --csv, and only its own program goes on with it"
        )


def logged_recipe(run: Run) -> Mapping[str, Any] | None:
    """The recipe that the run began with, by its log; None where that does not say it."""
    first = first_start(run)
    return first.recipe if first is not None else None


def recipe_name(run: Run, first: Event | None) -> str:
    """The name of the recipe that a run was made of, whose log begins with `first`; empty where that is not known.

    Of a run of an older version it is the run's own name before the time, where there is one in it.
    """
    if isinstance(first, RunStarted) and first.recipe_name:
        return first.recipe_name
    stamped = re.fullmatch(r"(.+?)-\d{8}-\d{6}(-\d+)?", run.name)
    return stamped[1] if stamped else ""


def as_toml(value: object) -> str:
    """A value as a recipe has it; "nothing" for None."""
    if value is None:
        return "nothing"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    return tomli_w.dumps({"x": value}).partition("=")[2].strip()
