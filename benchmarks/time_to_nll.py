"""Seconds from process start to a validation -ELBO on dynamically binarised MNIST, ours beside the loops of others.

    pip install -e '.[bench]'
    python benchmarks/time_to_nll.py recipes/mnist/fast.toml --data-root ../shared/data [--rounds 3] [--out nll.json]

- recipe: `vae-tui train RECIPE`, as it stands.
- same: the recipe's network and images, with the hyperparameters of the others: Adam at --lr, batches of --batch-size.
- examples, pythae, bare: the same network on the same images; peers.py says how. They read the images decoded, from .npy;
  ours reads MNIST's own files.

The clock starts with the process: imports, reading and compiling are in it. Each validates at the end of every epoch, in
its own way and on its own clock: 6,000 images held out and drawn black or white once, the same for all, one z each, nats
per image. A target counts from the first validation that is at or below it. None is told when to stop but by the last
target, or --seconds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import peers
import product
from turns import middle, paired_ratio, table, take_turns, write

from vae_tui.recipe import load_recipe

CONTESTANTS = ("recipe", "same", "examples", "pythae", "bare")


def reached(validations: Sequence[tuple[float, float]], began: float, targets: Sequence[float]) -> dict[str, Any]:
    """Seconds to each target, None where it was not reached, from (Unix seconds, -ELBO) of each validation."""
    found: dict[str, Any] = {
        f"{target:g}": next((when - began for when, loss in validations if loss <= target), None) for target in targets
    }
    return found | {"validations": [(when - began, loss) for when, loss in validations]}


def measure_ours(overrides: Sequence[str], given: argparse.Namespace) -> dict[str, Any]:
    validations: list[tuple[float, float]] = []
    last = min(given.targets)

    def is_last(event: product.Event) -> bool:
        if event["event"] == "epoch_completed":
            validations.append((event["time"], -event["validation"]["elbo"]))
        return event["event"] == "run_finished" or bool(validations and validations[-1][1] <= last)

    overrides = [*overrides, f"train.max_seconds={given.seconds}", f"train.threads={given.threads}"]
    with product.training(given.recipe, overrides, data_root=given.data_root, device=given.device) as run:
        run.wait_for(is_last)
        return reached(validations, run.began, given.targets)


def measure_peer(peer: str, problem: Path, given: argparse.Namespace) -> dict[str, Any]:
    began = time.time()
    answer = peers.ask(
        peer,
        problem,
        f"--until={min(given.targets)}",
        f"--seconds={given.seconds}",
        f"--threads={given.threads}",
        f"--device={given.device}",
    )
    return reached(answer["validations"], began, given.targets)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument("--targets", nargs="+", type=float, default=[110.0, 100.0, 95.0, 92.0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=600.0, help="at most, in each turn")
    parser.add_argument("--lr", type=float, default=1e-3, help="of all but `recipe`")
    parser.add_argument("--batch-size", type=int, default=128, help="of all but `recipe`")
    parser.add_argument("--threads", default="2", help="of all; auto: as each chooses")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()

    images = ["data.name=mnist", "data.binarize=dynamic"]
    if load_recipe(given.recipe).recipe.data.validation == 0:
        images.append("data.validation=0.1")
    plain = [
        *images,
        *("optimizer.name=adam", f"optimizer.lr={given.lr}", "optimizer.schedule=constant"),
        *("optimizer.weight_decay=0.0", "optimizer.clip_norm=0.0", "optimizer.ema_decay=0.0"),
        *("objective.beta=1.0", "objective.warmup_epochs=0.0"),
        *(f"train.batch_size={given.batch_size}", "train.epochs=1000000"),
    ]
    with tempfile.TemporaryDirectory(prefix="vae-tui-bench-") as folder:
        problem = peers.pose(load_recipe(given.recipe, plain).recipe, Path(folder), data_root=given.data_root)

        def turn(contestant: str) -> Callable[[], dict[str, Any]]:
            if contestant in ("recipe", "same"):
                return lambda: measure_ours(images if contestant == "recipe" else plain, given)
            return lambda: measure_peer(contestant, problem, given)

        measured, skipped = take_turns({who: turn(who) for who in given.contestants}, given.rounds)

    columns = [f"{target:g}" for target in given.targets]
    seconds = {who: {key: [found[key] for found in rounds] for key in columns} for who, rounds in measured.items()}
    rows = []
    for who, found in seconds.items():
        best = min((loss for turn_ in measured[who] for _, loss in turn_["validations"]), default=None)
        rows.append((who, *(middle(found[key]) for key in columns), best))
    print(f"\n{given.recipe}: seconds from process start to a validation -ELBO, median of {given.rounds}")
    print(table(("", *columns, "best seen"), rows))
    ratios = {
        f"{theirs} by {ours}": {key: paired_ratio(seconds[theirs][key], seconds[ours][key]) for key in columns}
        for ours in ("recipe", "same")
        for theirs in ("examples", "pythae", "bare")
        if ours in seconds and theirs in seconds
    }
    print()
    print(table(("ratio", *columns), [(name, *ratio.values()) for name, ratio in ratios.items()]))
    for who, reason in skipped.items():
        print(f"{who}: skipped: {reason}")
    write(given.out, recipe=given.recipe, rounds=measured, skipped=skipped, ratios=ratios)


if __name__ == "__main__":
    main()
