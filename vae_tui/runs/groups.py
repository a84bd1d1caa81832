"""Runs that belong together: those of one recipe, which differ in nothing but their seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from vae_tui.runs.summary import Summary

_MAY_DIFFER = {"train.seed"}


@dataclass(frozen=True)
class RunGroup:
    """Runs of one recipe, and what to call them."""

    name: str
    runs: tuple[Summary, ...]


def group_runs(runs: Sequence[Summary]) -> list[RunGroup]:
    """The groups, in the order of the first run of each; the runs of each in their order."""
    groups: dict[str, list[Summary]] = {}
    for run in runs:
        groups.setdefault(_key(run), []).append(run)
    return [RunGroup(_name(members), tuple(members)) for members in groups.values()]


def _key(run: Summary) -> str:
    if not run.recipe:
        return run.recipe_name
    values = {
        f"{table}.{key}": value
        for table, keys in run.recipe.items()
        for key, value in keys.items()
        if f"{table}.{key}" not in _MAY_DIFFER
    }
    return json.dumps(values, sort_keys=True, default=str)


def _name(runs: Sequence[Summary]) -> str:
    """The recipe's name, or what the names of its runs begin with."""
    names = {run.recipe_name for run in runs}
    if len(names) == 1:
        return names.pop()
    first, *_, last = sorted(names)
    same = next((index for index, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:same].rstrip("-_. ") or first
