"""Every recipe that ships trains: some steps of each, on images of the shape it is for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import train_events

from vae_tui import events as ev
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.recipe import load_recipe, shipped_recipes
from vae_tui.training.preparation import create_run


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_recipes())
def test_every_recipe_trains_for_some_steps(name: str, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    shape = (128, 128, 3) if name == "cars" else (28, 28)
    pixels = generator.integers(0, 256, (60, *shape), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=pixels, labels=np.arange(60) % 10)
    overrides = ["train.epochs=1", "train.batch_size=20", "train.threads=1", "sample.count=4"]
    if name.startswith("sprites/"):
        overrides += ["train.max_seconds=0.5", "data.validation=0.001", "data.test=0.001"]
    else:
        overrides += ["data.name=npz", f"data.root={tmp_path / 'images.npz'}"]
    run = create_run(load_recipe(name, overrides), tmp_path, "run")
    events = list(train_events(run))
    assert isinstance(events[-1], ev.RunFinished)
    assert events[-1].status == "completed"
    assert events[-1].step >= 1
    vae = load_checkpoint(run.latest().path)
    assert vae.sample(2).shape == (2, *vae.image_shape)
