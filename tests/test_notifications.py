"""--notify from the command line: whatever shows a run, its command is run and its terminal rings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest
from conftest import MakeRun

from vae_tui.events import RunStarted
from vae_tui.runs.commands import Stop, send_command
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.log import read_events, read_last_event

pytestmark = [pytest.mark.slow, pytest.mark.terminal]
TELL = 'echo "$VAE_TUI_EVENT $VAE_TUI_RUN" >> heard; echo "$VAE_TUI_MESSAGE"'
ENDLESS = ["--set", "train.epochs=100000000"]


@pytest.fixture
def train(make_run: MakeRun) -> list[str]:
    recipe = make_run(name="recipe").recipe_path
    return [sys.executable, "-m", "vae_tui", "train", str(recipe), "--run", "mine", "--device", "cpu"]


def heard(tmp_path: Path) -> list[str]:
    path = tmp_path / "heard"
    return path.read_text().splitlines() if path.exists() else []


def wait_for(run: Run, event: str) -> None:
    while not any(found.event == event for found in read_events(run.events_path)):
        time.sleep(0.02)


def spawn(arguments: list[str], tmp_path: Path) -> pexpect.spawn[str]:
    environment = {**os.environ, "TERM": "xterm-kitty"}
    return pexpect.spawn(
        arguments[0], arguments[1:], cwd=tmp_path, env=environment, encoding="utf-8", timeout=120, dimensions=(40, 120)
    )


@pytest.mark.parametrize("ui", ["plain", "json", "none"])
def test_the_trainer_runs_the_command_whatever_shows_the_run(train: list[str], tmp_path: Path, ui: str) -> None:
    done = subprocess.run([*train, "--ui", ui, "--notify", TELL], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    run = Run(tmp_path / "checkpoints" / "mine")
    assert heard(tmp_path) == [f"completed {run.path}"]
    assert "completed: 3 epochs" in run.worker_log_path.read_text()
    assert "\a" not in done.stdout + done.stderr, "there is no terminal"


def test_a_detached_trainer_runs_it_too_when_it_is_stopped(train: list[str], tmp_path: Path) -> None:
    subprocess.run([*train, *ENDLESS, "--detach", "--notify", TELL], cwd=tmp_path, check=True)
    run = Run(tmp_path / "checkpoints" / "mine")
    send_command(run, Stop())
    while lock_holder(run.path) is not None:
        time.sleep(0.02)
    assert heard(tmp_path) == [f"stopped {run.path}"]


def test_a_collapse_is_heard_while_it_trains(train: list[str], tmp_path: Path) -> None:
    settings = ["--set", "objective.beta=1000", "--set", "train.epochs=80", "--set", "optimizer.lr=1e-2"]
    subprocess.run([*train, *settings, "--ui", "none", "--notify", TELL], cwd=tmp_path, check=True)
    assert sorted(line.split()[0] for line in heard(tmp_path)) == ["collapsed", "completed"]


@pytest.mark.parametrize("ui", ["plain", "none"])
def test_a_command_that_fails_is_a_warning_and_fails_nothing(train: list[str], tmp_path: Path, ui: str) -> None:
    done = subprocess.run(
        [*train, "--ui", ui, "--notify", "echo why; exit 7"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "warning: the command of --notify failed with exit status 7 (completed): echo why; exit 7\n" in done.stderr
    run = Run(tmp_path / "checkpoints" / "mine")
    assert read_last_event(run.events_path).event == "run_finished"  # type: ignore[union-attr]
    assert "why\n" in run.worker_log_path.read_text()


def test_plain_progress_on_a_terminal_rings_and_hears_of_a_killed_trainer(train: list[str], tmp_path: Path) -> None:
    terminal = spawn([*train, *ENDLESS, "--ui", "plain", "--notify", TELL], tmp_path)
    run = Run(tmp_path / "checkpoints" / "mine")
    while not run.events_path.exists():
        time.sleep(0.02)
    wait_for(run, "epoch_completed")
    start = next(event for event in read_events(run.events_path) if isinstance(event, RunStarted))
    os.kill(start.pid, signal.SIGKILL)
    terminal.expect_exact("\a\x1b]9;vae-tui: mine: the trainer died before its end")
    terminal.expect(pexpect.EOF)
    assert heard(tmp_path) == [f"failed {run.path}"]


def test_the_screen_rings_and_shows_a_command_that_failed(train: list[str], tmp_path: Path) -> None:
    terminal = spawn([*train, "--ui", "tui", "--notify", "exit 7"], tmp_path)
    terminal.expect_exact("\a\x1b]9;vae-tui: mine: completed: 3 epochs\a")
    terminal.expect("exit status 7")
    terminal.send("q")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_whoever_watches_is_called_by_a_command_of_their_own(train: list[str], tmp_path: Path) -> None:
    subprocess.run([*train, *ENDLESS, "--detach"], cwd=tmp_path, check=True)
    run = Run(tmp_path / "checkpoints" / "mine")
    watch = [sys.executable, "-m", "vae_tui", "watch", "mine", "--notify", TELL]
    watcher = subprocess.Popen(watch, cwd=tmp_path, stdin=-3, stdout=-1, stderr=-1)
    assert watcher.stderr is not None
    while b"epoch" not in watcher.stderr.readline():
        pass
    send_command(run, Stop())
    watcher.communicate()
    assert heard(tmp_path) == [f"stopped {run.path}"]
    subprocess.run(watch, cwd=tmp_path, stdin=-3, capture_output=True, check=True)
    assert heard(tmp_path) == [f"stopped {run.path}"], "what was over long ago is no news"
