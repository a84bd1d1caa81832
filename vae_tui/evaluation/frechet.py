"""How far samples are from images in the features of a small classifier that is trained here."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_tui.data import PackedImages, Progress, as_floats

_FEATURES = 64
_BATCH = 100
_STEPS = 600
_ROWS = 500


class FeatureNetwork(nn.Module):
    """A convolutional classifier whose last hidden layer, (N, 64), stands for an image."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 16, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, 2, 1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(3),
            nn.Flatten(),
            nn.Linear(576, _FEATURES),
            nn.ReLU(),
        )
        self.classify = nn.Linear(_FEATURES, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K) of the classes of images (N, C, H, W)."""
        logits: Tensor = self.classify(self.features(images))
        return logits


def train_features(images: PackedImages, *, seed: int, progress: Progress) -> FeatureNetwork:
    """A network that has learned to tell the classes of images apart, 600 steps long; the same for the same seed.

    The images must have labels.
    """
    assert images.labels is not None, "the caller has looked"
    generator = torch.Generator().manual_seed(seed)
    network = FeatureNetwork(images.pixels.shape[1], int(images.labels.max()) + 1)
    for parameter in network.parameters():
        bound = (parameter[0].numel() if parameter.dim() > 1 else _FEATURES) ** -0.5
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    for step in range(_STEPS):
        chosen = torch.randint(len(images), (_BATCH,), generator=generator)
        logits = network(as_floats(images.pixels[chosen]))
        loss = functional.cross_entropy(logits, images.labels[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        progress("training a classifier for its features", step + 1, _STEPS)
    return network.eval()


@torch.no_grad()
def features_of(network: FeatureNetwork, count: int, images: Callable[[slice], Tensor]) -> Tensor:
    """Features (count, 64) in double precision; `images` gives those of a slice, (n, C, H, W) in [0, 1]."""
    parts = [slice(start, min(start + _ROWS, count)) for start in range(0, count, _ROWS)]
    return torch.cat([network.features(images(part)).double() for part in parts])


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """The squared Frechet distance of the Gaussians fitted to two sets of features (N, F), in double precision.

    Heusel et al., GANs Trained by a Two Time-Scale Update Rule, 2017, equation 6. At least two rows each.
    """
    mean_gap = (first.mean(0) - second.mean(0)).square().sum()
    one, other = torch.cov(first.T), torch.cov(second.T)
    values, vectors = torch.linalg.eigh(one)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    # The eigenvalues of one^(1/2) other one^(1/2) are those of their product.
    cross = torch.linalg.eigvalsh(root @ other @ root).clamp_min(0).sqrt().sum()
    return float(mean_gap + one.trace() + other.trace() - 2 * cross)
