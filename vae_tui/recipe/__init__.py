"""Recipes: TOML in, a validated `Recipe` out."""

from vae_tui.recipe.changes import STEERABLE, Change
from vae_tui.recipe.reading import (
    LoadedRecipe,
    add_change,
    find_recipe,
    load_recipe,
    parse,
    shipped_recipes,
    shipped_sweeps,
)
from vae_tui.recipe.tables import (
    DataTable,
    LikelihoodTable,
    ModelTable,
    ObjectiveTable,
    OptimizerTable,
    PriorTable,
    Recipe,
)

__all__ = [
    "STEERABLE",
    "Change",
    "DataTable",
    "LikelihoodTable",
    "LoadedRecipe",
    "ModelTable",
    "ObjectiveTable",
    "OptimizerTable",
    "PriorTable",
    "Recipe",
    "add_change",
    "find_recipe",
    "load_recipe",
    "parse",
    "shipped_recipes",
    "shipped_sweeps",
]
