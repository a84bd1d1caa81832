from __future__ import annotations

import pytest
import torch

from vae_tui.data import as_floats
from vae_tui.evaluation.elbo import evaluate_elbo
from vae_tui.model import build
from vae_tui.recipe import parse


def test_batches_do_not_change_the_figures_and_the_seed_fixes_them() -> None:
    vae = build(parse({"model": {"latent_dim": 3, "hidden": [8]}})[0], (1, 6, 5))
    pixels = torch.randint(0, 256, (370, 1, 6, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    whole = evaluate_elbo(vae, pixels, seed=4, batch_size=64)
    assert evaluate_elbo(vae, pixels, seed=4, batch_size=64) == whole
    parts = evaluate_elbo(vae, pixels, seed=4, batch_size=7)
    assert parts.rate == pytest.approx(whole.rate, abs=1e-5), "the rate has no noise in it"
    assert parts.distortion == pytest.approx(whole.distortion, rel=0.01)
    assert whole.elbo == -(whole.distortion + whole.rate)


def test_it_is_the_sum_over_pixels_and_dimensions_and_the_mean_over_images() -> None:
    vae = build(parse({"model": {"latent_dim": 3, "hidden": [8]}})[0], (1, 6, 5)).eval()
    pixels = torch.randint(0, 256, (10, 1, 6, 5), dtype=torch.uint8)
    epsilon = torch.randn(10, 3, generator=torch.Generator().manual_seed(1))
    mean, log_variance = vae.encode(as_floats(pixels))
    decoded = vae.decode(mean + (0.5 * log_variance).exp() * epsilon)
    images = as_floats(pixels)
    distortion = -(images * decoded.log() + (1 - images) * (1 - decoded).log()).sum() / 10
    rate = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, (0.5 * log_variance).exp()), torch.distributions.Normal(0.0, 1.0)
    )
    found = evaluate_elbo(vae, pixels, seed=1)
    assert found.distortion == pytest.approx(distortion.item(), abs=1e-3)
    assert found.rate == pytest.approx(rate.sum().item() / 10, abs=1e-5)


def test_a_vae_in_training_stays_in_training() -> None:
    vae = build(parse({})[0], (1, 6, 5)).train()
    evaluate_elbo(vae, torch.zeros(2, 1, 6, 5, dtype=torch.uint8), seed=0)
    assert vae.training
