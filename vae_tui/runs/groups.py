"""Runs that belong together: those of one recipe, and those that differ in nothing but their seeds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from vae_tui.runs.summary import Summary

_MAY_DIFFER = {"train.seed"}
_SEED = re.compile(r"seed=\d+,|[,-]seed=\d+$")


@dataclass(frozen=True)
class RunGroup:
    """Runs, and what to call them."""

    name: str
    runs: tuple[Summary, ...]


def group_by_recipe(runs: Sequence[Summary]) -> list[RunGroup]:
    """Those of a sweep together, and of the others those made of a recipe, whatever was set, in the order of the first of each.

    Where the recipe's name is not known, those that differ in their seeds alone.
    """

    def key(run: Summary) -> str:
        return f"sweep:{run.sweep}" if run.sweep else run.recipe_name or _key(run)

    groups = _grouped(runs, key)
    return [RunGroup(key(members[0]) if members[0].sweep else _name(members), members) for members in groups]


def group_seeds(runs: Sequence[Summary]) -> list[RunGroup]:
    """Those together that differ in their seeds alone, in the order of the first run of each.

    Those of a sweep are called by what else they differ in: they are all of one recipe.
    """
    return [
        RunGroup(_setting(members) if members[0].sweep else _name(members), members) for members in _grouped(runs, _key)
    ]


def _grouped(runs: Sequence[Summary], key: Callable[[Summary], str]) -> list[tuple[Summary, ...]]:
    groups: dict[str, list[Summary]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return [tuple(members) for members in groups.values()]


def _key(run: Summary) -> str:
    if not run.recipe:
        return run.name
    values = {
        f"{table}.{key}": value
        for table, keys in run.recipe.items()
        for key, value in keys.items()
        if f"{table}.{key}" not in _MAY_DIFFER
    }
    return json.dumps(values, sort_keys=True, default=str)


def _name(runs: Sequence[Summary]) -> str:
    """The recipe's name, or what the names of its runs begin with."""
    names = {run.recipe_name or run.name for run in runs}
    if len(names) == 1:
        return names.pop()
    return _common_beginning(names) or min(names)


def _setting(runs: Sequence[Summary]) -> str:
    """What the names of a sweep's runs have in common, but for their seeds."""
    names = {_SEED.sub("", run.name) for run in runs}
    return _common_beginning(names) or min(names)


def _common_beginning(names: Collection[str]) -> str:
    first, last = min(names), max(names)
    same = next((index for index, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:same].rstrip("-_. ,=")
