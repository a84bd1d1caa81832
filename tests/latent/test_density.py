"""Log densities of places under q(z) and p(z), against what they are by definition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vae_tui.latent import density
from vae_tui.latent.codes import Codes
from vae_tui.latent.density import AggregatedPosterior, KnownPosteriors, has_gaussian_posteriors, log_prior_density
from vae_tui.model import VAE, build
from vae_tui.recipe import parse


def posteriors(count: int, size: int) -> Codes:
    """Means and log-variances of a count of posteriors, some narrow."""
    generator = np.random.default_rng(0)
    mean = generator.normal(size=(count, size)).astype(np.float32)
    return Codes(mean, generator.uniform(-6, 0.5, (count, size)).astype(np.float32))


def log_density_by_loops(codes: Codes, latent: np.ndarray) -> float:
    """log 1/N sum_n prod_d N(z_d; m_nd, v_nd), one factor after the other."""
    summands = []
    for mean, log_variance in zip(codes.mean.tolist(), codes.log_variance.tolist(), strict=True):
        exponent = 0.0
        for value, middle, log_width in zip(latent.tolist(), mean, log_variance, strict=True):
            exponent -= 0.5 * ((value - middle) ** 2 / math.exp(log_width) + log_width + math.log(2 * math.pi))
        summands.append(exponent)
    largest = max(summands)
    return largest + math.log(sum(math.exp(one - largest) for one in summands) / len(summands))


def model(**tables: dict[str, object]) -> VAE:
    recipe, _ = parse({"model": {"hidden": [8], "latent_dim": 2, **tables.pop("model", {})}, **tables})
    return build(recipe, (1, 4, 4), seed=1).eval()


@pytest.mark.parametrize("size", [1, 2, 20])
def test_the_density_is_that_of_a_double_loop(size: int) -> None:
    codes = posteriors(70, size)
    aggregated = AggregatedPosterior(codes)
    assert len(aggregated) == 70
    generator = np.random.default_rng(1)
    for latent in (codes.mean[3], np.zeros(size), generator.normal(size=size), np.full(size, 30.0)):
        place = latent.astype(np.float32)
        assert aggregated.log_density(place) == pytest.approx(log_density_by_loops(codes, place), rel=1e-5, abs=1e-4)


def test_posteriors_that_are_all_the_prior_have_its_density() -> None:
    codes = Codes(np.zeros((40, 3), np.float32), np.zeros((40, 3), np.float32))
    place = np.array([0.5, -1.0, 2.0], np.float32)
    exact = -0.5 * (0.25 + 1 + 4) - 1.5 * math.log(2 * math.pi)
    assert AggregatedPosterior(codes).log_density(place) == pytest.approx(exact, abs=1e-5)
    assert log_prior_density(model().prior, place) == pytest.approx(exact, abs=1e-5)


def test_far_out_the_density_is_small_and_still_a_number() -> None:
    place = np.full(20, 1000, np.float32)
    found = AggregatedPosterior(posteriors(5, 20)).log_density(place)
    assert found < -1e6
    assert math.isfinite(found)


def test_of_very_many_codes_as_many_count_as_a_key_has_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = posteriors(100, 4)
    monkeypatch.setattr(density, "_MOST_VALUES", 40)
    some = AggregatedPosterior(codes)
    assert len(some) == 10
    evenly = Codes(codes.mean[::10], codes.log_variance[::10])
    place = np.ones(4, np.float32)
    assert some.log_density(place) == pytest.approx(log_density_by_loops(evenly, place), rel=1e-5)


def test_a_posterior_is_known_at_its_mean_and_nowhere_else() -> None:
    codes, known = posteriors(9, 3), KnownPosteriors()
    found = known.deviations_at(codes.mean[4], codes)
    assert found is not None
    np.testing.assert_allclose(found, np.exp(0.5 * codes.log_variance[4]))
    assert known.deviations_at(codes.mean[4], None) is None
    assert known.deviations_at(codes.mean[4] + np.float32(1e-3), codes) is None
    image, certain = np.full((1, 3), 0.5, np.float32), np.full((1, 3), -np.inf, np.float32)
    known.add(image, np.full((1, 3), math.log(0.04), np.float32))
    known.add(-image, certain)
    lately = known.deviations_at(image[0], codes)
    assert lately is not None
    np.testing.assert_allclose(lately, [0.2, 0.2, 0.2], rtol=1e-6)
    assert known.deviations_at(-image[0], codes) is None, "the mean of a class has no spread"


def test_only_diagonal_gaussians_have_a_density_of_all_codes() -> None:
    assert has_gaussian_posteriors(model())
    for posterior in ("full", "iaf", "fsq"):
        assert not has_gaussian_posteriors(model(model={"posterior": posterior, "latent_dim": 4}))
