"""What is shown of runs in a table, sorted by and filtered by: one list of columns for every front end."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from vae_tui.errors import VaeTuiError
from vae_tui.runs.differences import changes_to_recipe
from vae_tui.runs.summary import Summary
from vae_tui.wording import MISSING, format_age, format_bytes, format_count, format_nats, format_setting

_ALIASES = {"tags": "tag", "status": "state", "phase": "state", "kl": "rate", "epochs": "epoch", "z": "latents"}
Value = float | str | tuple[str, ...] | None
"""A number, a text, several texts; None where it is not known."""


@dataclass(frozen=True)
class Column:
    """A figure or a fact of a run. `show` makes what is read of its value."""

    key: str
    title: str
    meaning: str
    value: Callable[[Summary], Value]
    show: Callable[[Any], str] = str
    is_number: bool = False


def _figure(figures: str, name: str, sign: int = 1) -> Callable[[Summary], Value]:
    def value(run: Summary) -> Value:
        measured = getattr(run, figures) or (run.train if figures == "validation" else None)
        found = (measured or {}).get(name)
        return None if found is None else sign * found

    return value


def _of_recipe(table: str, key: str) -> Callable[[Summary], Value]:
    return lambda run: recipe_value(run.recipe, table, key)


def _epochs(run: Summary) -> Value:
    return float(run.epoch) if run.epoch else None


def _join(texts: Sequence[str]) -> str:
    return " ".join(texts)


_NATS: dict[str, Any] = {"show": format_nats, "is_number": True}
_COUNT: dict[str, Any] = {"show": lambda value: format_count(round(value)), "is_number": True}

COLUMNS: dict[str, Column] = {
    column.key: column
    for column in (
        Column("state", "state", "starting, training, paused, completed, stopped, failed, interrupted", lambda run: run.phase),
        Column("name", "name", "what the run is called", lambda run: run.name),
        Column("recipe", "recipe", "the recipe it was made of", lambda run: run.recipe_name or None),
        Column("sweep", "sweep", "the sweep it is of", lambda run: run.sweep or None),
        Column("data", "data", "its images", _of_recipe("data", "name")),
        Column("changed", "changed", "what was set otherwise than in that recipe", lambda run: _changed(run), _join),
        Column("network", "network", "mlp, conv, ...", _of_recipe("model", "network")),
        Column("latents", "latents", "latent dimensions", _of_recipe("model", "latent_dim"), **_COUNT),
        Column("beta", "beta", "the weight of the rate in its last epoch", lambda run: _beta(run), format_setting, True),
        Column("seed", "seed", "the seed", _of_recipe("train", "seed"), **_COUNT),
        Column("epoch", "epoch", "the last epoch", _epochs, **_COUNT),
        Column("step", "step", "the last step", lambda run: float(run.step), **_COUNT),
        Column("best", "best", "the loss of its best checkpoint on validation images, nats", _figure("best", "loss"), **_NATS),
        Column("nelbo", "-ELBO", "the last epoch's -ELBO, nats: validation, else training", _figure("validation", "elbo", -1), **_NATS),
        Column("distortion", "distortion", "the last epoch's distortion, nats", _figure("validation", "distortion"), **_NATS),
        Column("rate", "rate", "the last epoch's rate (KL), nats", _figure("validation", "rate"), **_NATS),
        Column("active", "active", "latent dimensions with more than 0.01 nats", lambda run: _active(run), **_COUNT),
        Column("age", "age", "time since its last event: 90s, 5m, 2h, 3d", lambda run: _age(run), format_age, True),
        Column("size", "size", "its folder on disk: 500K, 20M, 1.5G", lambda run: run.size_bytes, format_bytes, True),
        Column("tag", "tags", "the tags it was given", lambda run: run.about.tags, _join),
        Column("note", "note", "the note it was given", lambda run: run.about.note),
    )
}  # fmt: skip
"""Every column by its key, in the order they are shown in."""
SHOWN = (
    *("state", "name", "data", "changed", "epoch", "best", "nelbo", "distortion", "rate", "active", "beta", "seed"),
    *("age", "size", "tag"),
)
"""The columns that are shown unless others are chosen."""
LEFT_OUT_FIRST = ("size", "tag", "seed", "active", "data", "changed", "distortion", "rate", "beta", "best", "age")
"""What a narrow terminal does without, the first first."""


def _changed(run: Summary) -> Value:
    changed = changes_to_recipe(run.recipe, run.recipe_name) if run.recipe else {}
    return tuple(f"{key.rpartition('.')[2]}={_written(value)}" for key, value in changed.items())


def _written(value: object) -> str:
    if isinstance(value, float):
        return format_setting(value)
    return f"[{','.join(map(str, value))}]" if isinstance(value, list) else str(value)


def _beta(run: Summary) -> Value:
    given = recipe_value(run.recipe, "objective", "beta")
    return run.beta if run.beta is not None else given


def _active(run: Summary) -> Value:
    return float(run.active_dimensions) if run.rate_per_dimension else None


def _age(run: Summary) -> Value:
    newest = run.updated or run.started
    return None if newest is None else max(0.0, time.time() - newest)


def show(column: Column, run: Summary) -> str:
    """What a table shows of a run in a column."""
    value = column.value(run)
    return MISSING if value is None else column.show(value)


class UnknownKey(VaeTuiError):
    """A key that no column and no recipe has, or that several tables of recipes have."""


def is_column(key: str) -> bool:
    """Whether a key is that of a column, and not of recipes."""
    return _ALIASES.get(key, key) in COLUMNS


def find_key(key: str, known: Collection[str]) -> str:
    """A column, or a key of those that are `known` of recipes, its table left out where only one has it.

    Raises UnknownKey, with what may have been meant.
    """
    key = _ALIASES.get(key, key)
    if key in COLUMNS or key in known:
        return key
    ends = sorted(one for one in known if one.endswith(f".{key}"))
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise UnknownKey(f"{key!r} may be {' or '.join(ends)}")
    if not known and "." in key:
        return key
    close = difflib.get_close_matches(key, [*COLUMNS, *known], n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(close)}?" if close else f"; there are {', '.join(COLUMNS)} and keys of recipes"
    raise UnknownKey(f"no run has {key!r}{hint}")


def sort_runs(runs: Sequence[Summary], key: str) -> list[Summary]:
    """The runs by a column or a key of their recipes, smallest first; largest first with a - before it.

    Runs without a value come last. Raises UnknownKey as `find_key` does.
    """
    descending, key = key.startswith("-"), key.removeprefix("-")
    if key not in COLUMNS:
        key = find_key(key, {name for run in runs for name in recipe_keys(run)})
    values = {id(run): value_of(run, key) for run in runs}
    known = [run for run in runs if values[id(run)] is not None]
    known.sort(key=lambda run: _order(values[id(run)]), reverse=descending)
    return known + [run for run in runs if values[id(run)] is None]


def _order(value: Value) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 0, float(value), ""
    return 1, 0.0, value if isinstance(value, str) else " ".join(value or ())


def value_of(run: Summary, key: str) -> Value:
    """The value of a column, or of a key of the recipe such as "optimizer.lr"; None where there is none."""
    if key in COLUMNS:
        return COLUMNS[key].value(run)
    table, _, name = key.partition(".")
    return recipe_value(run.recipe, table, name)


def recipe_value(recipe: dict[str, dict[str, Any]], table: str, key: str) -> Value:
    """A value of a recipe as it is compared: numbers as such, lists as texts, all else as TOML writes it."""
    value = recipe.get(table, {}).get(key)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | str):
        return value
    return tuple(map(str, value)) if isinstance(value, list) else None


def recipe_keys(run: Summary) -> set[str]:
    """Every key of a run's recipe, as "optimizer.lr"."""
    return {f"{table}.{key}" for table, keys in run.recipe.items() for key in keys}
