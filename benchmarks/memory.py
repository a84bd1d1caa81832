"""Peak resident memory of the trainer and of the screen's process, beside the bare loop's.

    python benchmarks/memory.py --data-root ../shared/data [--recipe mnist/fc20] [--rounds 3] [--out memory.json]

The peak is the kernel's own (VmHWM), so Linux only. The bare loop (peers.py) trains the same network on the same images
for as long; it reads them decoded, from .npy. Ours draws, validates and saves meanwhile, as it always does.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import peers
import product
from turns import Unavailable, middle, paired_ratio, table, take_turns, write

from vae_tui.recipe import load_recipe

_POLL_SECONDS = 0.05


def peak_mib(pid: int) -> float | None:
    """The most memory a process has held so far; None once it has gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    kib = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), None)
    return None if kib is None else int(kib) / 1024


def watch(process: subprocess.Popen[bytes]) -> float:
    """The peak of a process, followed to its end."""
    peak = 0.0
    while process.poll() is None:
        peak = peak_mib(process.pid) or peak
        time.sleep(_POLL_SECONDS)
    if process.returncode != 0 or peak == 0:
        raise Unavailable(f"it ended with exit status {process.returncode}")
    return peak


def measure_ours(overrides: list[str], given: argparse.Namespace, *, screen: bool) -> dict[str, Any]:
    options = {"data_root": given.data_root, "device": given.device, "screen": screen}
    peaks: dict[str, Any] = {}
    with product.training(given.recipe, overrides, **options) as run:
        ended = False

        def is_end(event: product.Event) -> bool:
            nonlocal ended
            ended = event["event"] == "run_finished"
            return True

        while not ended:
            run.wait_for(is_end, poll_seconds=_POLL_SECONDS)
            for name, pid in (("front end", run.pid), ("trainer", run.trainer_pid)):
                peaks[name] = (peak_mib(pid) if pid else None) or peaks.get(name)
    return peaks


def measure_bare(problem: Path, given: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="vae-tui-bench-") as folder:
        options = ("--warmup=0", f"--seconds={given.seconds}", f"--threads={given.threads}", f"--device={given.device}")
        return {"bare loop": watch(peers.start("bare", problem, Path(folder) / "answer.json", *options))}


def measure_import() -> dict[str, Any]:
    return {
        "import torch": watch(
            subprocess.Popen([sys.executable, "-c", "import torch; torch.ones(9, 9).mm(torch.ones(9, 9))"])
        )
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="mnist/fc20")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0, help="trained in each turn")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    overrides = [*given.set, "train.epochs=1000000", f"train.max_seconds={given.seconds}"]
    with tempfile.TemporaryDirectory(prefix="vae-tui-bench-") as folder:
        recipe = load_recipe(given.recipe, overrides).recipe
        problem = peers.pose(recipe, Path(folder), data_root=given.data_root)
        overrides.append(f"train.threads={given.threads}")
        contestants = {
            "import torch": measure_import,
            "bare loop": lambda: measure_bare(problem, given),
            "headless": lambda: measure_ours(overrides, given, screen=False),
            "screen": lambda: measure_ours(overrides, given, screen=True),
        }
        measured, skipped = take_turns(contestants, given.rounds)
    bare = [found["bare loop"] for found in measured.get("bare loop", [])]
    processes = {
        "import torch": ("import torch", "import torch"),
        "bare loop": ("bare loop", "bare loop"),
        "trainer, headless": ("headless", "trainer"),
        "front end, headless": ("headless", "front end"),
        "trainer, under the screen": ("screen", "trainer"),
        "screen": ("screen", "front end"),
    }
    rows = []
    for name, (who, process) in processes.items():
        if who in measured:
            peaks = [found[process] for found in measured[who]]
            rows.append((name, middle(peaks), max(peaks), paired_ratio(peaks, bare) if bare else None))
    print(f"\n{given.recipe}: peak resident memory in {given.seconds:g} s of training, {given.rounds} rounds")
    print(table(("", "MiB", "most", "by the bare loop"), rows))
    write(given.out, recipe=given.recipe, rounds=measured, skipped=skipped, by_bare={row[0]: row[-1] for row in rows})


if __name__ == "__main__":
    main()
