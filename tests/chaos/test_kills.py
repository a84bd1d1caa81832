"""Trainers that are killed at every write or at any moment, alone or as ranks, or whose disk is full from any write on,
go on as if nothing had been."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from chaos.conftest import LONG_SECONDS, SEED, Tally, rounds

from vae_tui import events as ev
from vae_tui.runs.best import best_checkpoint
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events

pytestmark = pytest.mark.slow
_ASIDE = re.compile(r"\..+\.\d+")


@dataclass
class Trainings:
    """A process that forks trainings, and the folder they run in."""

    process: subprocess.Popen[str]
    folder: Path
    overrides: tuple[str, ...]

    def train(self, run: str, *, resume: bool = False, fault: str | None = None, at: int = 0) -> dict[str, Any]:
        """Train a run of its own name, or go on with it; how that ended."""
        job = TrainingJob(
            recipe=None if resume else "digits",
            overrides=() if resume else self.overrides,
            runs_dir=self.folder / "runs",
            name=None if resume else run,
            resume=run if resume else None,
            device="cpu",
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"job": job.to_json(), "fault": fault, "at": at}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def run(self, name: str) -> Run:
        """The run of that name."""
        return Run(self.folder / "runs" / name)


@pytest.fixture
def trainings(tmp_path: Path, images_path: Path) -> Iterator[Trainings]:
    """Trainings of three epochs on the blobs, each of which is saved."""
    data = ["data.name=npz", f"data.root={images_path}", "model.hidden=[8]", "model.latent_dim=2"]
    training = ["train.epochs=3", "train.batch_size=40", "train.threads=1", "train.keep=2", "sample.count=4"]
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("trainings.py")), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Trainings(process, tmp_path, (*data, *training))
        assert process.stdin is not None
        process.stdin.close()


def _figures(run: Run) -> dict[int, tuple[object, ...]]:
    """What each epoch led to, but for time and speed; the newest trainer's word for each."""
    return {
        event.epoch: (event.step, event.train, event.validation, event.rate_per_dimension)
        for event in read_events(run.events_path)
        if isinstance(event, ev.EpochCompleted)
    }


def _assert_as_if_nothing_had_been(run: Run, whole: Run) -> None:
    last = whole.latest().path.name
    assert (run.path / last).read_bytes() == (whole.path / last).read_bytes()
    assert best_checkpoint(run).step == best_checkpoint(whole).step
    assert _figures(run) == _figures(whole)
    left = [path.name for folder in (run.path, run.images_path, run.commands_path) for path in folder.iterdir()]
    assert not [name for name in left if _ASIDE.fullmatch(name)]


def _go_on(trainings: Trainings, name: str) -> None:
    """Have a run to its end: resumed, or, where it was ended before it was one, begun again."""
    run = trainings.run(name)
    if not run.recipe_path.is_file():
        shutil.rmtree(run.path, ignore_errors=True)
        answer = trainings.train(name)
    else:
        answer = trainings.train(name, resume=True)
    if answer["status"] == 2 and any(
        isinstance(event, ev.RunFinished) and event.status == "completed" for event in read_events(run.events_path)
    ):
        return  # it had come to its end
    assert answer["status"] == 0, answer


@pytest.mark.parametrize("fault", ["kill", "full"])
def test_a_run_that_ends_at_any_write_goes_on_as_if_nothing_had_been(
    trainings: Trainings, fault: str, tally: Callable[[str], Tally]
) -> None:
    counts = tally("kill -9 at a write" if fault == "kill" else "disk full from a write on")
    answer = trainings.train("whole", fault="none")
    assert answer["status"] == 0, answer
    whole, writes = trainings.run("whole"), answer["writes"]
    assert writes > 40
    chosen = random.Random(SEED)
    places = list(range(1, writes + 1))
    chosen.shuffle(places)
    for number in rounds(5, share=0.45):
        if number >= 3 * len(places):
            break
        at, name = places[number % len(places)], f"broken-{number}"
        answer = trainings.train(name, fault=fault, at=at)
        assert not answer["traceback"] or fault == "full", answer
        if fault == "kill":
            assert answer["status"] in (-9, 0), answer
        else:
            assert answer["status"] != 0, answer
            assert "Traceback" not in answer["traceback"], answer["traceback"]
        # Killed or refused once more while it goes on, every other time.
        if number % 2 and trainings.run(name).recipe_path.is_file():
            trainings.train(name, resume=True, fault=fault, at=chosen.randint(1, writes))
        _go_on(trainings, name)
        _assert_as_if_nothing_had_been(trainings.run(name), whole)
        counts.add("went on exactly")
        shutil.rmtree(trainings.run(name).path)


_RANKED = ("train.epochs=200", "train.batch_size=40", "train.threads=1", "train.keep=2", "sample.count=4")


def _start_ranks(folder: Path, name: str, images_path: Path) -> subprocess.Popen[bytes]:
    """Two ranks that train a run from its beginning, or go on with it."""
    resumed = (folder / name / "recipe.toml").is_file()
    data = ("data.name=npz", f"data.root={images_path}", "model.hidden=[8]", "model.latent_dim=2")
    job = TrainingJob(
        recipe=None if resumed else "digits",
        overrides=() if resumed else (*data, *_RANKED),
        runs_dir=folder,
        name=None if resumed else name,
        resume=name if resumed else None,
        device="cpu",
        devices=2,
    )
    return subprocess.Popen(
        [sys.executable, "-m", "vae_tui.training", job.to_json()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _kill_a_rank(process: subprocess.Popen[bytes], chosen: random.Random, run: Run, seconds: float) -> str:
    """Kill one of the ranks somewhere in its start or its training; which, or "none" where they ended before."""
    deadline, begun = time.monotonic() + chosen.uniform(0, seconds), len(read_events(run.events_path))
    if chosen.random() < 0.7:
        # Starting takes most of the time; most kills belong where something is written.
        while process.poll() is None and len(read_events(run.events_path)) < begun + 8:
            time.sleep(0.02)
        deadline = time.monotonic() + chosen.uniform(0, 2)
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        followers = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return "none"
    victims = [process.pid, *(one.pid for one in followers)]
    victim = chosen.choice(victims)
    if process.poll() is not None:
        return "none"
    os.kill(victim, signal.SIGKILL)
    process.wait(120)
    assert psutil.wait_procs(followers, 60)[1] == []
    return "rank 0" if victim == process.pid else "another"


def test_ranks_of_which_one_is_killed_at_any_moment_go_on_as_if_nothing_had_been(
    tmp_path: Path, images_path: Path, tally: Callable[[str], Tally]
) -> None:
    counts, chosen = tally("kill -9 of one of two ranks, in a run and in its resumes"), random.Random(SEED)
    began = time.monotonic()
    assert _start_ranks(tmp_path, "whole", images_path).wait(300) == 0
    seconds, whole = time.monotonic() - began, Run(tmp_path / "whole")
    for number in rounds(1, share=0.9):
        name = f"broken-{number}"
        run = Run(tmp_path / name)
        for _ in range(chosen.randint(1, 3 if LONG_SECONDS else 1)):
            killed = _kill_a_rank(_start_ranks(tmp_path, name, images_path), chosen, run, seconds)
            counts.add(f"{killed} killed")
            if killed == "none":
                break
        finished = [event for event in read_events(run.events_path) if isinstance(event, ev.RunFinished)]
        if not finished or finished[-1].status != "completed":
            assert _start_ranks(tmp_path, name, images_path).wait(300) == 0
        _assert_as_if_nothing_had_been(run, whole)
        counts.add("run went on exactly")
        shutil.rmtree(run.path)
