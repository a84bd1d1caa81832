from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import MakeRun, train_events

from vae_tui.data import read_all
from vae_tui.errors import CheckpointError
from vae_tui.latent.sample import as_pictures, reconstruct
from vae_tui.latent.sources import load_sets_of
from vae_tui.model.checkpoint import load_checkpoint, read_tensors
from vae_tui.pretrained import __main__ as maker
from vae_tui.recipe import load_recipe, parse
from vae_tui.runs.best import best_checkpoint
from vae_tui.runs.find import PRETRAINED
from vae_tui.runs.metadata import read_metadata


def test_the_model_that_ships_is_the_digits_recipes_and_knows_digits() -> None:
    metadata = read_metadata(PRETRAINED)
    assert parse(metadata["recipe"])[0] == load_recipe("digits", ["train.threads=1"]).recipe
    assert PRETRAINED.stat().st_size < 2_000_000
    sets = load_sets_of(metadata, None, lambda *_: None)
    pixels = read_all(sets.test.pixels)
    drawn = reconstruct(load_checkpoint(PRETRAINED), pixels)
    data = as_pictures(pixels).astype(float)
    assert np.square(drawn - data).mean() < 0.25 * np.square(data - data.mean(0)).mean()


def test_half_precision_is_stored_only_where_nobody_sees_it(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    run = make_run("train.epochs=1", "optimizer.ema_decay=0.5")
    list(train_events(run))
    target = tmp_path / "small.safetensors"
    assert 0 < maker.store(best_checkpoint(run).path, target) < 1 / 255
    tensors, _ = read_tensors(target)
    assert {str(tensor.dtype) for tensor in tensors.values()} == {"torch.float16"}
    assert not any(name.startswith("ema.") for name in tensors)
    monkeypatch.setattr(maker, "_NOTICEABLE", 1e-9)
    with pytest.raises(CheckpointError, match="half precision draws images that differ"):
        maker.store(best_checkpoint(run).path, target)
