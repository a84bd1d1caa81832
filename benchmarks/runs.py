"""What many runs and long logs cost a front end.

    python benchmarks/runs.py [--runs 500] [--epochs 2000] [--steps 1000000] [--rounds 3] [--out runs.json]

`open` reads a log of so many logged steps into a RunFeed, as `vae-tui watch` does, and `charts` reads from it what its charts
show, 200 columns wide, for the first time and again at another step: seconds, and the memory the process
grows by. `summaries` sums up a folder of so many runs of so many epochs: cold, with nothing remembered, and warm, with
every log as it was. Beside each, the floor: the same bytes read and parsed as JSON, and the same files stat'ed. The best
of the rounds counts, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from turns import table, write

from vae_tui import events as ev
from vae_tui.runs.layout import Run, weights_name
from vae_tui.runs.log import EventWriter

LATENTS = 20
RECIPE = {"data": {"name": "mnist"}, "train": {"epochs": 2000, "batch_size": 100}, "objective": {"beta": 1.0}}

MEASURE = {
    "open": """
feed = RunFeed(Run(Path(sys.argv[1])))
feed.catch_up(thinned=True)
assert feed.history.step > 0
""",
    "charts": """
feed = RunFeed(Run(Path(sys.argv[1])))
feed.catch_up(thinned=True)
began = time.perf_counter()
history = feed.history
def draw():
    for series in history.train.values():
        series.thin(200), series.column_means(200)
draw()
cold, began = time.perf_counter() - began, time.perf_counter()
for step in (history.step // 3, history.step // 2, history.step):
    history.at(step)
draw()
""",
    "open, floor": """
for line in (Path(sys.argv[1]) / "events.jsonl").open("rb"):
    json.loads(line)
""",
    "summaries": """
runs = list_runs(Path(sys.argv[1]))
summaries = Summaries()
for run in runs:
    summaries.of(run)
cold = time.perf_counter() - began
began = time.perf_counter()
for run in runs:
    summaries.of(run)
""",
    "summaries, floor": """
for path in Path(sys.argv[1]).iterdir():
    (path / "events.jsonl").stat()
""",
}
HEADER = """
import json, resource, sys, time
from pathlib import Path
import psutil
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.find import list_runs
from vae_tui.runs.layout import Run
from vae_tui.runs.summary import Summaries
cold = None
before = psutil.Process().memory_info().rss
began = time.perf_counter()
"""
FOOTER = """
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": seconds, "cold": cold, "mib": (peak - before) / 2**20}))
"""


def measure(what: str, path: Path) -> dict[str, Any]:
    program = HEADER + MEASURE[what] + FOOTER
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def figures(elbo: float) -> ev.Figures:
    return {"loss": -elbo, "elbo": elbo, "distortion": -elbo - 25.123456, "rate": 25.123456}


def write_log(run: Run, *, epochs: int, reports_per_epoch: int) -> None:
    """A log as a trainer on MNIST writes one."""
    chance, writer = random.Random(0), EventWriter(run.events_path)
    writer.write(ev.RunStarted(time=0.0, step=0, pid=1, version="0.1.0", recipe=RECIPE))
    sizes = {"train": 54000, "validation": 6000, "test": 10000}
    writer.write(
        ev.TrainingStarted(
            time=1.0,
            step=0,
            device="cpu",
            threads=2,
            versions={},
            parameter_count=652_824,
            data_sizes=sizes,
            image_shape=(1, 28, 28),
            network="mlp 784-400-20",
            steps_per_epoch=540,
        )
    )
    for epoch in range(1, epochs + 1):
        writer.write(ev.EpochStarted(time=float(epoch), step=540 * (epoch - 1), epoch=epoch))
        for report in range(1, reports_per_epoch + 1):
            writer.write(
                ev.StepCompleted(
                    time=epoch + report / reports_per_epoch,
                    step=540 * (epoch - 1) + 540 * report // reports_per_epoch,
                    epoch=epoch,
                    steps=540 // reports_per_epoch,
                    train=figures(-100.0 - chance.random()),
                    beta=1.0,
                    lr=1e-3,
                    images_per_second=24_000.0 + chance.random(),
                    cpu_percent=190.1,
                    rss_bytes=700_000_000,
                )
            )
        step = 540 * epoch
        writer.write(
            ev.EpochCompleted(
                time=epoch + 1.0,
                step=step,
                epoch=epoch,
                train=figures(-100.0 - chance.random()),
                validation=figures(-101.0 - chance.random()),
                rate_per_dimension=[chance.random() for _ in range(LATENTS)],
                beta=1.0,
                lr=1e-3,
                images_per_second=24_000.0,
                elapsed_seconds=float(epoch),
            )
        )
        writer.write(ev.CheckpointSaved(time=epoch + 1.0, step=step, epoch=epoch, path=weights_name(step), best=False))
    writer.write(ev.RunFinished(time=epochs + 2.0, step=540 * epochs, status="completed", reason="", epoch=epochs))
    writer.close()


def write_checkpoint(run: Run, step: int, loss: float) -> None:
    """The header of a checkpoint, with as much metadata as a real one has."""
    about = {"step": step, "recipe": RECIPE, "validation": {"loss": loss}, "rate_per_dimension": [0.5] * LATENTS}
    header = json.dumps({"__metadata__": {"vae_tui": json.dumps(about)}}).encode()
    (run.path / weights_name(step)).write_bytes(struct.pack("<Q", len(header)) + header)


def make_runs(folder: Path, count: int, epochs: int) -> None:
    first = Run.create(folder, "run-0", '[data]\nname = "mnist"\n', exact=True)
    write_log(first, epochs=epochs, reports_per_epoch=1)
    for kept in range(4):
        write_checkpoint(first, 540 * (epochs - kept), 100.0 + kept)
    for number in range(1, count):
        shutil.copytree(first.path, folder / f"run-{number}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        long = Run.create(folder, "long", "", exact=True)
        write_log(long, epochs=given.steps // 100, reports_per_epoch=100)
        make_runs(folder / "many", given.runs, given.epochs)
        paths = {"open": long.path, "charts": long.path, "summaries": folder / "many"}
        found: dict[str, list[dict[str, Any]]] = {what: [] for what in MEASURE}
        for _ in range(given.rounds):
            for what in MEASURE:
                found[what].append(measure(what, paths[what.partition(",")[0]]))
    best = {what: min(rounds, key=lambda each: each["seconds"]) for what, rounds in found.items()}
    cold, cold_charts = (min(each["cold"] for each in found[what]) for what in ("summaries", "charts"))
    floor = best["open, floor"]["seconds"]
    rows = [
        [
            f"open {given.steps:,} logged steps",
            f"{best['open']['seconds']:.2f} s",
            f"{best['open']['mib']:.0f} MiB",
            f"{best['open']['seconds'] / floor:.1f} x json",
        ],
        [
            "its charts, and again at other steps",
            f"{cold_charts:.3f} s",
            "",
            f"again {best['charts']['seconds']:.3f} s",
        ],
        [f"{given.runs} runs of {given.epochs:,} epochs, cold", f"{cold:.2f} s", "", ""],
        [
            "the same, warm",
            f"{best['summaries']['seconds']:.3f} s",
            "",
            f"{best['summaries']['seconds'] / best['summaries, floor']['seconds']:.1f} x stat",
        ],
    ]
    print(table(["what", "seconds", "memory", "beside the floor"], rows))
    if given.out:
        write(given.out, {"arguments": vars(given) | {"out": None}, "rounds": found})


if __name__ == "__main__":
    main()
