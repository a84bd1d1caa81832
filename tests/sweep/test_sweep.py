"""Sweeps as users run them: real workers, real trainers, and what kills them."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Cli

from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.log import read_events
from vae_tui.runs.status import read_status
from vae_tui.sweep.folder import Sweep, find_sweep

pytestmark = pytest.mark.slow

LONG = "train.epochs=100000"


@contextmanager
def working(tmp_path: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """`vae-tui sweep`, as a process that is gone afterwards, and its trainers with it."""
    command = [sys.executable, "-m", "vae_tui", "sweep", *map(str, arguments)]
    worker = subprocess.Popen(command, cwd=tmp_path, stdout=-1, stderr=-1, text=True)
    try:
        yield worker
    finally:
        worker.kill()
        worker.communicate()
        for run in runs(tmp_path):
            kill_trainer(run)


def runs(tmp_path: Path) -> list[Run]:
    return [Run(path.parent) for path in sorted((tmp_path / "checkpoints").glob("*/events.jsonl"))]


def kill_trainer(run: Run) -> None:
    if (pid := lock_holder(run.path)) is not None:
        os.kill(pid, signal.SIGKILL)
        while lock_holder(run.path) is not None:
            time.sleep(0.02)


def wait_until(reached: Callable[[], bool]) -> None:
    while not reached():
        time.sleep(0.05)


def trained(run: Run) -> int:
    """Epochs of a run so far."""
    return sum(event.event == "epoch_completed" for event in read_events(run.events_path))


def sweep_of(tmp_path: Path, name: str) -> Sweep:
    found = find_sweep(name, tmp_path / "checkpoints")
    assert found is not None
    return found


def states(tmp_path: Path, name: str) -> list[str]:
    sweep = sweep_of(tmp_path, name)
    return [standing.state for standing in sweep.claims.standings(job.number for job in sweep.read().jobs).values()]


def test_a_sweep_trains_ordinary_runs_and_says_what_came_of_them(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    grid = ["--grid", "objective.beta=1,4", "--grid", "train.seed=0,1"]
    done = cli("sweep", recipe, *grid, "--name", "mine")
    assert done.returncode == 0
    assert "completed      mine-beta=4,seed=1   -ELBO " in done.stderr
    assert "mean ± standard error over seeds" in done.stderr
    title, *rows = done.stdout.splitlines()
    assert title.split() == ["beta", "-ELBO", "distortion", "rate", "loss", "active", "runs"]
    assert [row.split()[0] for row in rows] == ["1", "4"]
    assert [row.split()[-1] for row in rows] == ["2", "2"]

    by_hand = cli("train", recipe, "--ui", "none", "--run", "hand", *overrides("objective.beta=4", "train.seed=1"))
    assert by_hand.returncode == 0
    hand, swept = (Run(tmp_path / "checkpoints" / name).latest().path for name in ("hand", "mine-beta=4,seed=1"))
    assert hand.read_bytes() == swept.read_bytes()

    listed = json.loads(cli("runs", "sweep:mine", "--json").stdout)
    assert {run["name"] for run in listed} == {f"mine-beta={beta},seed={seed}" for beta in (1, 4) for seed in (0, 1)}

    assert cli("watch", "sweep:mine").stdout == done.stdout
    again = cli("sweep", recipe, *grid, "--name", "mine")
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert "started" not in again.stderr


def overrides(*settings: str) -> list[str]:
    return [f"--set={setting}" for setting in (*settings, "train.threads=1", "train.compile=false")]


def test_what_came_of_a_sweep_is_a_table_of_many_kinds_and_a_figure(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    assert (
        cli(
            "sweep", recipe, "--grid", "beta=1,4", "--grid", "train.seed=0,1", "--name", "mine", "--ui", "none"
        ).returncode
        == 0
    )
    whole = json.loads(cli("sweep", "mine", "--json").stdout)
    assert whole["keys"] == ["objective.beta", "train.seed"]
    of_beta_4 = whole["over_seeds"][1]
    values = [run["figures"]["nelbo"] for run in whole["runs"] if run["values"]["objective.beta"] == 4]
    assert of_beta_4["figures"]["nelbo"]["mean"] == pytest.approx(sum(values) / 2)
    assert of_beta_4["figures"]["nelbo"]["standard_error"] == pytest.approx(abs(values[0] - values[1]) / 2)
    rows = list(csv.DictReader(io.StringIO(cli("sweep", "mine", "--csv").stdout)))
    assert [row["objective.beta"] for row in rows] == ["1", "1", "4", "4"]
    assert float(rows[0]["nelbo"]) == whole["runs"][0]["figures"]["nelbo"]
    mean = f"{of_beta_4['figures']['nelbo']['mean']:.2f}"
    for name in ("table.md", "table.tex", "table.csv", "table.json", "figure.png", "figure.svg"):
        assert cli("sweep", "mine", "--out", name).stdout == f"{name}\n"
    assert f"| 4 | {mean} ± " in (tmp_path / "table.md").read_text()
    assert rf"4 & ${mean} \pm " in (tmp_path / "table.tex").read_text()
    assert "objective.beta" in (tmp_path / "figure.svg").read_text()


def test_workers_and_trainers_may_be_killed_and_the_weights_are_the_same(
    cli: Cli, recipe: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    arguments = ["sweep", recipe, "--grid", "seed=0,1,2", "--set", "train.epochs=150", "--name", "mine", "--jobs", "2"]
    assert cli(*arguments, "--runs-dir", whole).returncode == 0
    folders = [killed / f"mine-seed={seed}" for seed in (0, 1, 2)]

    def begin() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "vae_tui", *map(str, arguments), "--runs-dir", str(killed)]
        return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=-1, text=True)

    worker = begin()
    wait_until(lambda: all(trained(Run(folder)) for folder in folders[:2]))
    for run in map(Run, folders[:2]):  # the power goes
        worker.kill()
        kill_trainer(run)
    worker.communicate()

    worker = begin()
    wait_until(lambda: any(lock_holder(folder) is not None for folder in folders[:2]))
    worker.kill()  # and its trainers live on
    worker.communicate()

    worker = begin()
    _, err = worker.communicate()
    assert worker.returncode == 0
    assert err.count("started ") == 1
    for folder in folders:
        ours, undisturbed = Run(folder).latest().path, Run(whole / folder.name).latest().path
        assert ours.name == undisturbed.name
        assert ours.read_bytes() == undisturbed.read_bytes()


def test_a_trainer_that_is_killed_is_started_again_by_its_worker(recipe: Path, tmp_path: Path) -> None:
    with working(
        tmp_path, recipe, "--grid", "seed=0,1", "--set", "train.epochs=400", "--name", "mine", "--jobs", "1"
    ) as worker:
        first = Run(tmp_path / "checkpoints" / "mine-seed=0")
        wait_until(lambda: bool(trained(first)))
        kill_trainer(first)
        _, err = worker.communicate()
    assert worker.returncode == 0
    assert "killed         mine-seed=0" in err
    assert "goes on        mine-seed=0" in err
    assert states(tmp_path, "mine") == ["completed", "completed"]


def test_a_run_that_was_found_training_and_is_stopped_goes_on(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    arguments = [str(recipe), "--grid", "seed=0", "--set", LONG, "--name", "mine"]
    with working(tmp_path, *arguments) as first:
        run = Run(tmp_path / "checkpoints" / "mine-seed=0")
        wait_until(lambda: bool(trained(run)))
        first.kill()
        first.communicate()
        found = lock_holder(run.path)
        with working(tmp_path, *arguments):
            wait_until(lambda: sweep_of(tmp_path, "mine").claims.standings([1])[1].attempts == 2)
            assert cli("stop", "mine-seed=0").returncode == 0
            wait_until(lambda: lock_holder(run.path) not in (None, found))
            assert states(tmp_path, "mine") == ["running"]


def test_what_fails_does_not_stop_the_rest_and_is_tried_again(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    grid = ["--grid", 'data.root="blobs.npy","later.npy"', "--name", "mine"]
    done = cli("sweep", recipe, *grid)
    assert done.returncode == 1
    assert f"FAILED         mine-root=later.npy: {tmp_path / 'later.npy'} is not there" in done.stderr
    assert "vae-tui sweep mine --retry" in done.stderr
    assert states(tmp_path, "mine") == ["completed", "failed"]
    (tmp_path / "later.npy").symlink_to("blobs.npy")
    assert "started" not in cli("sweep", "mine").stderr
    assert cli("sweep", "mine", "--retry").returncode == 0
    assert states(tmp_path, "mine") == ["completed", "completed"]


def test_an_interrupt_saves_and_stops_all_and_the_same_command_goes_on(recipe: Path, tmp_path: Path, cli: Cli) -> None:
    arguments = [str(recipe), "--grid", "seed=0,1", "--set", "train.epochs=2000", "--name", "mine", "--jobs", "2"]
    with working(tmp_path, *arguments) as worker:
        wait_until(lambda: len(runs(tmp_path)) == 2 and all(map(trained, runs(tmp_path))))
        worker.send_signal(signal.SIGINT)
        _, err = worker.communicate()
    assert worker.returncode == 130
    assert "saving checkpoints and stopping" in err
    assert "go on with: vae-tui sweep mine\n" in err
    assert [read_status(run).phase for run in runs(tmp_path)] == ["stopped", "stopped"]
    assert states(tmp_path, "mine") == ["waiting", "waiting"]


def test_all_workers_of_a_sweep_are_paused_let_go_on_and_stopped(recipe: Path, tmp_path: Path, cli: Cli) -> None:
    with working(tmp_path, recipe, "--grid", "seed=0,1", "--set", LONG, "--name", "mine", "--jobs", "1") as worker:
        first = Run(tmp_path / "checkpoints" / "mine-seed=0")
        wait_until(lambda: bool(trained(first)))
        assert cli("pause", "sweep:mine").returncode == 0
        wait_until(lambda: states(tmp_path, "mine") == ["waiting", "waiting"])
        assert worker.poll() is None
        assert cli("unpause", "sweep:mine").returncode == 0
        wait_until(lambda: lock_holder(first.path) is not None)
        assert cli("stop", "sweep:mine").returncode == 0
        worker.communicate()
    assert worker.returncode == 130


def test_runs_are_added_and_taken_away_later(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    assert cli("sweep", recipe, "--grid", "seed=0,1", "--name", "mine").returncode == 0
    more = cli("sweep", recipe, "--grid", "seed=1,2", "--name", "mine")
    assert more.returncode == 0
    assert "note: 1 run added to mine" in more.stderr
    assert "1 run taken away from mine; those that were begun are kept as runs" in more.stderr
    assert [job.run for job in sweep_of(tmp_path, "mine").read().jobs] == ["mine-seed=1", "mine-seed=2"]
    assert Run(tmp_path / "checkpoints" / "mine-seed=0").latest()


def test_a_second_worker_takes_what_the_first_has_not(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    with working(
        tmp_path, recipe, "--grid", "seed=0,1", "--set", "train.epochs=600", "--name", "mine", "--jobs", "1"
    ) as first:
        wait_until(lambda: len(runs(tmp_path)) == 1)
        second = cli("sweep", "mine", "--work", "--jobs", "1")
        _, err = first.communicate()
    assert second.returncode == 0
    assert err.count("started") + second.stderr.count("started") == 2
    assert second.stderr.count("started") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "no sweep called 'nothing' under checkpoints (there are: none yet)"),
        (["blobs.toml"], "blobs.toml is a recipe: sweep it with lists of values"),
        (["blobs.toml", "--grid", "betta=1"], "betta: no such key of a recipe"),
        (["blobs.toml", "--grid", "objective.beta"], "expected KEY=VALUE,VALUE..."),
        (["betas", "--json", "--csv"], "give one of them"),
        (["mine", "--out", "table.doc"], "expected a name that ends in"),
        (["blobs.toml", "--grid", "seed=0,1", "--name", "../x"], "cannot name a run"),
        (["blobs.toml", "--grid", "objective.beta=0,-1"], "[objective] beta"),
        (["nothing", "--work"], "no sweep called 'nothing'"),
        (["blobs.npy"], "blobs.npy: is not UTF-8 text"),
        (["blobs.toml", "--grid", "beta=1,2", "--grid", "beta=3"], "--grid objective.beta: given twice"),
        (["blobs.toml", "--grid", "beta=1,1.0"], "a value stands in it twice"),
        (["blobs.toml", "--grid", "beta=1,2", "--first", "beta=5", "--dry-run"], "leave out one of them"),
        (["--runs-dir", "blobs.toml"], "blobs.toml is no folder of runs; choose another --runs-dir"),
    ],
)
def test_what_is_wrong_is_one_message(cli: Cli, recipe: Path, arguments: list[str], message: str) -> None:
    done = cli("sweep", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_names_the_runs_and_trains_none(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    done = cli("sweep", recipe, "--grid", "seed=0,1", "--name", "mine", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "mine-seed=0\nmine-seed=1\n")
    assert "at a time, at most" in done.stderr
    assert "parameters" in done.stderr
    assert not (tmp_path / "checkpoints").exists()


def test_the_file_of_a_sweep_is_checked_as_recipes_are(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('recipe = "blobs.toml"\n[grid]\ntrain.seed = [0, 1, 2]\n')
    assert cli("check", "mine.toml").stdout == "mine.toml: ok, 3 runs of blobs\n"
    (tmp_path / "mine.toml").write_text('recipe = "blobs.toml"\n[grid]\ntrain.seed = [0, -1]\n')
    assert cli("check", "mine.toml").returncode == 2


def test_a_folder_that_a_killed_trainer_left_without_a_line_is_made_anew(
    cli: Cli, recipe: Path, tmp_path: Path
) -> None:
    left = tmp_path / "checkpoints" / "mine-seed=0"
    (left / "commands").mkdir(parents=True)
    assert cli("sweep", recipe, "--grid", "seed=0", "--name", "mine").returncode == 0
    assert Run(left).latest()


def test_a_run_of_somebody_elses_is_never_touched(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    assert cli("train", recipe, "--run", "mine-seed=0", "--ui", "none").returncode == 0
    before = Run(tmp_path / "checkpoints" / "mine-seed=0").latest().path.read_bytes()
    done = cli("sweep", recipe, "--grid", "seed=0,1", "--name", "mine")
    assert done.returncode == 1
    assert "is a run that is not of this sweep" in done.stderr
    assert Run(tmp_path / "checkpoints" / "mine-seed=0").latest().path.read_bytes() == before


def test_the_runs_of_a_sweep_are_named_together(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    assert cli("sweep", recipe, "--grid", "seed=0,1", "--name", "mine", "--ui", "none").returncode == 0
    assert "mine-seed=0" in cli("compare", "sweep:mine").stdout
    assert "mine-seed=1" in cli("prune", "sweep:mine", "--dry-run").stderr
    refused = cli("delete", "sweep:mine")
    assert refused.returncode == 2
    assert len(runs(tmp_path)) == 2
    assert "deleted checkpoints/sweeps/mine and 2 runs" in cli("delete", "sweep:mine", "--yes").stderr
    assert runs(tmp_path) == []
    assert "no sweep called 'mine'" in cli("compare", "sweep:mine").stderr


def test_runs_are_put_before_others(cli: Cli, recipe: Path) -> None:
    done = cli("sweep", recipe, "--grid", "seed=0,1,2", "--name", "mine", "--jobs", "1", "--first", "seed=2")
    assert done.returncode == 0
    assert "1 run put first" in done.stderr
    started = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("started")]
    assert started == ["mine-seed=2", "mine-seed=0", "mine-seed=1"]
    refused = cli("sweep", "mine", "--first", "seed=7")
    assert refused.returncode == 2
    assert "no run of mine has train.seed = 7" in refused.stderr


def test_the_name_alone_goes_on_with_a_sweep_however_it_was_begun(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    assert "no sweep under checkpoints yet" in cli("sweep").stderr
    # A shipped sweep is called so too, and is of other runs.
    assert cli("sweep", recipe, "--grid", "seed=0", "--name", "betas", "--ui", "none").returncode == 0
    assert cli("sweep", "betas").returncode == 0
    assert [job.run for job in sweep_of(tmp_path, "betas").read().jobs] == ["betas-seed=0"]
    assert cli("sweep").stdout.split() == ["betas", "1", "of", "1", "done", "blobs"]
