"""How long a user waits for --help, for check and for the first paint, beside the imports they cannot do without.

    python benchmarks/startup.py [--rounds 7]

Everything is timed in every round, turn about, so that a busy machine slows all of it alike; the least of the rounds
counts. The first paint is timed in a pty, from the start of `vae-tui train` to the first words on its screen.
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

import pexpect


def time_command(*arguments: str) -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def time_first_paint(folder: Path) -> float:
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    began = time.monotonic()
    screen = pexpect.spawn(
        sys.executable,
        ["-m", "vae_tui", "train", "--run", "paint"],
        cwd=str(folder),
        env=environment,
        dimensions=(40, 120),
    )
    screen.expect("starting the trainer|importing torch", timeout=60)
    painted = time.monotonic() - began
    run = folder / "checkpoints" / "paint"
    while not (run / "events.jsonl").exists():
        time.sleep(0.01)
    os.kill(json.loads((run / "events.jsonl").read_text().splitlines()[0])["pid"], signal.SIGKILL)
    screen.close(force=True)
    return painted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    recipes = [str(path) for path in sorted(Path("recipes").rglob("*.toml"))]
    timed = {
        "import typer": lambda: time_command("-c", "import typer"),
        "vae-tui --help": lambda: time_command("-m", "vae_tui", "--help"),
        "import pydantic": lambda: time_command("-c", "import pydantic"),
        "vae-tui check, every recipe": lambda: time_command("-m", "vae_tui", "check", *recipes),
        "import textual.app": lambda: time_command("-c", "import textual.app"),
        "vae-tui train, first paint": lambda: time_first_paint(Path(tempfile.mkdtemp())),
    }
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(rounds):
        for name, measure in timed.items():
            seconds[name].append(measure())
    baseline = ""
    for name, taken in seconds.items():
        least, middle = min(taken), sorted(taken)[len(taken) // 2]
        if name.startswith("import"):
            baseline = name
            print(f"{name:30} {least:.3f} s (median {middle:.3f})")
        else:
            print(f"{name:30} {least:.3f} s (median {middle:.3f})   {least / min(seconds[baseline]):.2f} x {baseline}")


if __name__ == "__main__":
    main()
