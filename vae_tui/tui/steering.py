"""What is typed to change a setting while a run trains: suggested, and checked before it is sent."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from vae_tui.errors import RecipeError
from vae_tui.recipe import parse
from vae_tui.recipe.changes import STEERABLE, read_setting
from vae_tui.runs.commands import Set

_MEANINGS = {
    "objective.beta": "weight of the rate",
    "objective.gamma": "weight of what it penalises",
    "objective.capacity": "nats the rate is held at",
    "objective.free_bits": "nats that cost nothing",
    "optimizer.lr": "learning rate",
    "optimizer.clip_norm": "largest norm of gradients; 0: any",
    "train.epochs": "passes over the images in all",
    "train.max_seconds": "seconds of training in all",
    "train.checkpoint_epochs": "epochs between checkpoints",
    "data.shift": "pixels that training images move by",
    "data.crop": "share that training images lose of a side",
    "data.color_jitter": "how far their colours vary",
}


def suggest_settings(text: str, recipe: Mapping[str, Mapping[str, Any]]) -> Sequence[tuple[str, str]]:
    """The settings whose key has what is typed in it, as they are now, each with what it is."""
    *before, last = split_settings(text) or [""]
    typed = last.partition("=")[0].strip()
    known = {f"{table}.{key}": value for table, keys in recipe.items() for key, value in keys.items()}
    fitting = [key for key in STEERABLE if typed in key and key in known]
    if "=" in last:
        return [(text, f"now {known[key]}") for key in fitting if typed in (key, key.partition(".")[2])]
    return [(" ".join([*before, f"{key}={known[key]}"]), _MEANINGS[key]) for key in fitting]


def check_settings(text: str, recipes: Sequence[Mapping[str, Mapping[str, Any]]]) -> str | None:
    """What is wrong with "objective.beta=4 lr=3e-4" for runs of some recipes, as tables, or None."""
    try:
        settings = [read_setting(setting) for setting in split_settings(text)]
        for recipe in recipes:
            with contextlib.suppress(RecipeError):
                parse(recipe)
                # Where the recipe is that of another version, the trainer alone knows.
                for key, value in settings:
                    if problem := _problem_with(recipe, key, value):
                        return problem
    except RecipeError as error:
        return error.problems[0]
    return None


def settings_to_commands(text: str) -> list[Set]:
    """The commands that set them, in their order."""
    return [Set(*read_setting(setting)) for setting in split_settings(text)]


def split_settings(text: str) -> list[str]:
    """The settings in a text with spaces between them; there may be spaces around = too."""
    return [setting for setting in re.split(r"\s+(?=[\w.]+\s*(?:=|$))", text.strip()) if setting]


def _problem_with(recipe: Mapping[str, Mapping[str, Any]], key: str, value: float) -> str | None:
    try:
        parse(recipe, [f"{key}={value}"])
    except RecipeError as error:
        return error.problems[0]
    return None
