"""Sweeps on a Slurm cluster: a real one, on this machine's loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_slurm import LoopbackSlurm, why_not

from vae_tui.errors import VaeTuiError
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events
from vae_tui.sweep.folder import Sweep
from vae_tui.sweep.slurm import cores_of, read_options


def test_options_are_those_of_sbatch() -> None:
    assert read_options("--gres=gpu:1 -p long --time=4:00:00") == ["--gres=gpu:1", "-p long", "--time=4:00:00"]
    assert read_options("") == []
    assert cores_of(read_options("-c 4")) == cores_of(read_options("--cpus-per-task=4")) == 4
    assert cores_of(["--time=1"]) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [("gpu:1", "expected options of sbatch"), ("--array=1-3", "--jobs says how many workers"), ("--x='", "No closing")],
)
def test_what_is_no_option_is_refused(text: str, message: str) -> None:
    with pytest.raises(VaeTuiError, match=message):
        read_options(text)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LoopbackSlurm]:
    if reason := why_not():
        pytest.skip(reason)
    (tmp_path / "slurm").mkdir()
    slurm = LoopbackSlurm(tmp_path / "slurm")
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_node_dies_and_a_worker_is_preempted_and_each_run_is_trained_once(
    cluster: LoopbackSlurm, recipe: Path, tmp_path: Path
) -> None:
    def vae_tui(*arguments: str) -> str:
        command = [sys.executable, "-m", "vae_tui", "sweep", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=cluster.environment, capture_output=True, text=True, check=True
        ).stdout

    seeds = ",".join(map(str, range(12)))
    arguments = [str(recipe), "--grid", f"seed={seeds}", "--set", "train.epochs=700", "--name", "mine"]
    vae_tui(*arguments, "--slurm", "--time=1:00:00", "--jobs", "2")
    sweep = Sweep(tmp_path / "checkpoints" / "sweeps" / "mine")

    def count(state: str) -> int:
        standings = sweep.claims.standings(range(1, 13)).values()
        return sum(standing.state == state for standing in standings)

    def run_of(job: int) -> Run:
        return Run(tmp_path / "checkpoints" / f"mine-seed={job - 1}")

    def is_early_in_a_run(node: str) -> bool:
        tasks = cluster.run("squeue", "-h", "-w", node, "-t", "R", "--format=%A").split()
        for job, standing in sweep.claims.standings(range(1, 13)).items():
            if standing.holder is not None and standing.holder.cluster_job in tasks:
                events = read_events(run_of(job).events_path)
                return 10 < sum(event.event == "epoch_completed" for event in events) < 350
        return False

    def wait_until(completed: int, *, early_on: str) -> None:
        while count("completed") < completed or not is_early_in_a_run(early_on):
            time.sleep(0.1)

    wait_until(2, early_on="n1")
    cluster.kill_node("n1")
    wait_until(4, early_on="n2")
    cluster.run("srun", "-p", "urgent", "-w", "n2", "true")
    cluster.start_node("n1")
    for task in cluster.run("squeue", "-h", "-t", "PD", "--array", "--format=%i").split():
        # Slurm keeps what it queued again for two minutes.
        cluster.run("scontrol", "update", f"JobId={task}", "StartTime=now")
    while count("completed") < 12:
        time.sleep(0.5)
        if not cluster.run("squeue", "-h").split():
            break
    assert count("completed") == 12

    starts = 0
    for job in range(1, 13):
        events = read_events(run_of(job).events_path)
        ended = [event for event in events if event.event == "run_finished" and event.status == "completed"]  # type: ignore[attr-defined]
        assert len(ended) == 1
        starts += sum(event.event == "run_started" for event in events)
        epochs = [event.epoch for event in events if event.event == "epoch_completed"]  # type: ignore[attr-defined]
        assert len(epochs) - len(set(epochs)) < 700
    assert starts >= 14  # that of the node that died, and that of the worker that was preempted, went on
    figures = json.loads(vae_tui("mine", "--json"))
    assert [run["state"] for run in figures["runs"]] == ["completed"] * 12
