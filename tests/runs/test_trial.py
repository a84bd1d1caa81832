"""What a recipe will take, by some seconds of training it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from conftest import Cli

from vae_tui.errors import VaeTuiError
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.trial import try_training

pytestmark = pytest.mark.slow


@pytest.fixture
def recipe(images_path: Path) -> Path:
    path = images_path.with_name("blobs.toml")
    path.write_text(
        f'[data]\nname = "npz"\nroot = "{images_path}"\n[model]\nhidden = [16]\nlatent_dim = 3\n'
        "[train]\nepochs = 100000\nbatch_size = 20\n[sample]\ncount = 4\n"
    )
    return path


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
    long = try_training(job, max_seconds=None)
    assert long.seconds == pytest.approx(long.seconds_to_begin + 100_000 * long.seconds_per_epoch)
    short = try_training(job, max_seconds=60)
    assert short.seconds == pytest.approx(short.seconds_to_begin + 60)


def test_what_cannot_be_trained_says_why_and_leaves_nothing(recipe: Path, images_path: Path) -> None:
    images_path.unlink()
    folders = set(Path(tempfile.gettempdir()).glob("tmp*/trial"))
    with pytest.raises(VaeTuiError, match="is not there"):
        try_training(TrainingJob(recipe=str(recipe), device="cpu"), max_seconds=None)
    assert set(Path(tempfile.gettempdir()).glob("tmp*/trial")) == folders
