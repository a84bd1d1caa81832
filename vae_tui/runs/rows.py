"""A run's figures as rows of a table, for other programs: straight from its log, however long that is."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from vae_tui import events as ev
from vae_tui.runs.layout import Run
from vae_tui.runs.log import EventReader, read_events_of
from vae_tui.runs.machine import MACHINE, STEP_SECONDS, machine_figures

Value = float | int | str | None
_FIGURES = ("loss", "elbo", "distortion", "rate")
_SPLITS = ("train", "validation")


@dataclass(frozen=True)
class FigureTable:
    """Rows of figures under `columns`; they are read from the log as they are asked for, once."""

    columns: tuple[str, ...]
    rows: Iterable[Sequence[Value]]


def lasting_events(run: Run) -> Iterator[ev.Event]:
    """The events of a run that count, in the order of the log: what it did after a step from which it was later resumed
    does not.

    Raises RunError where the log cannot be read.
    """
    limits = _last_steps(run)
    limit = limits.pop(0) if limits else None
    for _, event in EventReader(run.events_path).read():
        if isinstance(event, ev.RunStarted):
            limit = limits.pop(0) if limits else None
        if limit is None or event.step <= limit:
            yield event


def _last_steps(run: Run) -> list[int | None]:
    """Up to which step each trainer's word counts, None: to its end; the first is of what stands before any trainer."""
    began_at = [event.resumed_from or 0 for event in read_events_of(run.events_path, ev.RunStarted)]  # type: ignore[attr-defined]
    limits: list[int | None] = [None]
    for step in reversed(began_at):
        limits.insert(0, step if limits[0] is None else min(step, limits[0]))
    return limits


def tabulate_epochs(run: Run, *, rates: bool = True) -> FigureTable:
    """A row an epoch: when, the figures of both splits, beta, lr, speed and, with `rates`, the KL of each dimension.

    Figures are in nats per image, `time` in Unix seconds, `elapsed_seconds` of training; None where there is none. Raises
    RunError where the log cannot be read.
    """
    epochs = (event for event in lasting_events(run) if isinstance(event, ev.EpochCompleted))
    first = next(epochs, None)
    dimensions = len(first.rate_per_dimension) if first and rates else 0
    columns = (
        *("step", "epoch", "time", "elapsed_seconds"),
        *(f"{split}/{figure}" for split in _SPLITS for figure in _FIGURES),
        *("beta", "lr", "images_per_second"),
        *(f"rate_{index}" for index in range(dimensions)),
    )
    every = itertools.chain([first] if first else [], epochs)
    return FigureTable(columns, (_epoch_row(event, dimensions) for event in every))


def _epoch_row(event: ev.EpochCompleted, dimensions: int) -> tuple[Value, ...]:
    validation = event.validation or {}
    rates = [*event.rate_per_dimension, *[None] * dimensions][:dimensions]
    return (
        *(event.step, event.epoch, event.time, event.elapsed_seconds),
        *(figures.get(name) for figures in (event.train, validation) for name in _FIGURES),
        *(event.beta, event.lr, event.images_per_second),
        *rates,
    )


def tabulate_steps(run: Run) -> FigureTable:
    """A row a report of the trainer: the means of training since the last one, over `steps` steps, and the machine's load.

    Units as in `tabulate_epochs`. Raises RunError where the log cannot be read.
    """
    columns = (
        *("step", "epoch", "time", "steps"),
        *(f"train/{figure}" for figure in _FIGURES),
        *("beta", "lr", "images_per_second", "gradient_norm", *MACHINE, *STEP_SECONDS),
    )
    reports = (event for event in lasting_events(run) if isinstance(event, ev.StepCompleted))
    return FigureTable(columns, map(_step_row, reports))


def _step_row(event: ev.StepCompleted) -> tuple[Value, ...]:
    return (
        *(event.step, event.epoch, event.time, event.steps),
        *(event.train.get(name) for name in _FIGURES),
        *(event.beta, event.lr, event.images_per_second, event.gradient_norm),
        *machine_figures(event).values(),
    )


def tabulate_epochs_of(runs: Mapping[str, Run]) -> FigureTable:
    """The epochs of several runs in one table, whose first column is the name given to each; without the KL of dimensions."""
    tables = {name: tabulate_epochs(run, rates=False) for name, run in runs.items()}
    columns = next(iter(tables.values())).columns
    return FigureTable(("run", *columns), ((name, *row) for name, table in tables.items() for row in table.rows))


def write_csv(table: FigureTable, file: BinaryIO) -> int:
    """Write a table as comma-separated values in UTF-8, with a line of columns; returns how many rows it has.

    A figure that was not measured or not finite is empty.
    """
    text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    count = 0
    for row in table.rows:
        writer.writerow(row)
        count += 1
    text.flush()
    text.detach()
    return count
