"""A record that others can beat: how soon dynamically binarised MNIST comes to fixed validation -ELBOs, over ten seeds.

    python benchmarks/record.py mnist/fast --data-root ../shared/data --out benchmarks/records/fast-2-cores
    python benchmarks/record.py mnist/fast --data-root ../shared/data --device cuda --out benchmarks/records/fast-h100
    python benchmarks/record.py --read benchmarks/records/fast-2-cores        its table once more, from its logs alone

Rules. The images are MNIST's 60,000, of which the seed holds out 6,000 at least; they are binarised anew at every step, those
held out once. The clock starts with the process, so imports, reading and compiling are in it, and a target counts
from the first validation of all held-out images that is at or below it: nats per image, one z each, true -ELBO. Nothing
carries over from one run to the next. Everything else is free: network, prior, optimizer, precision, device.
What counts is the median of ten seeds, those that do not arrive counted as later than all that do.

Kept under --out: the log of each run (`seed-N.jsonl`: its recipe, its epochs, its end) and `record.json`: the command, the
machine, and when each process began, in Unix seconds.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import product
from turns import machine, say, table

_KEPT = ("run_started", "training_started", "epoch_completed", "run_finished")


def train(recipe: str, seed: int, given: argparse.Namespace) -> tuple[float, list[product.Event]]:
    """When the process began, and what its log says."""
    overrides = ["data.name=mnist", "data.binarize=dynamic", f"train.seed={seed}", *given.set]
    with product.training(recipe, overrides, data_root=given.data_root, device=given.device) as run:
        run.wait_for(lambda event: event["event"] == "run_finished" and event["status"] == "completed")
        return run.began, [event for event in run.events if event["event"] in _KEPT]


def check_rules(events: Sequence[product.Event]) -> None:
    """Raise ValueError where a run was not on the images that the rules name."""
    data = events[0]["recipe"]["data"]
    sizes = next(event["data_sizes"] for event in events if event["event"] == "training_started")
    if data["name"] != "mnist" or data["binarize"] != "dynamic":
        raise ValueError("this is not dynamically binarised MNIST")
    if sizes["validation"] < 6000 or sizes["train"] + sizes["validation"] > 60_000:
        raise ValueError(f"6,000 of the 60,000 images must be held out at least: {sizes}")


def seconds_to(target: float, began: float, events: Sequence[product.Event]) -> float | None:
    """From the start of the process to the first validation at or below a target."""
    epochs = (event for event in events if event["event"] == "epoch_completed")
    return next((event["time"] - began for event in epochs if -event["validation"]["elbo"] <= target), None)


def show(folder: Path, targets: Sequence[float]) -> None:
    """Print the table of a record from its logs."""
    record = json.loads((folder / "record.json").read_text())
    logs = {}
    for seed, began in record["began"].items():
        events = [json.loads(line) for line in (folder / f"seed-{seed}.jsonl").read_text().splitlines()]
        check_rules(events)
        logs[seed] = began, events
    rows: list[tuple[Any, ...]] = []
    for target in targets:
        found = [seconds_to(target, *log) for log in logs.values()]
        arrived = [seconds for seconds in found if seconds is not None]
        middle = median(math.inf if seconds is None else seconds for seconds in found)
        rows.append(
            (
                f"{target:g}",
                middle if math.isfinite(middle) else None,
                *_range(arrived),
                f"{len(arrived)} of {len(found)}",
            )
        )
    print(f"\n{record['recipe']}, {len(logs)} seeds, on {record['machine']['processor']}: {record['command']}")
    print(table(("-ELBO", "median s", "least", "most", "arrived"), rows))
    ends = [[e for e in events if e["event"] == "epoch_completed"][-1] for _, events in logs.values()]
    last = [-event["validation"]["elbo"] for event in ends]
    took = [event["time"] - began for event, (began, _) in zip(ends, logs.values(), strict=True)]
    spread = f" ± {stdev(last) / len(last) ** 0.5:.2f}" if len(last) > 1 else ""
    print(f"at its end, after {median(took):.1f} s: {mean(last):.2f}{spread}, of all seeds")


def _range(seconds: Sequence[float]) -> tuple[float | None, float | None]:
    return (min(seconds), max(seconds)) if seconds else (None, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", help="a recipe's name or file")
    parser.add_argument("--targets", nargs="+", type=float, default=[110.0, 100.0, 95.0, 92.0])
    parser.add_argument("--seeds", type=int, default=10, help="seeds 1, 2, ...")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as of vae-tui train")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--out", type=Path, help="a new folder")
    parser.add_argument("--read", type=Path, help="a folder that --out wrote")
    given = parser.parse_args()
    if given.read:
        show(given.read, given.targets)
        return
    if not (given.recipe and given.data_root and given.out):
        parser.error("a recipe, --data-root and --out are needed, or --read")
    if given.seeds < 1:
        parser.error("--seeds: expected 1 or more")
    given.out.mkdir(parents=True)
    record = {"recipe": given.recipe, "command": " ".join(sys.argv), "machine": machine(), "began": {}}
    for seed in range(1, given.seeds + 1):
        record["began"][seed], events = train(given.recipe, seed, given)
        (given.out / f"seed-{seed}.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
        (given.out / "record.json").write_text(json.dumps(record, indent=1) + "\n")
        last = [event for event in events if event["event"] == "epoch_completed"][-1]
        say(
            f"seed {seed} of {given.seeds}: {-last['validation']['elbo']:.2f} after {last['time'] - record['began'][seed]:.1f} s"
        )
    show(given.out, given.targets)


if __name__ == "__main__":
    main()
