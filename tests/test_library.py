from __future__ import annotations

from pathlib import Path

import pytest
import torch

import vae_tui
from vae_tui.errors import RunError
from vae_tui.events import EpochCompleted, RunFinished
from vae_tui.recipe import parse

SMALL = ["model.hidden=[16]", "model.latent_dim=3", "train.epochs=2", "train.threads=1"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_notebook_trains_and_loads(images_path: Path) -> None:
    recipe, _ = parse({"data": {"name": "npz", "root": str(images_path)}})
    found = list(vae_tui.train(recipe, SMALL, name="mine"))
    assert sum(isinstance(event, EpochCompleted) for event in found) == 2
    assert isinstance(found[-1], RunFinished)
    vae = vae_tui.load("mine")
    mean, log_variance = vae.encode(torch.rand(2, 1, 8, 6))
    assert mean.shape == log_variance.shape == (2, 3)
    assert vae.decode(mean).shape == (2, 1, 8, 6)
    assert torch.equal(vae_tui.load().sample(2, seed=1), vae.sample(2, seed=1))


def test_a_loop_that_is_left_gives_the_run_back(images_path: Path) -> None:
    recipe, _ = parse({"data": {"name": "npz", "root": str(images_path)}})
    for event in vae_tui.train(recipe, SMALL, name="left"):
        if isinstance(event, EpochCompleted):
            break
    with pytest.raises(RunError, match="exists already"):
        next(vae_tui.train(recipe, SMALL, name="left"))
