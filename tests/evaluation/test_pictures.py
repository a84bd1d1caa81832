from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from vae_tui.evaluation.pictures import diversity, neighbor_accuracy, sharpness


def test_blurred_images_are_less_sharp_and_equal_ones_not_diverse() -> None:
    images = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    blurred = functional.avg_pool2d(images, 3, 1, 1)
    assert sharpness(blurred) < 0.5 * sharpness(images)
    assert sharpness(torch.full_like(images, 0.3)) == 0
    assert diversity(images[:1].expand(5, -1, -1, -1)) == pytest.approx(0)
    assert diversity(torch.stack((torch.zeros(1, 2, 2), torch.ones(1, 2, 2)))) == pytest.approx(2)


def test_neighbours_are_of_their_class_where_classes_lie_apart() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(300) % 3
    codes = torch.randn(300, 2, generator=generator)
    assert neighbor_accuracy(codes + 20 * labels[:, None], labels) == 1
    assert neighbor_accuracy(codes, labels) < 0.5
