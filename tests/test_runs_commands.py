"""Many runs from the command line: listed, compared, steered and kept in order, as processes."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pexpect
import pytest
from conftest import Cli, MakeRun, train_events

from vae_tui.runs.about import change_about
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.status import read_status

pytestmark = pytest.mark.slow


@pytest.fixture
def two(make_run: MakeRun) -> tuple[Run, Run]:
    """Two finished runs, with beta 1 and 4."""
    made = make_run("train.epochs=2", name="one"), make_run("train.epochs=1", "objective.beta=4", name="four")
    for run in made:
        list(train_events(run))
    change_about(made[1], add=["paper"])
    return made


def test_runs_are_listed_filtered_and_sorted(cli: Cli, two: tuple[Run, Run]) -> None:
    listed = cli("runs")
    header, *lines = listed.stdout.splitlines()
    assert header.split()[:2] == ["state", "name"]
    assert [line.split()[1] for line in lines] == ["four", "one"]
    assert "paper" in lines[0]
    found = json.loads(cli("runs", "-tag:paper", "beta<4", "--json").stdout)
    assert [(run["name"], run["state"], run["epoch"], run["beta"]) for run in found] == [("one", "completed", 2, 1.0)]
    assert found[0]["settings"]["model"]["latent_dim"] == 3
    assert found[0]["nelbo"] == pytest.approx(-found[0]["validation"]["elbo"])
    sorted_ = cli("runs", "--sort", "-name", "--columns", "name,optimizer.lr,seed").stdout.splitlines()
    assert [line.split() for line in sorted_] == [
        ["name", "optimizer.lr", "seed"],
        ["one", "0.001", "0"],
        ["four", "0.001", "0"],
    ]
    nothing = cli("runs", "state:failed")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "none of 2 runs under checkpoints\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["beta>"], "beta is compared with a number"),
        (["--sort", "colour"], "--sort: no run has 'colour'"),
        (["--columns", "name,colour"], "--columns: no run has 'colour'"),
        (["--jsn"], "no such option: --jsn"),
    ],
)
def test_what_cannot_be_listed_is_explained(cli: Cli, two: tuple[Run, Run], arguments: list[str], problem: str) -> None:
    done = cli("runs", *arguments)
    assert done.returncode == 2
    assert problem in done.stderr
    assert done.stdout == ""


def test_a_narrow_terminal_gets_the_columns_that_fit_and_hears_of_the_others(
    tmp_path: Path, two: tuple[Run, Run]
) -> None:
    screen = pexpect.spawn(
        sys.executable, ["-m", "vae_tui", "runs"], cwd=tmp_path, dimensions=(24, 60), encoding="utf-8",
        env={key: value for key, value in os.environ.items() if key != "COLUMNS"} | {"TERM": "xterm", "NO_COLOR": "1"},
    )  # fmt: skip
    screen.expect(pexpect.EOF)
    lines = re.sub(r"\x1b\[\d*m", "", screen.before).splitlines()
    assert max(map(len, lines)) <= 60, screen.before
    assert lines[0].split()[:2] == ["state", "name"]
    assert "columns do not fit" in lines[-1]


def test_runs_are_compared_by_what_differs(cli: Cli, two: tuple[Run, Run]) -> None:
    lines = [line.split() for line in cli("compare", "one", "four").stdout.splitlines()]
    assert lines[0] == ["one", "four"]
    assert ["objective.beta", "1.0", "4.0"] in lines
    assert ["train.epochs", "2", "1"] in lines
    assert not any("lr" in line[0] for line in lines if line)
    assert ["epoch", "2", "1"] in lines
    found = json.loads(cli("compare", "one", "four", "--json").stdout)
    assert found["differing"] == {
        "objective.beta": {"one": 1.0, "four": 4.0},
        "train.epochs": {"one": 2, "four": 1},
    }
    assert [run["name"] for run in found["runs"]] == ["one", "four"]
    alone = cli("compare", "one", "checkpoints/one")
    assert alone.returncode == 2
    assert "comparing takes two runs or more" in alone.stderr


def test_a_live_run_is_paused_saved_and_stopped(cli: Cli, make_run: MakeRun, tmp_path: Path) -> None:
    recipe = make_run("train.epochs=100000000", name="recipe").recipe_path
    assert cli("train", recipe, "--run", "live", "--detach").returncode == 0
    run = Run(tmp_path / "checkpoints" / "live")
    refused = cli("delete", "live", "--yes")
    assert refused.returncode == 2
    assert run.recipe_path.is_file()
    paused = cli("pause", "live")
    assert (paused.returncode, paused.stdout) == (0, "")
    assert paused.stderr.endswith("live: paused\n")
    assert json.loads(cli("runs", "name:live", "--json").stdout)[0]["state"] == "paused"
    assert re.search(r"live: from step [\d,]+ on objective.beta = 4.0", cli("set", "live", "beta=4").stderr)
    refused = cli("set", "live", "objective.beta=-1")
    assert (refused.returncode, "[objective] beta: expected at least 0, got -1" in refused.stderr) == (2, True)
    assert "seed cannot be changed while a run trains" in cli("set", "live", "seed=1").stderr
    assert "training goes on" in cli("unpause", "live").stderr
    saved = cli("save", "live").stderr
    assert (run.path / saved.strip().rpartition(" ")[2]).is_file()
    stopped = cli("stop", "live", "recipe")
    assert stopped.returncode == 2, "nobody trains the other one"
    assert "live: stopped by request" in stopped.stderr
    assert "recipe is interrupted: no trainer is there to stop" in stopped.stderr
    assert lock_holder(run.path) is None
    assert read_status(run).phase == "stopped"


def test_runs_are_tagged_renamed_and_deleted(cli: Cli, two: tuple[Run, Run], tmp_path: Path) -> None:
    assert cli("tag", "one", "draft", "paper", "--note", "the first").stdout == "draft paper\n"
    assert cli("tag", "one", "--remove", "draft").stdout == "paper\n"
    assert cli("tag", "one").stderr == "the first\n"
    assert cli("tag", "one", "two words").returncode == 2
    renamed = cli("rename", "one", "uno")
    assert (renamed.returncode, renamed.stdout) == (0, "checkpoints/uno\n")
    assert cli("rename", "uno", "four").returncode == 2
    assert "its whole name is needed here: uno" in cli("delete", "un", "--yes").stderr
    asked = cli("delete", "uno")
    assert asked.returncode == 2
    assert "--yes" in asked.stderr
    assert (tmp_path / "checkpoints" / "uno").is_dir()
    assert (
        cli("delete", "uno", "checkpoints/four", "-y").stderr == "deleted checkpoints/uno\ndeleted checkpoints/four\n"
    )
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_deleting_asks_for_the_name_to_be_typed(two: tuple[Run, Run], tmp_path: Path) -> None:
    arguments = ["-m", "vae_tui", "delete", "one", "four"]
    terminal = pexpect.spawn(sys.executable, arguments, cwd=tmp_path, encoding="utf-8", timeout=60)
    terminal.expect("to delete it, type its name:")
    terminal.sendline("one")
    terminal.expect("deleted checkpoints/one")
    terminal.expect("to delete it, type its name:")
    terminal.sendline("yes")
    terminal.expect("four is kept")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 2
    assert [run.path.is_dir() for run in two] == [False, True]


def test_a_run_whose_log_is_lost_still_has_its_checkpoints(cli: Cli, walked_run: Run) -> None:
    walked_run.events_path.write_text("")
    done = cli("watch", walked_run.path)
    assert "events.jsonl is empty or damaged, but there are checkpoints, as of step 7; go on with:" in done.stderr
