"""What is typed to change a setting while a run trains: suggested, and checked before it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vae_tui.errors import RecipeError
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
}


def suggest_settings(text: str, recipe: Mapping[str, Mapping[str, Any]]) -> Sequence[tuple[str, str]]:
    """The settings whose key has what is typed in it, as they are now, each with what it is."""
    typed = text.partition("=")[0].strip()
    known = {f"{table}.{key}": value for table, keys in recipe.items() for key, value in keys.items()}
    fitting = [key for key in STEERABLE if typed in key and key in known]
    if "=" in text:
        return [(text, f"now {known[key]}") for key in fitting if typed in (key, key.partition(".")[2])]
    return [(f"{key}={known[key]}", _MEANINGS[key]) for key in fitting]


def check_setting(text: str) -> str | None:
    """What is wrong with "objective.beta=4", or None."""
    try:
        read_setting(text)
    except RecipeError as error:
        return error.problems[0]
    return None


def setting_to_command(text: str) -> Set:
    """The command that sets it."""
    return Set(*read_setting(text))
