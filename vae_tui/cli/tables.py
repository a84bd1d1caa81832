"""Runs as tables for people and as JSON for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vae_tui.cli.output import say
from vae_tui.runs.columns import COLUMNS, Column, UnknownKey, find_key, recipe_keys, recipe_value, show
from vae_tui.runs.differences import differing_keys, flatten
from vae_tui.runs.summary import Summary
from vae_tui.text import printable
from vae_tui.wording import MISSING

_COLORS = {
    "starting": "blue",
    "training": "green",
    "paused": "yellow",
    "completed": "green",
    "stopped": "yellow",
    "failed": "red",
    "interrupted": "red",
}
_UNLIMITED = 10_000
_COMPARED = ("state", "epoch", "step", "best", "nelbo", "distortion", "rate", "active", "age", "size")


def print_runs(runs: Sequence[Summary], keys: Sequence[str], droppable: Sequence[str]) -> None:
    """A line a run on stdout; on a terminal without those of the `droppable` columns that do not fit, the first first.

    Raises VaeTuiError for a column that there is not.
    """
    columns = [_column(key, runs) for key in keys]
    cells = {column.key: [printable(show(column, run)) for run in runs] for column in columns}
    left_out = 0
    for column in list(columns):
        if column.key in droppable and not any(cell.strip(MISSING) for cell in cells[column.key]):
            columns.remove(column)
    console = _console()
    for key in droppable:
        if _width(columns, cells) <= console.width:
            break
        for column in columns:
            if column.key == key:
                columns.remove(column)
                left_out += 1
                break
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.title, justify="right" if column.is_number else "left", no_wrap=True)
    for index, run in enumerate(runs):
        table.add_row(*(_styled(column.key, cells[column.key][index], run) for column in columns))
    console.print(table)
    if left_out:
        some = "a column does not fit" if left_out == 1 else f"{left_out} columns do not fit"
        say(f"{some}; --columns chooses, --json has all")


def as_json(runs: Sequence[Summary]) -> str:
    """Every column of each run, and its recipe."""
    return json.dumps([_facts(run) for run in runs], indent=2)


def print_comparison(runs: Sequence[Summary]) -> None:
    """What differs, a line a key or a figure, a column a run."""
    console = _console()
    names = [printable(run.name) for run in runs]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", overflow="fold")
    for key in differing_keys([run.recipe for run in runs]):
        values = [_written(flatten(run.recipe).get(key)) for run in runs]
        table.add_row(Text(key, style="cyan"), *map(Text, values))
    table.add_section()
    for key in _COMPARED:
        column = COLUMNS[key]
        cells = [printable(show(column, run)) for run in runs]
        table.add_row(column.title, *(_styled(key, cell, run) for cell, run in zip(cells, runs, strict=True)))
    console.print(table)


def compare_as_json(runs: Sequence[Summary]) -> str:
    """The keys that differ with the value of each run, and the figures of each."""
    recipes = {run.name: flatten(run.recipe) for run in runs}
    keys = differing_keys([run.recipe for run in runs])
    differing = {key: {name: recipe.get(key) for name, recipe in recipes.items()} for key in keys}
    return json.dumps({"differing": differing, "runs": [_facts(run) for run in runs]}, indent=2)


def _facts(run: Summary) -> dict[str, Any]:
    values = {key: column.value(run) for key, column in COLUMNS.items()}
    values = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()
    }
    more = {"path": str(run.path), "live": run.live, "loss_name": run.loss_name, "reason": run.reason}
    figures = {name: getattr(run, name) for name in ("train", "validation", "best_step", "started", "updated")}
    return {**values, **more, **figures, "settings": run.recipe}


def _column(key: str, runs: Sequence[Summary]) -> Column:
    try:
        key = find_key(key, {name for run in runs for name in recipe_keys(run)})
    except UnknownKey as error:
        raise UnknownKey(f"--columns: {error}") from None
    if key in COLUMNS:
        return COLUMNS[key]
    table, _, name = key.partition(".")
    return Column(key, key, "", lambda run: recipe_value(run.recipe, table, name), _written)


def _written(value: object) -> str:
    if value is None:
        return MISSING
    return printable(" ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))


def _width(columns: Sequence[Column], cells: dict[str, list[str]]) -> int:
    return sum(max(Text(text).cell_len for text in (column.title, *cells[column.key])) + 2 for column in columns) - 2


def _styled(key: str, cell: str, run: Summary) -> Text:
    if key == "state":
        return Text(cell, style=_COLORS[run.phase])
    return Text(cell, style="bold" if key == "name" else "")


def _console() -> Console:
    return Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else _UNLIMITED)
