"""What a recipe will take, by some seconds of training it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from conftest import Cli

from vae_tui.errors import VaeTuiError
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.trial import try_training

pytestmark = pytest.mark.slow


@pytest.fixture
def recipe(recipe: Path) -> Path:
    """That of the blobs, for longer than anyone waits."""
    recipe.write_text(recipe.read_text().replace("epochs = 3\n", "epochs = 100000\n"))
    return recipe


def test_the_plan_of_a_recipe_is_printed_and_nothing_is_left_of_it(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    done = cli("check", "--plan", recipe, "--device", "cpu")
    assert done.returncode == 0
    lines = dict(line.strip().split("  ", 1) for line in done.stdout.splitlines()[1:])
    assert lines.keys() == {"parameters", "device", "to begin", "an epoch", "to its end", "memory", "disk"}
    # 48 x 16 + 16 x 6, 3 x 16 + 16 x 48, and their biases.
    assert lines["parameters"].strip() == f"{48 * 16 + 16 + 16 * 6 + 6 + 3 * 16 + 16 + 16 * 48 + 48:,}"
    assert "images/s" in lines["an epoch"]
    assert "100,000 epochs" in lines["to its end"]
    assert lines["memory"].strip().endswith("MiB")
    assert set(tmp_path.iterdir()) == before


def test_the_whole_ends_with_its_epochs_or_its_seconds(recipe: Path) -> None:
    job = TrainingJob(recipe=str(recipe), device="cpu", overrides=("train.threads=1", "train.compile=false"))
    long = try_training(job, epochs=100_000, max_seconds=None)
    assert long.seconds == pytest.approx(long.seconds_to_begin + 100_000 * long.seconds_per_epoch)
    short = try_training(job, epochs=100_000, max_seconds=60)
    assert short.seconds == pytest.approx(short.seconds_to_begin + 60)


def test_what_cannot_be_trained_says_why_and_leaves_nothing(recipe: Path, images_path: Path) -> None:
    images_path.unlink()
    folders = set(Path(tempfile.gettempdir()).glob("tmp*/trial"))
    with pytest.raises(VaeTuiError, match="is not there"):
        try_training(TrainingJob(recipe=str(recipe), device="cpu"), epochs=3, max_seconds=None)
    assert set(Path(tempfile.gettempdir()).glob("tmp*/trial")) == folders


def test_a_run_of_one_short_epoch_and_one_without_a_number_of_them_are_planned(cli: Cli, recipe: Path) -> None:
    short = cli("check", "--plan", recipe, "--set", "train.epochs=1", "--device", "cpu").stdout
    speed = next(line for line in short.splitlines() if "images/s" in line).split(" at ")[1]
    assert "k images/s" in speed or float(speed.split()[0]) > 300
    recipe.write_text(recipe.read_text().replace("epochs = 100000\n", ""))
    usual = cli("check", "--plan", recipe, "--device", "cpu").stdout
    assert "(20 epochs)" in usual
    assert "about –" not in usual


def test_of_several_recipes_each_is_planned_whatever_is_wrong_with_others(cli: Cli, recipe: Path) -> None:
    missing = recipe.with_name("missing.toml")
    missing.write_text('[data]\nname = "npz"\nroot = "nowhere.npz"\n')
    done = cli("check", "--plan", missing, recipe, "--set", "train.epochs=1", "--device", "cpu")
    assert done.returncode == 2
    assert f"{missing}: " in done.stderr
    assert "nowhere.npz is not there" in done.stderr
    assert "to its end" in done.stdout


def test_a_terminal_that_is_closed_leaves_nothing_behind(recipe: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vae_tui", "check", "--plan", str(recipe), "--device", "cpu"]
    process = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=-3, stderr=-3)
    while not list(tmp_path.glob("tmp*/trial/events.jsonl")):
        time.sleep(0.02)
    (folder,) = tmp_path.glob("tmp*/trial")
    process.send_signal(signal.SIGHUP)
    process.wait()
    assert not folder.exists()
    assert lock_holder(folder) is None
