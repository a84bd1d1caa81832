"""What a large sweep costs: to claim a job of it, to look over it, and to show it on a screen.

    python benchmarks/sweeps.py [--jobs 500] [--completed 400] [--epochs 50] [--out sweeps.json]

`claim` is a worker's next job, `first claim` that of one just started, `standings` how all jobs stand, all in milliseconds;
from the start of the app `paint` is to its first paint, `rows` to the first figures, `open` to those of all runs, in seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from turns import table, write

from vae_tui import events as ev
from vae_tui.runs.layout import Run
from vae_tui.runs.log import EventWriter
from vae_tui.sweep.claims import Claims
from vae_tui.sweep.folder import Contents, Job, Sweep, make_sweep
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.sweep import SweepScreen

SIZE = (120, 40)


def make(folder: Path, jobs: int, completed: int, epochs: int) -> Sweep:
    """A sweep of so many jobs, the first of them completed, five seeds a setting."""
    listed = tuple(
        Job(number, {"optimizer.lr": 1e-4 * (1 + number // 5), "train.seed": number % 5}, f"large-{number:04d}")
        for number in range(1, jobs + 1)
    )
    keys = ("optimizer.lr", "train.seed")
    sweep = make_sweep(folder / "checkpoints", "large", "", Contents("fc20", {}, keys, listed))
    random = np.random.default_rng(0)
    for job in listed[:completed]:
        sweep.claims.claim([job.number])
        sweep.claims.end(job.number, 1, "completed")
        run = Run.create(sweep.runs_dir, job.run, "[train]\nepochs = 50\n", exact=True)
        writer = EventWriter(run.events_path)
        writer.write(ev.RunStarted(time=0.0, step=0, pid=1, version="0", recipe={}, sweep="large"))
        for epoch in range(1, epochs + 1):
            loss = 100.0 + random.random()
            figures: Any = {"loss": loss, "elbo": -loss, "distortion": loss - 25, "rate": 25.0}
            writer.write(
                ev.EpochCompleted(
                    time=float(epoch), step=100 * epoch, epoch=epoch, train=figures, validation=figures,
                    rate_per_dimension=[1.0] * 20, images_per_second=1e4, beta=1.0, lr=1e-3, elapsed_seconds=float(epoch),
                )
            )  # fmt: skip
        writer.write(ev.RunFinished(time=99.0, step=100 * epochs, status="completed", reason="", epoch=epochs))
        writer.close()
    return sweep


def time_claims(sweep: Sweep, jobs: int, completed: int) -> dict[str, float]:
    began = time.perf_counter()
    Claims(sweep.folder).claim(range(1, jobs + 1))
    first = 1000 * (time.perf_counter() - began)
    claims, found = Claims(sweep.folder), []
    for _ in range(min(50, jobs - completed - 1)):
        began = time.perf_counter()
        claims.claim(range(1, jobs + 1))
        found.append(1000 * (time.perf_counter() - began))
    began = time.perf_counter()
    claims.standings(range(1, jobs + 1))
    standings = 1000 * (time.perf_counter() - began)
    return {"first claim": first, "claim": statistics.median(found), "most": max(found), "standings": standings}


async def time_screen(sweep: Sweep, completed: int) -> dict[str, float]:
    screen = SweepScreen(sweep)
    app = VaeTuiApp(screen)
    began = time.perf_counter()
    async with app.run_test(size=SIZE):
        painted = time.perf_counter() - began
        while not any(result.figures for result in screen.results):
            await asyncio.sleep(0.001)
        rows = time.perf_counter() - began
        while sum(bool(result.figures) for result in screen.results) < completed:
            await asyncio.sleep(0.001)
        return {"paint": painted, "rows": rows, "open": time.perf_counter() - began}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--completed", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sweep = make(Path(folder), given.jobs, given.completed, given.epochs)
        found = time_claims(sweep, given.jobs, given.completed) | asyncio.run(time_screen(sweep, given.completed))
    rows = [
        (name, f"{value:.2f} {'s' if name in ('paint', 'rows', 'open') else 'ms'}") for name, value in found.items()
    ]
    print(table(("", ""), rows))
    write(given.out, found=found)


if __name__ == "__main__":
    main()
