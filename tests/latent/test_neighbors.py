from __future__ import annotations

import numpy as np
import pytest
import torch

from vae_tui.latent import neighbors
from vae_tui.latent.neighbors import find_neighbors


def test_the_nearest_images_come_first_and_of_equal_ones_the_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "_VALUES_AT_ONCE", 3 * 4)
    levels = torch.tensor([10, 200, 90, 110, 100], dtype=torch.uint8)
    pixels = levels[:, None, None, None].expand(5, 1, 2, 2)
    indexes, distances = find_neighbors(np.full((2, 2, 1), 100, np.uint8), pixels, 3)
    assert indexes.tolist() == [4, 2, 3]
    np.testing.assert_allclose(distances, [0, (10 / 255) ** 2, (10 / 255) ** 2], rtol=1e-5)


def test_colours_are_compared_channel_by_channel() -> None:
    pixels = torch.zeros(2, 3, 1, 1, dtype=torch.uint8)
    pixels[1, 2] = 255
    blue = np.array([[[0, 0, 255]]], np.uint8)
    indexes, distances = find_neighbors(blue, pixels, 5)
    assert indexes.tolist() == [1, 0]
    np.testing.assert_allclose(distances, [0, 1 / 3], rtol=1e-6)
