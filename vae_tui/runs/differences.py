"""What differs between recipes: between a run's and the one it was made of, and among those of several runs."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

Tables = Mapping[str, Mapping[str, Any]]
"""A recipe as its tables."""


def flatten(tables: Tables) -> dict[str, Any]:
    """A recipe's values by key, as "optimizer.lr"; of code its digest, which tells it from other code."""
    flat = {f"{table}.{key}": value for table, keys in tables.items() for key, value in keys.items()}
    for key in ("model.code", "likelihood.code", "objective.code"):
        if isinstance(code := flat.get(key), str):
            flat[key] = hashlib.sha256(code.encode()).hexdigest()[:8]
    return flat


def changes_to_recipe(tables: Tables, recipe: str) -> dict[str, Any]:
    """What a run's recipe has otherwise than the shipped `recipe`, or where there is none than the defaults."""
    given, base = flatten(tables), _shipped(recipe)
    return {key: value for key, value in given.items() if key not in base or base[key] != value}


def differing_keys(recipes: Sequence[Tables]) -> list[str]:
    """The keys in which recipes differ, in the order of their tables; one that only some have differs."""
    flat = [flatten(tables) for tables in recipes]
    keys = dict.fromkeys(key for one in flat for key in one)
    return [key for key in keys if any(key not in one or one[key] != flat[0].get(key) for one in flat)]


@functools.lru_cache(maxsize=256)
def _shipped(name: str) -> dict[str, Any]:
    from vae_tui.errors import RecipeError  # noqa: PLC0415
    from vae_tui.recipe import Recipe, load_recipe, shipped_recipes  # noqa: PLC0415 - pydantic, for this alone

    stems = {stem.rpartition("/")[2] for stem in shipped_recipes()}
    try:
        return flatten((load_recipe(name).recipe if name in stems else Recipe()).resolved())
    except RecipeError:
        return flatten(Recipe().resolved())
