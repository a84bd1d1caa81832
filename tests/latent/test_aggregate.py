"""Draws of the aggregated posterior, and a Gaussian mixture fitted to it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vae_tui.data import PackedImages, as_floats
from vae_tui.errors import VaeTuiError
from vae_tui.latent.aggregate import draw_aggregated, fit_mixture, fit_to_posteriors
from vae_tui.model import VAE, build
from vae_tui.recipe import parse

MEANS = np.array([[-4.0, 0.0], [3.0, 1.0]])
FACTORS = np.array([[[1.0, 0.0], [0.8, 0.5]], [[0.3, 0.0], [0.0, 2.0]]])


def silent(*_: object) -> None:
    pass


def draw_known(count: int) -> np.ndarray:
    """Points of two Gaussians, a quarter of them of the first."""
    random = np.random.default_rng(0)
    chosen = (random.uniform(size=count) > 0.25).astype(int)
    noise = random.normal(size=(count, 2))
    return (MEANS[chosen] + (FACTORS[chosen] @ noise[..., None])[..., 0]).astype(np.float32)


@pytest.mark.slow
def test_a_mixture_is_found_again_and_drawn_from() -> None:
    told: list[tuple[str, int, int | None]] = []
    mixture = fit_mixture(draw_known(8000), 2, seed=3, progress=lambda *said: told.append(said))
    order = mixture.means[:, 0].argsort()
    np.testing.assert_allclose(mixture.weights[order], [0.25, 0.75], atol=0.02)
    np.testing.assert_allclose(mixture.means[order], MEANS, atol=0.1)
    np.testing.assert_allclose(mixture.factors[order], FACTORS, atol=0.1)
    assert told[0] == ("fitting a mixture of 2 Gaussians", 0, 100)
    assert told[-1][1] == told[-1][2]
    drawn = mixture.draw(8000, torch.Generator().manual_seed(0))
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(draw_known(8000).T), rtol=0.1)
    first = drawn[:, 0] < -0.5
    assert 0 < first[:40].sum() < 40, "the components come in turn"
    cold = mixture.draw(50, torch.Generator().manual_seed(0), temperature=0)
    assert {tuple(row) for row in cold.round(3)} == {tuple(row) for row in mixture.means.astype(np.float32).round(3)}


def test_codes_of_any_scale_can_be_fitted() -> None:
    for scale in (1e-6, 1.0, 1e7):
        points = (scale * draw_known(200)).astype(np.float32)
        points[:, 1] = 0
        assert np.isfinite(fit_mixture(points, 3, seed=0, progress=silent).factors).all()


def test_a_single_gaussian_has_the_moments_of_the_codes() -> None:
    points = draw_known(500)
    mixture = fit_mixture(points, 1, seed=0, progress=silent)
    np.testing.assert_allclose(mixture.means[0], points.mean(0), atol=1e-4)
    np.testing.assert_allclose(mixture.factors[0] @ mixture.factors[0].T, np.cov(points.T, bias=True), rtol=1e-3)


@pytest.fixture
def full() -> VAE:
    recipe, _ = parse({"model": {"hidden": [16], "latent_dim": 3, "posterior": "full"}})
    return build(recipe, (1, 8, 6), seed=1).eval()


def test_aggregated_draws_are_of_the_true_posteriors(full: VAE) -> None:
    pixels = torch.randint(0, 256, (1, 1, 8, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    drawn = draw_aggregated(full, PackedImages(pixels), 20_000, torch.Generator().manual_seed(0), progress=silent)
    parameters = full.encoder(as_floats(pixels))
    epsilon = torch.randn(20_000, 3, generator=torch.Generator().manual_seed(5))
    expected = full.posterior.draw(parameters, epsilon).latent.detach().numpy()
    np.testing.assert_allclose(drawn.mean(0), expected.mean(0), atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(expected.T), atol=0.05)


def test_images_are_black_and_white_where_the_model_was_trained_so() -> None:
    tables = {"model": {"hidden": [16], "latent_dim": 3}, "data": {"binarize": "dynamic"}}
    vae = build(parse(tables)[0], (1, 8, 6), seed=1).eval()
    grey = PackedImages(torch.full((1, 1, 8, 6), 128, dtype=torch.uint8))
    drawn = draw_aggregated(vae, grey, 200, torch.Generator().manual_seed(0), temperature=0, progress=silent)
    assert len(np.unique(drawn, axis=0)) == 200


def test_a_mixture_of_more_gaussians_than_images_is_refused(full: VAE) -> None:
    images = PackedImages(torch.zeros((3, 1, 8, 6), dtype=torch.uint8))
    with pytest.raises(VaeTuiError, match=r"mixture\(4\) needs as many training images, and there are 3"):
        fit_to_posteriors(full, images, 4, torch.Generator(), seed=0, progress=silent)
