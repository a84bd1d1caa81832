from __future__ import annotations

import numpy as np
import pytest
import torch

from vae_tui.errors import VaeTuiError
from vae_tui.latent.grids import decode_points, manifold, normal_quantiles, spread, traverse
from vae_tui.latent.ranges import choose_values, parse_range
from vae_tui.model import VAE
from vae_tui.model.priors import MixturePrior

LATENT = np.array([0.5, -1, 2], np.float32)


def test_points_are_decoded_some_at_a_time(vae: VAE) -> None:
    points = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    images = decode_points(vae, points)
    assert images.shape == (7, 8, 6, 1)
    assert images.dtype == np.uint8
    assert np.abs(decode_points(vae, points, batch=2).astype(int) - images).max() <= 1


def test_a_traversal_moves_one_dimension_a_row(vae: VAE) -> None:
    found = traverse(vae, LATENT, [2, 0], np.array([-3, 0, 3]))
    assert found.shape == (2, 3, 8, 6, 1)
    np.testing.assert_array_equal(found[1, 2], decode_points(vae, np.array([[3, -1, 2]], np.float32))[0])
    own = traverse(vae, LATENT, [2, 0], np.array([[-3, 0], [7, 3]]))
    np.testing.assert_array_equal(own[1, 1], found[1, 2])
    assert LATENT.tolist() == [0.5, -1, 2]


def test_a_manifold_goes_over_a_plane_in_rows(vae: VAE) -> None:
    found = manifold(vae, LATENT, (0, 2), np.array([-1, 0, 1]), np.array([5, -5]))
    assert found.shape == (2, 3, 8, 6, 1)
    np.testing.assert_array_equal(found[1, 0], decode_points(vae, np.array([[-1, -1, -5]], np.float32))[0])


def test_dimensions_that_are_not_there_are_refused(vae: VAE) -> None:
    with pytest.raises(VaeTuiError, match="no latent dimension 3: expected 0 to 2"):
        traverse(vae, LATENT, [3], np.zeros(1))
    with pytest.raises(VaeTuiError, match="two different"):
        manifold(vae, LATENT, (1, 1), np.zeros(1), np.zeros(1))


def test_values_are_spread_evenly_or_by_the_prior() -> None:
    assert spread(3, -2, 2).tolist() == [-2, 0, 2]
    assert spread(1, 0, 4).tolist() == [2]
    quantiles = normal_quantiles(4)
    np.testing.assert_allclose(quantiles, [-1.15035, -0.318639, 0.318639, 1.15035], rtol=1e-5)


def test_the_quantiles_are_those_of_the_prior_that_was_learned() -> None:
    prior = MixturePrior(2, 2)
    with torch.no_grad():
        prior.means[:, 1] = torch.tensor([-5.0, 5.0])
        prior.log_variances.fill_(-6.0)
    unused = np.zeros(2, np.float32)
    (values,) = choose_values(
        parse_range("quantiles"), 4, [1], prior=prior, mean=unused, log_variance=unused, codes=None
    )
    np.testing.assert_allclose(values, [-5, -5, 5, 5], atol=0.2)
