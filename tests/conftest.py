from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vae_tui.recipe import LoadedRecipe, parse
from vae_tui.run import Run
from vae_tui.training.preparation import create_run

# Every test process has the cores to itself no more than its siblings do.
os.environ.setdefault("OMP_NUM_THREADS", "1")

MakeRun = Callable[..., Run]


@pytest.fixture
def images_path(tmp_path: Path) -> Path:
    """120 grey images of 8 x 6: bright blobs at random places, so that there is something to learn."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:8, :6]
    centres = generator.uniform((1, 1), (7, 5), (120, 2))
    distance = (rows - centres[:, :1, None]) ** 2 + (columns - centres[:, 1:, None]) ** 2
    path = tmp_path / "blobs.npy"
    np.save(path, (255 * np.exp(-distance / 3)).astype(np.uint8))
    return path


@pytest.fixture
def make_run(tmp_path: Path, images_path: Path) -> MakeRun:
    """A new run on the blobs with a small network; overrides as for --set."""

    def make(*overrides: str, name: str = "run") -> Run:
        tables = {
            "data": {"name": "npz", "root": str(images_path)},
            "model": {"hidden": [16], "latent_dim": 3},
            "train": {"epochs": 3, "batch_size": 20, "threads": 1},
            "sample": {"count": 6},
        }
        recipe, _ = parse(tables, overrides)
        return create_run(LoadedRecipe(recipe, "blobs"), tmp_path / "checkpoints", name)

    return make


@pytest.fixture
def walked_run(tmp_path: Path) -> Run:
    """A run with a checkpoint to walk in: five latents, one of them dead, images of 8 x 8 in three classes."""
    from vae_tui.model import build
    from vae_tui.model.checkpoint import encode_checkpoint

    generator = np.random.default_rng(0)
    labels = np.arange(120) % 3
    images = generator.integers(0, 90, (120, 8, 8), dtype=np.uint8)
    for index, label in enumerate(labels):
        images[index, 2 * label : 2 * label + 3] += 160
    np.savez(tmp_path / "bars.npz", images=images, labels=np.array(["top", "middle", "bottom"])[labels])
    tables = {
        "data": {"name": "npz", "root": str(tmp_path / "bars.npz"), "test": 0.3},
        "model": {"hidden": [16], "latent_dim": 5},
    }
    recipe, _ = parse(tables)
    run = create_run(LoadedRecipe(recipe, "bars"), tmp_path / "checkpoints", "walked")
    facts = {
        "step": 7,
        "class_names": ["bottom", "middle", "top"],
        "rate_per_dimension": [0.2, 1.5, 0.001, 0.9, 0.4],
    }
    (run.path / "step-000000007.safetensors").write_bytes(
        encode_checkpoint(build(recipe, (1, 8, 8), seed=3), None, facts)
    )
    return run
