from __future__ import annotations

import pytest
import torch

from vae_tui.data import PackedImages
from vae_tui.evaluation.frechet import features_of, frechet_distance, train_features


def test_it_is_that_of_two_gaussians() -> None:
    """Between N(0, I) and N(m, s^2 I) it is |m|^2 + F (1 - s)^2."""
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randn(60_000, 4, generator=generator).double() for _ in range(2))
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(one, 3 * other + 2) == pytest.approx(4 * 4 + 4 * 4, rel=0.02)
    covariance = torch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
    mixed = one[:, :2] @ torch.linalg.cholesky(covariance).T
    values = torch.linalg.eigvalsh(covariance)
    expected = 2 + values.sum() - 2 * values.sqrt().sum()
    assert frechet_distance(mixed, other[:, :2]) == pytest.approx(expected.item(), abs=0.02)


def test_dead_features_make_no_nan() -> None:
    flat = torch.cat((torch.randn(50, 2, dtype=torch.float64), torch.zeros(50, 3, dtype=torch.float64)), 1)
    assert frechet_distance(flat, flat[:25]) >= 0


@pytest.mark.slow
def test_images_of_the_same_kind_are_near_and_noise_is_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_tui.evaluation.frechet._STEPS", 100)
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(400) % 4
    pixels = torch.zeros(400, 1, 12, 12, dtype=torch.uint8)
    for index, label in enumerate(labels.tolist()):
        pixels[index, :, 3 * label : 3 * label + 3] = torch.randint(120, 256, (1, 3, 12), generator=generator).byte()
    network = train_features(PackedImages(pixels, labels), seed=0, progress=lambda *_: None)
    images = pixels / 255
    first, second = (features_of(network, 200, half.__getitem__) for half in (images[:200], images[200:]))
    noise = features_of(network, 200, lambda part: torch.rand(200, 1, 12, 12, generator=generator)[part])
    assert frechet_distance(first, second) < 0.05 * frechet_distance(first, noise)
    again = train_features(PackedImages(pixels, labels), seed=0, progress=lambda *_: None)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
