"""Images a second: this engine, headless and under its screen, beside the loops that others train the same network with.

    pip install -e '.[bench]'
    python benchmarks/throughput.py --data-root ../shared/data [--cases fc20-128 conv20] [--rounds 5] [--seconds 10]
                                    [--threads 2] [--busy 2] [--out throughput.json]

Every contestant takes its turn in each round, in a fresh process. Ours is `vae-tui train` from its recipe, read from the
log of its run: its validation, checkpoints and pictures are in the time; `compiled` has [train] compile = true
(its compiling, before the first step, is not in the time). `limit` is no loop but only the matrix products
of the same step. What the others do is said in peers.py. Ratios are medians over the rounds of headless by the other.
The photos of cars128 and clothing64 are looked for under --data-root.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peers
import product
from turns import busy, middle, paired_ratio, say, table, take_turns, write

from vae_tui.recipe import load_recipe

CONTESTANTS = ("headless", "compiled", "screen", "examples", "pythae", "lightning", "bare", "limit")


@dataclass(frozen=True)
class Case:
    """A recipe and what is changed in it; `photos` is the folder under --data-root to train on."""

    recipe: str
    changes: tuple[str, ...] = ()
    photos: str | None = None

    def overrides(self, data_root: Path) -> list[str]:
        root = [f"data.root={(data_root / self.photos).absolute()}"] if self.photos else []
        return [*self.changes, *root, "train.epochs=1000000"]


_PHOTOS = ("model.channels=[32, 64, 128, 256]", "model.activation=relu", "data.mirror=false")

CASES = {
    "fc20-128": Case("mnist/fc20", ("train.batch_size=128",)),
    "fc20-512": Case("mnist/fc20", ("train.batch_size=512",)),
    "conv20": Case("mnist/conv20"),
    "cars128": Case("cars", _PHOTOS, photos="cars128/images"),
    "clothing64": Case("cars", (*_PHOTOS, "data.image_size=64"), photos="clothing64"),
}


def measure_ours(case: Case, given: argparse.Namespace, how: str) -> dict[str, Any]:
    overrides = [
        *case.overrides(given.data_root),
        f"train.max_seconds={given.warmup + given.seconds}",
        f"train.threads={given.threads}",
        f"train.compile={'true' if how == 'compiled' else 'false'}",
    ]
    screen = how == "screen"
    with product.training(case.recipe, overrides, data_root=given.data_root, device=given.device, screen=screen) as run:
        run.wait_for(
            lambda event: event["event"] == "run_finished" and event["status"] == "completed", poll_seconds=0.5
        )
        return product.throughput(run.events, given.warmup)


def measure_peer(peer: str, problem: Path, given: argparse.Namespace) -> dict[str, Any]:
    options = {
        "--warmup": given.warmup,
        "--seconds": given.seconds,
        "--threads": given.peer_threads or given.threads,
        "--device": given.device,
    }
    return peers.ask(peer, problem, *(f"{name}={value}" for name, value in options.items()))


def measure_case(name: str, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    case = CASES[name]
    recipe = load_recipe(case.recipe, case.overrides(given.data_root)).recipe
    problem = peers.pose(recipe, folder / name, data_root=given.data_root)

    def turn(contestant: str) -> Callable[[], dict[str, Any]]:
        if contestant in ("headless", "compiled", "screen"):
            return lambda: measure_ours(case, given, contestant)
        return lambda: measure_peer(contestant, problem, given)

    say(f"{name}: {case.recipe} {' '.join(case.changes)}")
    measured, skipped = take_turns({contestant: turn(contestant) for contestant in given.contestants}, given.rounds)
    speeds = {who: [found["images_per_second"] for found in rounds] for who, rounds in measured.items()}
    sizes = {found["parameters"] for rounds in measured.values() for found in rounds}
    assert len(sizes) == 1, f"they did not train the same network: {sizes} parameters"
    ours = speeds.get("headless")
    rows = []
    for who, speed in speeds.items():
        ratio = paired_ratio(ours, speed) if ours else None
        rows.append((who, middle(speed), min(speed), max(speed), measured[who][0]["threads"], ratio))
    print(f"\n{name}, batch {recipe.train.batch_size}, {sizes.pop():,} parameters, {given.rounds} rounds")
    print(table(("", "images/s", "least", "most", "threads", "headless by it"), rows))
    for who, reason in skipped.items():
        print(f"{who}: skipped: {reason}")
    print(flush=True)
    return {
        "rounds": measured,
        "skipped": skipped,
        "medians": {who: middle(speed) for who, speed in speeds.items()},
        "headless_by": {row[0]: row[-1] for row in rows},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=["fc20-128", "fc20-512", "conv20", "cars128"])
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="measured in each turn")
    parser.add_argument("--warmup", type=float, default=3.0, help="seconds of training before that")
    parser.add_argument("--threads", default="2", help="of all; auto: as each chooses")
    parser.add_argument("--peer-threads", help="of the others, where they are to differ")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--busy", type=int, default=0, help="other programs that want a core each, all the while")
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vae-tui-bench-") as folder, busy(given.busy):
        found = {name: measure_case(name, Path(folder), given) for name in given.cases}
    write(given.out, busy=given.busy, cases=found)


if __name__ == "__main__":
    main()
