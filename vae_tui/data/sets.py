"""What image sets are, as stored and as trained on."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Images:
    """Images (N, C, H, W), uint8, and their classes (N,), int64, where they are known."""

    pixels: torch.Tensor
    labels: torch.Tensor | None = None

    def __len__(self) -> int:
        """How many images there are."""
        return self.pixels.shape[0]

    def pick(self, indexes: torch.Tensor) -> Images:
        """The images at `indexes`, copied."""
        return Images(self.pixels[indexes], None if self.labels is None else self.labels[indexes])


@dataclass(frozen=True)
class StoredSets:
    """What a reader found: the splits that a set brings along, before any is cut."""

    train: Images
    validation: Images | None = None
    test: Images | None = None
    class_names: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageSets:
    """The splits a model is trained, chosen and judged on; no image is in two of them.

    `validation` is None where the recipe wants none. A label is an index into `class_names`, which is empty where there
    are no labels. `skipped` names the broken files that were left out.
    """

    train: Images
    validation: Images | None
    test: Images
    class_names: tuple[str, ...]
    skipped: tuple[str, ...]
