"""All runs of a folder, each read again only where it changed, with the curve of each for those who draw one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from vae_tui import events as ev
from vae_tui.runs.columns import COLUMNS
from vae_tui.runs.find import list_runs
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events_of
from vae_tui.runs.summary import Summaries, Summary

_AT_FIRST, _AT_ONCE = 40, 200
"""Runs of the first part of a long list, and of each further one."""


class Overview:
    """The runs under a folder; it is read in one thread, and what it returns is used in any."""

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        self._summaries = Summaries()
        self._read_once = False
        self._curves: dict[str, tuple[Summary, tuple[float, ...]]] = {}

    def read(self, cancelled: Callable[[], bool] = lambda: False) -> Iterator[tuple[list[Summary], int]]:
        """Yield the runs, newest first, and how many there are; the first time ever more of them, until all are read.

        Raises RunError where the folder cannot be looked into.
        """
        runs, found = list_runs(self.runs_dir), []
        shown = _AT_FIRST
        for run in runs:
            if cancelled():
                return
            summary = self._summaries.of(run)
            if not self._read_once:
                _read_ahead(summary)
            found.append(summary)
            if len(found) == shown < len(runs) and not self._read_once:
                yield list(found), len(runs)
                shown += _AT_ONCE
        self._read_once = True
        yield found, len(runs)

    def curve(self, run: Summary) -> tuple[float, ...]:
        """The -ELBO of each epoch in nats, of validation images where there are some; read again where the run changed."""
        key = os.fspath(run.path)
        known = self._curves.get(key)
        if known is None or known[0] != run:
            self._curves[key] = known = run, _read_curve(run.path)
        return known[1]


def _read_ahead(run: Summary) -> None:
    """Look at what is slow to find, such as what a folder takes on disk, before anyone waits for it."""
    for key in ("size", "changed"):
        COLUMNS[key].value(run)


def _read_curve(folder: Path) -> tuple[float, ...]:
    found: dict[int, float] = {}
    for event in read_events_of(Run(folder).events_path, ev.EpochCompleted):
        assert isinstance(event, ev.EpochCompleted)
        elbo = (event.validation or event.train).get("elbo")
        if elbo is not None:
            found[event.step] = -elbo
    return tuple(found[step] for step in sorted(found))
