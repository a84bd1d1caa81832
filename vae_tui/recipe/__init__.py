"""Recipes: TOML in, a validated `Recipe` out."""

from vae_tui.recipe.reading import LoadedRecipe, find_recipe, load_recipe, parse, shipped_recipes
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
    "DataTable",
    "LikelihoodTable",
    "LoadedRecipe",
    "ModelTable",
    "ObjectiveTable",
    "OptimizerTable",
    "PriorTable",
    "Recipe",
    "find_recipe",
    "load_recipe",
    "parse",
    "shipped_recipes",
]
