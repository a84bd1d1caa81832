"""What it costs a step that a run can be resumed exactly: its checkpoints, and its seeded draws.

    python benchmarks/resume.py --data-root ../shared/data [--recipe mnist/fc20] [--rounds 5] [--out resume.json]

Checkpoints: `vae-tui train` that saves after every epoch (at most once a second) beside one that saves only at its end;
turn about, images a second from the log. Draws: the data order, the noise and the binarising of a step from generators
of their own, as the engine makes them, beside the same draws from torch's default generator; by themselves, in a loop.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import product
from turns import middle, paired_ratio, table, take_turns, write

from vae_tui.recipe import load_recipe

_MICROSECONDS = 1e6


def measure_training(given: argparse.Namespace, *, save: bool) -> dict[str, Any]:
    overrides = [
        *given.set,
        "train.epochs=1000000",
        f"train.max_seconds={given.warmup + given.seconds}",
        f"train.threads={given.threads}",
        f"train.checkpoint_epochs={1 if save else 1_000_000}",
    ]
    with product.training(given.recipe, overrides, data_root=given.data_root, device=given.device) as run:
        run.wait_for(lambda event: event["event"] == "run_finished" and event["status"] == "completed")
        found = product.throughput(run.events, given.warmup)
        saved = sum(event["event"] == "checkpoint_saved" for event in run.events)
        started = next(event for event in run.events if event["event"] == "training_started")
        batch, images = run.events[0]["recipe"]["train"]["batch_size"], started["data_sizes"]["train"]
        pixels = started["image_shape"][0] * started["image_shape"][1] * started["image_shape"][2]
    step = batch / found["images_per_second"] * _MICROSECONDS
    return found | {"step_microseconds": step, "checkpoints": saved, "images": images, "pixels": pixels}


def measure_draws(facts: dict[str, Any], *, seeded: bool) -> dict[str, Any]:
    """In a process of its own, so that this one's torch is not in the way of the trainers."""
    command = [sys.executable, str(Path(__file__).resolve()), "--draw", json.dumps(facts | {"seeded": seeded})]
    answered: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return answered


def draw(facts: dict[str, Any]) -> None:
    """Time an epoch's draws and say it as JSON."""
    import torch

    torch.set_num_threads(facts["threads"])
    device = torch.device(facts["device"])
    purposes = ("order", "noise", "binarizing")
    own = {purpose: torch.Generator(device).manual_seed(1) if facts["seeded"] else None for purpose in purposes}
    batch, steps = facts["batch"], max(1, facts["images"] // facts["batch"])

    def draw_epoch() -> None:
        torch.randperm(facts["images"], generator=own["order"], device=device)
        for _ in range(steps):
            torch.randn(batch, facts["latent_dim"], generator=own["noise"], device=device)
            if facts["dynamic"]:
                torch.rand(batch, facts["pixels"], generator=own["binarizing"], device=device)
        if device.type == "cuda":
            torch.cuda.synchronize()

    draw_epoch()
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        draw_epoch()
        taken.append((time.perf_counter() - began) / steps * _MICROSECONDS)
    print(json.dumps({"step_microseconds": min(taken)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="mnist/fc20")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15.0, help="measured in each turn")
    parser.add_argument("--warmup", type=float, default=3.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--draw", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.draw is not None:
        draw(given.draw)
        return
    recipe = load_recipe(given.recipe, given.set).recipe
    facts: dict[str, Any] = {
        "batch": recipe.train.batch_size,
        "latent_dim": recipe.model.latent_dim,
        "dynamic": recipe.data.binarize == "dynamic",
        "threads": given.threads,
        "device": given.device,
    }

    def saving() -> dict[str, Any]:
        found = measure_training(given, save=True)
        facts.update(images=found["images"], pixels=found["pixels"])
        return found

    contestants = {
        "a checkpoint an epoch": saving,
        "no checkpoints": lambda: measure_training(given, save=False),
        "draws, own generators": lambda: measure_draws(facts, seeded=True),
        "draws, default generator": lambda: measure_draws(facts, seeded=False),
    }
    measured, skipped = take_turns(contestants, given.rounds)
    steps = {who: [found["step_microseconds"] for found in rounds] for who, rounds in measured.items()}
    without = steps["no checkpoints"]
    rows = [(who, middle(taken), min(taken), max(taken), paired_ratio(taken, without)) for who, taken in steps.items()]
    saved = measured["a checkpoint an epoch"]
    cost = middle([a - b for a, b in zip(steps["a checkpoint an epoch"], without, strict=True)])
    seeding = middle(
        [a - b for a, b in zip(steps["draws, own generators"], steps["draws, default generator"], strict=True)]
    )
    print(
        f"\n{given.recipe}, batch {facts['batch']}, {middle([float(found['checkpoints']) for found in saved]):g} "
        f"checkpoints a turn, {given.rounds} rounds"
    )
    print(table(("", "microseconds a step", "least", "most", "by no checkpoints"), rows))
    assert cost is not None
    assert seeding is not None
    print(f"checkpoints cost {cost:.1f} microseconds a step, exact seeding {seeding:.2f}")
    write(
        given.out,
        recipe=given.recipe,
        rounds=measured,
        skipped=skipped,
        cost_microseconds={"checkpoints": cost, "seeding": seeding},
        by_no_checkpoints={row[0]: row[-1] for row in rows},
    )


if __name__ == "__main__":
    main()
