"""A run's history written for other programs from the command line, as processes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from conftest import Cli, MakeRun, train_events

from vae_tui.runs.layout import Run

pytestmark = pytest.mark.slow


@pytest.fixture
def two(make_run: MakeRun) -> tuple[Run, Run]:
    """Two finished runs, of two epochs and of one."""
    made = make_run("train.epochs=2", name="one"), make_run("train.epochs=1", name="other")
    for run in made:
        list(train_events(run))
    return made


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_run_is_a_file_of_its_epochs_or_of_its_steps(cli: Cli, two: tuple[Run, Run], tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("what was there before")
    done = cli("export", "one", "--csv", "one.csv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "one.csv\n", "one: 2 epochs\n")
    assert [row["epoch"] for row in rows(tmp_path / "one.csv")] == ["1", "2"]
    assert cli("export", "one", "--csv", "steps.csv", "--steps").returncode == 0
    assert (tmp_path / "steps.csv").read_text().startswith("step,epoch,time,steps,train/loss")


def test_several_runs_go_to_one_folder_each(cli: Cli, two: tuple[Run, Run], tmp_path: Path) -> None:
    done = cli("export", "one", "other", "checkpoints/one", "--csv", "tables")
    assert done.stdout.splitlines() == [
        f"tables/{name}/{kind}.csv" for name in ("one", "other") for kind in ("epochs", "steps")
    ]
    assert len(rows(tmp_path / "tables" / "other" / "epochs.csv")) == 1


def test_tensorboard_gets_a_folder_a_run(cli: Cli, two: tuple[Run, Run], tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the optional package tensorboard is not installed")
    done = cli("export", "one", "other", "--tensorboard", "boards")
    assert done.returncode == 0, done.stderr
    assert [Path(line).parts[:2] for line in done.stdout.splitlines()] == [("boards", "one"), ("boards", "other")]
    assert all((tmp_path / line).is_file() for line in done.stdout.splitlines())
    assert "tensorboard --logdir boards" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["one"],
            "say where to: --csv DIR or --csv FILE.csv, --tensorboard DIR, --pt2 DIR, --onnx DIR or --pytorch DIR",
        ),
        (["one", "other", "--csv", "both.csv"], "one file holds one run; name a folder"),
        (["one", "--csv", "tables", "--steps"], "--steps goes with --csv FILE.csv"),
        (["one", "--csv", "nowhere/one.csv"], "there is no folder"),
        (["one", "--csv", "one.csv/inside"], "one.csv/inside/one"),
        (["nobody", "--csv", "one.csv"], "no run called 'nobody'"),
    ],
)
def test_what_cannot_be_exported_is_one_message(
    cli: Cli, two: tuple[Run, Run], tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    if arguments[-1] == "one.csv/inside":
        (tmp_path / "one.csv").write_text("a file")
    done = cli("export", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert complaint in done.stderr
