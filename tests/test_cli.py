"""The command line, as processes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import MakeRun, train_events

from vae_tui.imaging.grid import decode_png
from vae_tui.runs.best import best_checkpoint
from vae_tui.runs.commands import Pause, Save, Stop, Unpause, send_command
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.log import read_events
from vae_tui.runs.status import read_status

pytestmark = pytest.mark.slow

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(images_path: Path) -> list[str]:
    """`vae-tui train` with a recipe for the blobs."""
    recipe = images_path.with_name("blobs.toml")
    recipe.write_text(
        f'[data]\nname = "npz"\nroot = "{images_path}"\n[model]\nhidden = [16]\nlatent_dim = 3\n'
        "[train]\nepochs = 3\nbatch_size = 10\nthreads = 1\n[sample]\ncount = 4\n"
    )
    return [sys.executable, "-m", "vae_tui", "train", str(recipe)]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vae_tui", *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True
        )

    return run


def test_closed_and_full_streams_are_no_bugs() -> None:
    for redirection, code in (("walk <&-", 2), ("check digits >/dev/full", 1), ("check digits >&-", 0)):
        done = subprocess.run(
            ["/bin/sh", "-c", f"{sys.executable} -m vae_tui {redirection}"], capture_output=True, text=True
        )
        assert done.returncode == code, redirection
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("check digits", 130),
        ("sample nothing", 2),
        ("runs", 130),
        ("train digits --set train.epochs=1 --ui plain", 130),
    ],
)
def test_a_reader_who_left_is_no_failure(arguments: str, code: int, tmp_path: Path) -> None:
    line = f"{sys.executable} -m vae_tui {arguments} 2>&1 | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == code
    assert done.stdout + done.stderr == ""


def test_a_full_stdout_ends_the_telling_and_not_the_training(command: list[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(
            [*command, "--ui", "json", "--run", "mine", "--set", "train.epochs=1000000"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert told.returncode == 1
    said = re.fullmatch(
        r"stdout cannot be written \(.+\), but training goes on in process (\d+); see .+\n", told.stderr
    )
    assert said, told.stderr
    assert lock_holder(tmp_path / "checkpoints" / "mine") == int(said[1])
    os.kill(int(said[1]), signal.SIGKILL)


def start(command: list[str], tmp_path: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*command, *more], cwd=tmp_path, stdout=-1, stderr=-1, text=True)


def wait_for(run: Run, event: str) -> None:
    while not any(found.event == event for found in read_events(run.events_path)):
        time.sleep(0.02)


def test_train_prints_its_progress_on_stderr_and_the_runs_path_on_stdout(command: list[str], tmp_path: Path) -> None:
    out, err = start(command, tmp_path, "--set", "train.epochs=3").communicate()
    run = Run(tmp_path / out.strip())
    assert read_status(run).phase == "completed"
    assert "epoch   1/3" in err
    assert "epoch   3/3" in err
    assert "-ELBO" in err
    assert f"checkpoint {out.strip()}/step-" in err
    assert f"samples    {out.strip()}/images/samples-" in err


def test_json_is_the_log_as_it_stands(command: list[str], tmp_path: Path) -> None:
    out, err = start(command, tmp_path, "--set", "train.epochs=2", "--ui", "json", "--run", "mine").communicate()
    assert out == (tmp_path / "checkpoints" / "mine" / "events.jsonl").read_text()
    assert [json.loads(line)["event"] for line in out.splitlines()][-1] == "run_finished"
    assert err == ""


def test_a_run_is_of_its_recipe_whatever_it_is_called(command: list[str], tmp_path: Path, cli: Cli) -> None:
    start(command, tmp_path, "--set", "train.epochs=1", "--ui", "none", "--run", "mine").communicate()
    listed = json.loads(cli("runs", "--json").stdout)
    assert [(run["name"], run["recipe"]) for run in listed] == [("mine", "blobs")]
    cli("train", "--resume", "mine", "--set", "train.epochs=2", "--ui", "none")
    cli("rename", "mine", "paper")
    assert cli("watch", "blobs").stderr.endswith("completed: 2 epochs\n")
    assert json.loads(cli("runs", "recipe:blobs", "--json").stdout)[0]["name"] == "paper"


def test_nothing_is_said_with_ui_none_but_where_the_run_is(command: list[str], tmp_path: Path) -> None:
    out, err = start(command, tmp_path, "--set", "train.epochs=1", "--ui", "none", "--run", "mine").communicate()
    assert (out, err) == ("checkpoints/mine\n", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_saves_a_checkpoint_and_exits_with_130(
    command: list[str], tmp_path: Path, number: signal.Signals
) -> None:
    process = start(command, tmp_path, "--set", "train.epochs=100000", "--run", "long")
    run = Run(tmp_path / "checkpoints" / "long")
    wait_for(run, "epoch_completed")
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == 130
    assert "saving a checkpoint and stopping" in err
    assert out == "checkpoints/long\n"
    assert err.endswith("go on with: vae-tui train --resume long\n")
    assert read_status(run).phase == "stopped"
    assert run.latest().step == read_events(run.events_path)[-1].step


@pytest.mark.parametrize("ui", ["json", "none"])
def test_a_stopped_run_says_how_to_go_on_whatever_shows_it(
    command: list[str], tmp_path: Path, ui: str, cli: Cli
) -> None:
    process = start(command, tmp_path, "--set", "train.epochs=100000", "--run", "two words", "--ui", ui)
    run = Run(tmp_path / "checkpoints" / "two words")
    wait_for(run, "epoch_completed")
    way_on = "go on with: vae-tui train --resume 'two words'\n"
    assert cli("stop", "two words").stderr.endswith(way_on)
    _, err = process.communicate()
    assert (process.returncode, err) == (130, way_on)
    assert cli("watch", "two words").stderr.endswith(way_on)


def test_a_run_that_is_renamed_while_it_trains_is_shown_to_its_end(command: list[str], tmp_path: Path) -> None:
    process = start(command, tmp_path, "--set", "train.epochs=100000", "--run", "before")
    run = Run(tmp_path / "checkpoints" / "before")
    wait_for(run, "epoch_completed")
    renamed = Run(run.path.rename(run.path.with_name("after")))
    send_command(renamed, Stop())
    out, err = process.communicate()
    assert process.returncode == 130
    assert "note: the run was renamed: it is checkpoints/after now" in err
    assert out == "checkpoints/after\n"
    assert "stopped by request" in err


def test_a_run_that_is_deleted_while_it_trains_did_not_just_die(command: list[str], tmp_path: Path) -> None:
    process = start(command, tmp_path, "--set", "train.epochs=100000", "--run", "gone")
    run = Run(tmp_path / "checkpoints" / "gone")
    wait_for(run, "epoch_completed")
    while run.path.exists():  # the trainer may write a file meanwhile
        shutil.rmtree(run.path, ignore_errors=True)
    _, err = process.communicate()
    assert process.returncode == 1
    assert "checkpoints/gone is not there any more: it was deleted or moved" in err
    assert "died" not in err


def test_a_detached_run_goes_on_and_can_be_resumed_after_kill_9(command: list[str], tmp_path: Path, cli: Cli) -> None:
    epochs = ["--set", "train.epochs=400"]
    out, err = start(command, tmp_path, *epochs, "--detach", "--run", "killed").communicate()
    assert out == "checkpoints/killed\n"
    run = Run(tmp_path / "checkpoints" / "killed")
    wait_for(run, "epoch_completed")
    send_command(run, Save())
    send_command(run, Pause())
    wait_for(run, "command_done")
    pid = lock_holder(run.path)
    assert pid is not None
    assert f"process {pid}" in err
    busy = cli("train", "--resume", "killed")
    assert busy.returncode == 2
    assert f"is being trained by process {pid}" in busy.stderr
    os.kill(pid, signal.SIGKILL)
    while lock_holder(run.path) is not None:
        time.sleep(0.01)
    assert read_status(run).phase == "interrupted"
    as_recipe = cli("train", "killed")
    assert as_recipe.returncode == 2
    assert "killed is a run, not a recipe; go on with it by: vae-tui train --resume killed" in as_recipe.stderr
    resumed = start([sys.executable, "-m", "vae_tui", "train"], tmp_path, "--resume", "killed", "--ui", "plain")
    while not read_status(run).live or "as it was before" not in run.events_path.read_text():
        time.sleep(0.02)
    send_command(run, Unpause())
    _, err = resumed.communicate()
    assert resumed.returncode == 0, err
    assert "resumed from step" in err
    assert "paused, as it was before; to go on: vae-tui watch" in err
    start(command, tmp_path, *epochs, "--run", "whole", "--ui", "none").communicate()
    last = run.latest().path.name
    assert (run.path / last).read_bytes() == (tmp_path / "checkpoints" / "whole" / last).read_bytes()


def test_a_failing_run_exits_with_1_and_wrong_input_with_2(command: list[str], tmp_path: Path, cli: Cli) -> None:
    process = start(command, tmp_path, "--set", "optimizer.name=sgd", "--set", "optimizer.lr=1e30")
    _, err = process.communicate()
    assert process.returncode == 1
    assert "not finite" in err
    missing = cli("train", "--set", "data.name=npz", "--set", "data.root=nothing.npz", "--ui", "plain")
    assert missing.returncode == 2
    assert "nothing.npz is not there; [data] root names it" in missing.stderr
    wrong = cli("train", "--set", "train.epochs=0")
    assert wrong.returncode == 2
    assert "[train] epochs: expected at least 1, got 0" in wrong.stderr
    assert wrong.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["train", "digitz"], "did you mean digits?"),
        (["train", "--resume", "nothing"], "no run called 'nothing'"),
        (["train", "digits", "--resume", "x"], "give it without a RECIPE"),
        (["train", "--run", "../x"], "cannot name a run"),
        (["watch"], "no run under checkpoints yet; start one with: vae-tui train"),
        (["sample", "--out", "grid.jpg"], "expected a name that ends in .png or .gif or .svg or .pdf or .npz"),
        (["sample", "--out", "no/grid.png"], "there is no folder"),
        (["sample", "nothing.safetensors"], "no such file"),
        (["train", "--set=-x.y=1"], "[-x]: no such table"),
        (["train", "--resume", ""], "is no run"),
        (["train", "--set", "data.name=[]"], "[data] name: expected"),
        (["check", "x" * 5000], "File name too long"),
        (["watch", "~nobody-here/x"], "cannot be looked for"),
        (["sample", "--temperature", "-1"], "greater than or equal to 0"),
        (["sample", "--temperature", "inf"], "expected a finite number"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_message_on_stderr(cli: Cli, arguments: list[str], complaint: str) -> None:
    done = cli(*arguments)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_check_says_what_is_wrong_with_every_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text("")
    (tmp_path / "bad.toml").write_text("[train]\nepoch = 3\nseed = -1\n")
    done = cli("check", "good.toml", "bad.toml", "fc20")
    assert done.returncode == 2
    assert done.stdout == "good.toml: ok\nfc20: ok\n"
    assert done.stderr.count("\n") == 3
    assert "[train] epoch: no such key; did you mean epochs?" in done.stderr


def test_watch_without_a_terminal_tells_a_finished_run_again(make_run: MakeRun, cli: Cli) -> None:

    run = make_run("train.epochs=2")
    list(train_events(run))
    done = cli("watch", run.path)
    assert done.returncode == 0
    assert "epoch   2/2" in done.stderr
    assert "completed: 2 epochs" in done.stderr


def test_sample_draws_the_same_bytes_for_the_same_seed(make_run: MakeRun, cli: Cli, tmp_path: Path) -> None:

    run = make_run("train.epochs=1")
    list(train_events(run))
    done = cli("sample", "--out", "one.png", "--count", "10", "--columns", "5", "--scale", "3")
    assert done.stdout == "one.png\n"
    cli("sample", run.path, "--out", "two.png", "--count", "10", "--columns", "5", "--scale", "3")
    cli(
        "sample",
        best_checkpoint(run).path,
        "--out",
        "three.png",
        "--count",
        "10",
        "--columns",
        "5",
        "--scale",
        "3",
        "--seed",
        "1",
    )
    one, two, three = ((tmp_path / f"{name}.png").read_bytes() for name in ("one", "two", "three"))
    assert one == two
    assert one != three
    assert decode_png(one).shape == (3 * (2 * 10 + 2), 3 * (5 * 8 + 2), 1)


def test_a_damaged_checkpoint_is_one_clear_error(make_run: MakeRun, cli: Cli) -> None:

    run = make_run("train.epochs=1")
    list(train_events(run))
    path = run.latest().path
    path.write_bytes(path.read_bytes()[:-10])
    done = cli("sample", path)
    assert done.returncode == 2
    assert "damaged or was cut short" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_choice_is_named_in_our_words(cli: Cli) -> None:
    done = cli("train", "--ui", "fancy")
    assert done.returncode == 2
    assert "Invalid value for '--ui': 'fancy' is not one of 'auto', 'tui', 'plain', 'json', 'none'." in done.stderr
    assert "Value error" not in done.stderr


def test_what_commands_do_is_said_whole_in_the_help(cli: Cli) -> None:
    summaries = cli("--help").stdout.partition("Commands:")[2].splitlines()
    assert [line for line in summaries if line.endswith("...")] == []
