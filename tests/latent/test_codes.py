from __future__ import annotations

import numpy as np
import pytest
import torch

from vae_tui.data import ImageSets, as_floats
from vae_tui.errors import DataError
from vae_tui.latent import codes as code_module
from vae_tui.latent.codes import (
    Codes,
    active_dimensions,
    class_means,
    encode_images,
    encode_set,
    rank_dimensions,
    rate_per_dimension,
)
from vae_tui.model import VAE


def test_encoding_in_batches_is_encoding_one_by_one(vae: VAE, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = torch.randint(0, 256, (10, 1, 8, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    monkeypatch.setattr(code_module, "_VALUES_AT_ONCE", 4 * 48)
    said: list[tuple[str, int, int | None]] = []
    mean, log_variance = encode_images(vae, pixels, progress=lambda *word: said.append(word))
    for row in range(10):
        expected = vae.encode(as_floats(pixels[row : row + 1]))
        np.testing.assert_allclose(mean[row], expected[0][0].detach().numpy(), atol=1e-6)
        np.testing.assert_allclose(log_variance[row], expected[1][0].detach().numpy(), atol=1e-6)
    assert said == [("encoding", 4, 10), ("encoding", 8, 10), ("encoding", 10, 10)]


def test_no_images_have_no_codes(vae: VAE) -> None:
    mean, log_variance = encode_images(vae, torch.empty(0, 1, 8, 6, dtype=torch.uint8))
    assert mean.shape == log_variance.shape == (0, 3)


def test_a_split_is_encoded_with_its_classes(vae: VAE, sets: ImageSets) -> None:
    found = encode_set(vae, sets.test, sets.class_names)
    assert len(found) == len(sets.test)
    assert found.labels is not None
    assert found.labels is not None
    assert sets.test.labels is not None
    assert found.labels.tolist() == sets.test.labels.tolist()
    assert found.class_names == ("Shirt", "Shoe", "Bag")


def test_the_mean_of_a_class_is_over_its_members_and_nan_without_any() -> None:
    mean = np.array([[0, 0], [2, 4], [7, 7]], np.float32)
    found = class_means(Codes(mean, np.zeros_like(mean), np.array([0, 0, 2]), ("a", "b", "c")))
    np.testing.assert_array_equal(found, np.array([[1, 2], [np.nan, np.nan], [7, 7]], np.float32))
    with pytest.raises(DataError, match="no classes"):
        class_means(Codes(mean, np.zeros_like(mean)))


def test_the_rate_of_a_dimension_is_its_kl_and_ranks_it() -> None:
    mean = np.array([[0, 3, 0.5], [0, -3, 0.5]], np.float32)
    found = rate_per_dimension(Codes(mean, np.zeros_like(mean)))
    np.testing.assert_allclose(found, [0, 4.5, 0.125], atol=1e-6)
    assert rank_dimensions(found) == [1, 2, 0]
    assert active_dimensions(found) == [1, 2]
