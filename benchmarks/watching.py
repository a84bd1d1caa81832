"""What looking on costs a trainer: one run, and `vae-tui watch` of it opened and closed again in turns.

    pip install -e '.[bench]'
    python benchmarks/watching.py --data-root ../shared/data [--cases fc20-128 fc20-512] [--rounds 12] [--seconds 12]
                                  [--size 120x40] [--images half] [--out watching.json]

It is the same process that trains in both, so what differs between two starts of it stands aside; the turns alternate which
comes first, so that a machine that slows down slows both. The screen's own start is left out: `--settle` seconds are waited
before each turn, with the screen open or closed as in the turn. The ratio is the median over the rounds of images a second
watched by unwatched, with the middle half of them; beside it what part of a core the screen took.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import statistics
import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import product
import psutil
from throughput import CASES
from turns import say, table, write


@contextlib.contextmanager
def watching(run: product.Training, size: tuple[int, int], images: str) -> Iterator[psutil.Process]:
    """A screen on the run, in a pty whose other end takes all that is written."""
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    command = ["-m", "vae_tui", "watch", str(run.path), "--images", images]
    columns, rows = size
    screen = pexpect.spawn(sys.executable, command, env=environment, dimensions=(rows, columns), timeout=None)

    def take() -> None:
        with contextlib.suppress(OSError, ValueError):
            while os.read(screen.child_fd, 1 << 16):
                pass

    threading.Thread(target=take, daemon=True).start()
    try:
        yield psutil.Process(screen.pid)
    finally:
        screen.kill(signal.SIGTERM)
        screen.close(force=True)


class Turns:
    """One trainer, and its speed in turns."""

    def __init__(self, run: product.Training, settle: float, seconds: float) -> None:
        self.run, self._settle, self._seconds = run, settle, seconds
        self._times: list[float] = []
        self._images: list[int] = []

    def take(self, screen: psutil.Process | None) -> dict[str, float]:
        time.sleep(self._settle)
        began, taken = time.time(), _cpu(screen)
        time.sleep(self._seconds)
        ended, took = time.time(), _cpu(screen)
        self.run.wait_for(lambda event: event["event"] == "step_completed" and event["time"] > ended)
        speed = (self._trained(ended) - self._trained(began)) / (ended - began)
        return {"images_per_second": speed, "cores": (took - taken) / (ended - began)}

    def _trained(self, moment: float) -> float:
        """Images trained on up to a moment, between two reports in proportion."""
        steps = [event for event in self.run.events if event["event"] == "step_completed"]
        for event in steps[len(self._times) :]:
            self._times.append(event["time"])
            self._images.append(product.images_until(self.run.events, event["step"]))
        index = bisect_right(self._times, moment)
        (t0, t1), (n0, n1) = self._times[index - 1 : index + 1], self._images[index - 1 : index + 1]
        return n0 + (n1 - n0) * (moment - t0) / (t1 - t0)


def _cpu(process: psutil.Process | None) -> float:
    return sum(process.cpu_times()[:2]) if process is not None else 0.0


def measure(name: str, given: argparse.Namespace) -> dict[str, Any]:
    case = CASES[name]
    size = tuple(int(number) for number in given.size.split("x"))
    found: dict[str, list[dict[str, float]]] = {"alone": [], "watched": []}
    with product.training(case.recipe, case.overrides(given.data_root), data_root=given.data_root) as run:
        run.wait_for(lambda event: event["event"] == "epoch_completed")
        turns = Turns(run, given.settle, given.seconds)
        for number in range(given.rounds):
            for what in ("alone", "watched") if number % 2 else ("watched", "alone"):
                if what == "alone":
                    found[what].append(turns.take(None))
                    continue
                with watching(run, size, given.images) as screen:
                    found[what].append(turns.take(screen))
            alone, watched = (found[what][-1]["images_per_second"] for what in found)
            say(f"{name}  round {number + 1} of {given.rounds}: {watched / alone:.3f}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cases", nargs="+", choices=CASES, default=["fc20-128", "fc20-512"])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--settle", type=float, default=3.0)
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--images", default="half")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    measured, rows = {}, []
    for name in given.cases:
        found = measured[name] = measure(name, given)
        pairs = zip(found["watched"], found["alone"], strict=True)
        ratios = [watched["images_per_second"] / alone["images_per_second"] for watched, alone in pairs]
        low, middle, high = statistics.quantiles(ratios, n=4)
        speed = statistics.median(turn["images_per_second"] for turn in found["alone"])
        cores = statistics.median(turn["cores"] for turn in found["watched"])
        rows.append((name, speed, f"{middle:.3f}", f"{low:.3f} to {high:.3f}", f"{100 * cores:.1f} %"))
    print(table(("", "images/s alone", "watched by alone", "middle half", "of a core"), rows))
    write(given.out, cases=measured)


if __name__ == "__main__":
    main()
