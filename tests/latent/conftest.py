from __future__ import annotations

import numpy as np
import pytest
import torch

from vae_tui.data import ImageSets, PackedImages
from vae_tui.latent.codes import Codes
from vae_tui.model import VAE, build
from vae_tui.recipe import parse


@pytest.fixture
def vae() -> VAE:
    """A small network for grey images of 8 x 6 with three latents, as it is before training."""
    recipe, _ = parse({"model": {"hidden": [16], "latent_dim": 3}})
    return build(recipe, (1, 8, 6), seed=1).eval()


@pytest.fixture
def sets() -> ImageSets:
    """Images of 8 x 6 in three classes, the names of two of which begin alike."""
    pixels = torch.randint(0, 256, (40, 1, 8, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    labels = torch.arange(40) % 3
    return ImageSets(
        PackedImages(pixels[:30], labels[:30]),
        None,
        PackedImages(pixels[30:], labels[30:]),
        ("Shirt", "Shoe", "Bag"),
        (),
    )


@pytest.fixture
def codes() -> Codes:
    """300 codes in five dimensions, in three well separated classes; the fourth dimension varies most."""
    generator = np.random.default_rng(0)
    labels = np.arange(300) % 3
    mean = generator.normal(size=(300, 5)) * [0.3, 0.2, 0.1, 2, 0.05]
    mean[:, 1] += 3 * labels
    return Codes(mean.astype(np.float32), np.full((300, 5), -2, np.float32), labels.astype(np.int64), ("a", "b", "c"))
