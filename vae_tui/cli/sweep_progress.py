"""A sweep as it goes on, for people and log files: a line for what happens to a run, and on a terminal a bar below."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from vae_tui.runs.summary import summarize
from vae_tui.text import printable
from vae_tui.wording import format_clock, format_nats

if TYPE_CHECKING:
    from vae_tui.sweep.folder import Contents, Sweep
    from vae_tui.sweep.worker import News

_WORDS = {
    "started": "started",
    "resumed": "goes on",
    "adopted": "trains already",
    "completed": "completed",
    "pruned": "pruned",
    "stopped": "stopped",
    "failed": "FAILED",
    "released": "given back",
    "died": "killed",
    "lost": "lost",
}
_SECONDS_BETWEEN_COUNTS = 2.0


class SweepProgress:
    """Shows what happens to the runs of a sweep on stderr; `silent`: only what fails."""

    def __init__(self, sweep: Sweep, contents: Contents, *, silent: bool) -> None:
        self._sweep, self._silent = sweep, silent
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._began = time.monotonic()
        self._completed_here = 0
        self._counted_at = 0.0
        self.failures = 0
        """How many runs failed while this looked on."""
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=silent,
        )
        self._task = self._progress.add_task("", total=contents.run_count)
        self._progress.start()

    def show(self, news: News | None) -> None:
        """Show what happened, if something did, and how far the whole is."""
        if news is not None:
            self.failures += news.happening == "failed"
            self._completed_here += news.happening in ("completed", "pruned")
            self._counted_at = 0.0
            if not self._silent or news.happening == "failed":
                self.note(f"{_WORDS[news.happening]:<14} {news.job.run}{self._outcome(news)}")
        if time.monotonic() - self._counted_at >= _SECONDS_BETWEEN_COUNTS:
            self._counted_at = time.monotonic()
            self._count()

    def note(self, text: str) -> None:
        """Write a line."""
        self._console.print(printable(text), markup=False)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()

    def _outcome(self, news: News) -> str:
        if news.happening in ("completed", "pruned"):
            summary = summarize(self._sweep.run_of(news.job))
            figures = summary.best or summary.validation or summary.train or {}
            elbo = figures.get("elbo")
            return f"   -ELBO {format_nats(-elbo)}" if elbo is not None else ""
        return f": {news.reason}" if news.reason and news.happening in ("failed", "died", "stopped") else ""

    def _count(self) -> None:
        contents = self._sweep.read()
        standings = self._sweep.claims.standings(job.number for job in contents.jobs).values()
        states = [standing.state for standing in standings]
        states += ["waiting"] * (contents.run_count - len(states))
        done = len(states) - states.count("waiting") - states.count("running")
        left = len(states) - done
        words = f"{states.count('running')} training, {states.count('waiting')} waiting"
        if self._completed_here and left:
            seconds = (time.monotonic() - self._began) / self._completed_here * left
            words += f", about {format_clock(seconds)} left"
        self._progress.update(self._task, completed=done, description=words)
