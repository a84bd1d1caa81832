"""What was changed while a run trained: `[[changes]]`, each from a step on."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from vae_tui.errors import RecipeError

STEERABLE = (
    "objective.beta",
    "objective.gamma",
    "objective.capacity",
    "objective.free_bits",
    "optimizer.lr",
    "optimizer.clip_norm",
    "train.epochs",
    "train.max_seconds",
    "train.checkpoint_epochs",
    "data.shift",
    "data.crop",
    "data.color_jitter",
)
"""The keys that can be changed while a run trains."""


class Change(BaseModel):
    """From `step` on, counted from 0, the run trains as if its recipe's `key` had this `value`."""

    model_config = ConfigDict(frozen=True)

    step: int
    key: str
    value: Any

    @property
    def is_of_loss(self) -> bool:
        """Whether losses before and after it do not compare."""
        return self.key.startswith("objective.")


def read_setting(text: str) -> tuple[str, float]:
    """The key and the number of "objective.beta=4"; a key may be given without its table where one table alone has it.

    Raises RecipeError where it is none, or where the key cannot be changed.
    """
    key, equals, written = text.partition("=")
    key, expected = key.strip(), "expected KEY=VALUE, such as objective.beta=4"
    if not equals or not key:
        raise RecipeError(text, [expected])
    fitting = [one for one in STEERABLE if key in (one, one.partition(".")[2])]
    if not fitting:
        raise RecipeError(text, [f"{key} cannot be changed while a run trains; what can: {', '.join(STEERABLE)}"])
    try:
        value = tomllib.loads(f"value = {written}")["value"]
    except (ValueError, KeyError, RecursionError):
        value = None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise RecipeError(text, [f"{key}: expected a number, got {written.strip()!r}"])
    return fitting[0], value


def read_changes(given: object, problems: list[str]) -> tuple[Change, ...]:
    """The changes in a recipe's `changes`, whose values are not looked at; what is wrong is added to `problems`."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        problems.append(f"changes: expected tables, [[changes]], got {given!r}")
        return ()
    changes: list[Change] = []
    for number, table in enumerate(given, 1):
        name = f"[[changes]] {number}"
        if not isinstance(table, Mapping) or set(table) != {"step", "key", "value"}:
            problems.append(f"{name}: expected a table of step, key and value, got {table!r}")
            continue
        step, key = table["step"], table["key"]
        if not isinstance(step, int) or isinstance(step, bool) or step < 0:
            problems.append(f"{name}: step: expected an integer, at least 0, got {step!r}")
        elif changes and step < changes[-1].step:
            problems.append(f"{name}: step {step} comes after step {changes[-1].step}; expected them in their order")
        elif key not in STEERABLE:
            problems.append(f"{name}: key: expected one of {', '.join(STEERABLE)}, got {key!r}")
        else:
            changes.append(Change(step=step, key=key, value=table["value"]))
    return tuple(changes)
