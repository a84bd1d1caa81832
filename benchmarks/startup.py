"""How long a user waits for --help, for check, for the first paint and for the first training step.

    python benchmarks/startup.py [--rounds 7] [--out startup.json]

Each beside the import it cannot do without. Everything is timed in every round, turn about, so that a busy machine slows
all of it alike; the least of the rounds counts, and the ratio is of the leasts. The first paint is timed in a pty, from
the start of `vae-tui train` to the first words on its screen; the first step from the start of `vae-tui train --ui none`
(the embedded digits) to the first `step_completed` in its log, which comes a tenth of a second into training.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import pexpect
import product
from turns import table, take_turns, write


def time_command(*arguments: str) -> dict[str, Any]:
    began = time.monotonic()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return {"seconds": time.monotonic() - began}


def time_first_paint() -> dict[str, Any]:
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        screen = pexpect.spawn(
            sys.executable,
            ["-m", "vae_tui", "train", "--run", "paint"],
            cwd=folder,
            env=environment,
            dimensions=(40, 120),
        )
        screen.expect("starting the trainer|importing torch", timeout=60)
        painted = time.monotonic() - began
        events = Path(folder, "checkpoints", "paint", "events.jsonl")
        while not (events.exists() and events.read_text().endswith("\n")):
            time.sleep(0.01)
        os.kill(json.loads(events.read_text().splitlines()[0])["pid"], signal.SIGKILL)
        screen.close(force=True)
    return {"seconds": painted}


def time_first_step() -> dict[str, Any]:
    with product.training("digits", [], data_root=None) as run:
        first = run.wait_for(lambda event: event["event"] == "step_completed")
        found: dict[str, Any] = {"seconds": first["time"] - run.began}
        for event in run.events:
            # When each stage began: where the time goes.
            name = event.get("stage", event["event"])
            found.setdefault("stages", {}).setdefault(name, event["time"] - run.began)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    recipes = [str(path) for path in sorted(Path("recipes").rglob("*.toml"))]
    timed = {
        "import typer": lambda: time_command("-c", "import typer"),
        "vae-tui --help": lambda: time_command("-m", "vae_tui", "--help"),
        "import pydantic": lambda: time_command("-c", "import pydantic"),
        "vae-tui check, every recipe": lambda: time_command("-m", "vae_tui", "check", *recipes),
        "import textual.app": lambda: time_command("-c", "import textual.app"),
        "vae-tui train, first paint": time_first_paint,
        "import torch": lambda: time_command("-c", "import torch"),
        "vae-tui train, first step": time_first_step,
    }
    measured, skipped = take_turns(timed, given.rounds)
    rows, baseline, ratios = [], "", {}
    for name, rounds in measured.items():
        seconds = [found["seconds"] for found in rounds]
        if name.startswith("import"):
            baseline = name
            rows.append((name, min(seconds), median(seconds), None))
        else:
            ratios[name] = min(seconds) / min(found["seconds"] for found in measured[baseline])
            rows.append((name, min(seconds), median(seconds), f"{ratios[name]:.2f} x {baseline}"))
    print(f"\nseconds, {given.rounds} rounds")
    print(table(("", "least", "median", "ratio"), rows))
    for name, reason in skipped.items():
        print(f"{name}: skipped: {reason}")
    stages = measured.get("vae-tui train, first step", [])
    if stages:
        quickest = min(stages, key=lambda found: found["seconds"])
        print("\nseconds from the start of `vae-tui train` to each stage, in the quickest round")
        print(table(("", "seconds"), [(name, when) for name, when in quickest["stages"].items()]))
    write(given.out, rounds=measured, skipped=skipped, ratios=ratios)


if __name__ == "__main__":
    main()
