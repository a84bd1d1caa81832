"""What the screens of many runs cost: a thousand runs listed, fifty drawn over each other, a cursor moved through time.

    python benchmarks/control_room.py [--runs 1000] [--overlaid 50] [--epochs 2000] [--keys 60] [--out control_room.json]

`list` is from the first paint to the first rows and to all of them, and then, while they are read and after, from a key to
the next frame with the cursor elsewhere. `overlay` is a redraw of all curves of so many runs of so many epochs, `moved` the
same as only a cursor moves. `cursor` is from a key on the training screen of one of them to the next frame of another moment,
and `pictures` the same on a run that was trained, until its samples and reconstructions are of that moment. Milliseconds but
for the first two; medians, and the 95th of a hundred.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runs import make_runs
from textual.pilot import Pilot
from turns import table, write

from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.runs.summary import summarize
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.look import Look
from vae_tui.tui.overlay import OverlaidGroup, overlay, specify_overlay
from vae_tui.tui.plotting import draw_chart
from vae_tui.tui.screens.home import HomeScreen
from vae_tui.tui.screens.overlay import FIGURES
from vae_tui.tui.screens.training import TrainingScreen
from vae_tui.tui.widgets.pictures import Pictures
from vae_tui.tui.widgets.run_table import RunTable

SIZE = (120, 40)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


async def time_keys(pilot: Pilot[Any], keys: list[str], where: Callable[[], object]) -> list[float]:
    """Milliseconds from each key until what `where` says is another and has been painted."""
    found = []
    for key in keys:
        before, began = where(), time.perf_counter()
        pilot.app.simulate_key(key)
        await until(lambda before=before: where() != before)  # type: ignore[misc]
        painted = asyncio.Event()
        pilot.app.screen.call_after_refresh(painted.set)
        await painted.wait()
        found.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(0.03)
    return found


async def time_list(folder: Path, keys: int) -> dict[str, Any]:
    app = VaeTuiApp(HomeScreen(folder))
    async with app.run_test(size=SIZE) as pilot:
        began = time.perf_counter()
        screen = app.screen
        assert isinstance(screen, HomeScreen)
        shown = screen.query_one(RunTable)
        await until(lambda: shown.current is not None)
        first = time.perf_counter() - began
        downs = ["down" if index % 40 < 20 else "up" for index in range(keys)]
        while_read = await time_keys(pilot, downs, lambda: shown.current and shown.current.path)
        await until(lambda: len(screen.run_list.runs) == screen.run_list.count)
        whole = time.perf_counter() - began
        after = await time_keys(pilot, downs, lambda: shown.current and shown.current.path)
    return {"first": first, "all": whole, "while read": while_read, "after": after}


def time_overlay(folder: Path, count: int) -> dict[str, list[float]]:
    runs = sorted(folder.iterdir())[:count]
    histories = []
    for path in runs:
        feed = RunFeed(Run(path))
        feed.catch_up()
        histories.append(feed.history)
    groups = [OverlaidGroup(run.name, (run,)) for run in overlay([path.name for path in runs], histories)]
    found: dict[str, list[float]] = {"overlay": [], "moved": []}
    for turn in range(12):
        for what in found:
            if what == "overlay":
                for history in histories:
                    for series in (*history.train.values(), *history.validation.values()):
                        series.truncate(len(series.rows))  # which forgets what was read of it
            began = time.perf_counter()
            for figure, _ in FIGURES:
                spec = specify_overlay(groups, figure, Look(), 1000.0 * turn, 110)
                assert spec is not None
                assert draw_chart(spec, 118, 12, lambda color, faint: (200, 200, 200))
            found[what].append(1000 * (time.perf_counter() - began))
    return found


async def time_cursor(path: Path, keys: int, *, pictures: bool) -> list[float]:
    feed = RunFeed(Run(path))
    screen = TrainingScreen(feed)
    app = VaeTuiApp(screen)

    def shown() -> object:
        at = screen.look.at
        if at is None or not pictures:
            return at
        drawn = feed.at(at).images
        there = (
            pane.caption.endswith(f"step {drawn[pane.id].step:,}")
            for pane in screen.query(Pictures)
            if pane.id in drawn
        )
        return at if all(there) else before[-1]

    async with app.run_test(size=SIZE) as pilot:
        await until(lambda: screen._dashboard is not None)
        await asyncio.sleep(1)
        before: list[object] = [None]
        found = []
        for _ in range(keys):
            found += await time_keys(pilot, ["left"], shown)
            before.append(screen.look.at)
        return found


def train_digits(folder: Path, epochs: int) -> Path:
    settings = ["train.epochs=" + str(epochs), "train.checkpoint_epochs=1000"]
    command = [
        sys.executable,
        "-m",
        "vae_tui",
        "train",
        "digits",
        "--name",
        "digits",
        "--runs-dir",
        folder,
        "--ui",
        "none",
    ]
    subprocess.run([*map(str, command), *(word for each in settings for word in ("--set", each))], check=True)
    return folder / "digits"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--overlaid", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=2000)
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_runs(folder / "many", given.runs, 50)
        make_runs(folder / "long", given.overlaid, given.epochs)
        summarize(Run(folder / "many" / "run-0"))
        listed = asyncio.run(time_list(folder / "many", given.keys))
        redraws = time_overlay(folder / "long", given.overlaid)
        cursor = asyncio.run(time_cursor(folder / "long" / "run-0", given.keys, pictures=False))
        drawn = asyncio.run(time_cursor(train_digits(folder / "trained", given.keys + 2), given.keys, pictures=True))
    rows = [
        [f"first of {given.runs:,} runs", f"{listed['first']:.2f} s", ""],
        ["all of them", f"{listed['all']:.2f} s", ""],
        ["a key while they are read", *describe(listed["while read"])],
        ["a key after", *describe(listed["after"])],
        [f"{given.overlaid} runs of {given.epochs:,} epochs, three charts", *describe(redraws["overlay"])],
        ["the same as a cursor moves", *describe(redraws["moved"])],
        ["a step of the time cursor", *describe(cursor)],
        ["the same, until the pictures are of it", *describe(drawn)],
    ]
    print(table(["what", "median", "95 %"], rows))
    if given.out:
        write(
            given.out,
            {"arguments": vars(given) | {"out": None}, "list": listed, **redraws, "cursor": cursor, "pictures": drawn},
        )


def describe(milliseconds: list[float]) -> list[str]:
    return [
        f"{statistics.median(milliseconds):.1f} ms",
        f"{sorted(milliseconds)[int(0.95 * len(milliseconds))]:.1f} ms",
    ]


if __name__ == "__main__":
    main()
