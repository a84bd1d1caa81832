from __future__ import annotations

import math

import pytest
import torch

from vae_tui.evaluation.information import count_active_units, estimate_information


def test_units_are_active_whose_means_vary() -> None:
    means = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.2, 0.05])
    assert count_active_units(means) == 2
    assert count_active_units(means[:1]) == 0


def test_codes_far_apart_tell_no_more_than_how_many_images_there_are_and_equal_ones_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(200, 2, generator=generator)
    log_variance = torch.full((200, 2), -20.0)
    apart = torch.randn(200, 2, generator=generator)

    def information(mean: torch.Tensor, log_variance: torch.Tensor) -> float | None:
        latent = mean + torch.exp(0.5 * log_variance) * noise
        density = (-0.5 * (noise.square() + log_variance + math.log(2 * math.pi))).sum(1)
        found = estimate_information(latent, density, mean, log_variance, rate=7.0)
        assert found.bound == pytest.approx(math.log(200))
        if found.mutual_information is None or found.marginal_kl is None:
            assert found.mutual_information is found.marginal_kl
        else:
            assert found.mutual_information + found.marginal_kl == pytest.approx(7.0)
        return found.mutual_information

    assert information(apart, log_variance) is None
    assert information(torch.zeros(200, 2), torch.zeros(200, 2)) == pytest.approx(0, abs=1e-5)


def test_it_is_the_information_of_a_gaussian_channel() -> None:
    """Means of variance s under noise of variance 1 - s carry -log(1 - s) / 2 nats a dimension."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(3000, 1, generator=generator) * 0.8
    noise = torch.randn(3000, 1, generator=generator)
    log_variance = torch.full((3000, 1), math.log(0.36))
    density = (-0.5 * (noise.square() + log_variance + math.log(2 * math.pi))).sum(1)
    found = estimate_information(mean + 0.6 * noise, density, mean, log_variance, rate=1.0)
    assert found.mutual_information == pytest.approx(-0.5 * math.log(0.36), abs=0.03)
