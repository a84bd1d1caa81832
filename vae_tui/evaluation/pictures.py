"""What eyes judge, as figures: sharpness, diversity, and how far classes lie apart."""

from __future__ import annotations

import torch
from torch import Tensor

_NEIGHBOURS = 5


def sharpness(images: Tensor) -> float:
    """How much pixels differ from the next, right and below: the mean over images (N, C, H, W) in [0, 1]."""
    right = (images[..., 1:] - images[..., :-1]).abs().mean()
    below = (images[..., 1:, :] - images[..., :-1, :]).abs().mean()
    return float(right + below)


def diversity(images: Tensor) -> float:
    """The mean Euclidean distance between two of the images (N, C, H, W); at least two."""
    return float(torch.pdist(images.flatten(1)).mean())


def neighbor_accuracy(codes: Tensor, labels: Tensor) -> float:
    """The share of codes (N, Z) whose class (N,) most of their five nearest neighbours have: 1 where classes lie apart."""
    distances = torch.cdist(codes, codes).fill_diagonal_(torch.inf)
    nearest = distances.topk(min(_NEIGHBOURS, len(codes) - 1), largest=False).indices
    found = labels[nearest].mode(1).values
    return float((found == labels).float().mean())
