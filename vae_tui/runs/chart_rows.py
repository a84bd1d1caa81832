"""The figures that a chart is drawn of as rows of a table, every value that was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vae_tui.runs.history import History
from vae_tui.runs.rows import FigureTable, Value
from vae_tui.runs.series import Series

_NAMES = {"negative_elbo": "-elbo"}
"""What figures are called in tables where that is not their name."""


def tabulate_charts(histories: Mapping[str, History], figures: Sequence[str]) -> FigureTable:
    """A row a step of each run at which one of these figures was measured, of training or of validation images.

    Where each run was then has three columns: step, epoch and seconds of training. Figures are in nats per image where
    they are such, and empty where they were not measured or not finite.
    """
    columns = {
        f"{split}/{_NAMES.get(figure, figure)}": (split, figure) for split, figure in _measured(histories, figures)
    }
    rows = [row for name, history in histories.items() for row in _rows(name, history, list(columns.values()))]
    return FigureTable(("run", "step", "epoch", "seconds", *columns), rows)


def _measured(histories: Mapping[str, History], figures: Sequence[str]) -> Iterator[tuple[str, str]]:
    for figure in figures:
        for split in ("train", "validation"):
            if any(len(_series(history, split, figure) or ()) for history in histories.values()):
                yield split, figure


def _series(history: History, split: str, figure: str) -> Series | None:
    return (history.train if split == "train" else history.validation).get(figure)


def _rows(name: str, history: History, columns: Sequence[tuple[str, str]]) -> Iterator[Sequence[Value]]:
    found: dict[int, tuple[float, list[Value]]] = {}
    for index, (split, figure) in enumerate(columns):
        series = _series(history, split, figure)
        if series is not None:
            for step, seconds, value in zip(series.steps, series.seconds, series.values, strict=True):
                found.setdefault(step, (seconds, [None] * len(columns)))[1][index] = value
    for step, (seconds, values) in sorted(found.items()):
        yield name, step, round(step / history.steps_per_epoch, 6), seconds, *values
