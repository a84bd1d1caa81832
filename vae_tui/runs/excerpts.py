"""What of runs others may want to have as text: paths, commands, figures, recipes. Nothing in them is hidden."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from vae_tui.errors import RunError
from vae_tui.runs.columns import COLUMNS, Value
from vae_tui.runs.files import read_small
from vae_tui.runs.find import how_to_go_on, name_to_type
from vae_tui.runs.history import FIGURES, Moment
from vae_tui.runs.identity import other_trainer
from vae_tui.runs.layout import Run
from vae_tui.runs.summary import Summary
from vae_tui.text import printable
from vae_tui.wording import format_count, format_nats

_NOT_COPIED = ("size",)
"""Columns that take long to find."""


def path_of(run: Run) -> str:
    """Where a run is, from the root on."""
    return printable(str(run.path.absolute()))


def command_for(run: Run, *, live: bool) -> str:
    """The command that goes on with a run, or shows one that is trained, or that another program's trainer has to go on with."""
    return f"vae-tui watch {name_to_type(run)}" if live or other_trainer(run) else how_to_go_on(run)


def read_recipe_text(run: Run) -> str:
    """A run's recipe as TOML; raises RunError where it cannot be read."""
    try:
        return read_small(run.recipe_path).decode("utf-8", "replace")
    except OSError as error:
        raise RunError(f"{run.recipe_path} cannot be read: {error.strerror}") from error


def describe_moment(run: Run, moment: Moment) -> str:
    """Where a run is and what it was at a moment, in a line or two."""
    parts = [f"step {format_count(moment.step)}, epoch {format_count(moment.epoch)}"]
    for split, figures in (("training", moment.train), ("validation", moment.validation)):
        if figures.get("negative_elbo") is not None:
            nats = {name: format_nats(figures.get(name)) for name in FIGURES}
            parts.append(f"{split} -ELBO {nats['negative_elbo']}, distortion {nats['distortion']}, rate {nats['rate']}")
    if moment.best is not None:
        parts.append(f"best at step {format_count(moment.best.step)}")
    return f"{path_of(run)}\n{'; '.join(parts)}\n"


def tabulate_moment(moment: Moment) -> str:
    """The figures of a moment as a line of names and a line of values, with tabs between; nats per image."""
    row: dict[str, Value] = {"step": moment.step, "epoch": moment.epoch, "seconds": moment.seconds}
    row |= {f"train/{name}" if name in FIGURES else name: value for name, value in moment.train.items()}
    row |= {f"validation/{name}": value for name, value in moment.validation.items()}
    return _as_tsv(row, [row])


def tabulate_summaries(runs: Sequence[Summary]) -> str:
    """All columns of runs as a line of their keys and a line a run, with tabs between."""
    columns = {key: column for key, column in COLUMNS.items() if key not in _NOT_COPIED}
    return _as_tsv(columns, [{key: column.value(run) for key, column in columns.items()} for run in runs])


def _as_tsv(names: Iterable[str], rows: Sequence[Mapping[str, Value]]) -> str:
    lines = [list(names), *(list(map(_as_cell, row.values())) for row in rows)]
    return "".join("\t".join(line) + "\n" for line in lines)


def _as_cell(value: Value) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, tuple):
        value = " ".join(value)
    return printable(value) if isinstance(value, str) else f"{value:.10g}"
