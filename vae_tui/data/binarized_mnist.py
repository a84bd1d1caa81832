"""The binarised MNIST that is passed around as one .npz file."""

from __future__ import annotations

from pathlib import Path

import torch

from vae_tui.data.arrays import read_arrays
from vae_tui.data.progress import Progress
from vae_tui.data.sets import StoredSets
from vae_tui.data.streamed import in_slices
from vae_tui.errors import DataError

_IMAGES_AT_ONCE = 4096


def find_binarized_mnist(data_root: Path) -> list[Path]:
    """The .npz files under BinarizedMNIST; there should be one."""
    return sorted((data_root / "BinarizedMNIST").glob("*.npz"))


def read_binarized_mnist(data_root: Path, memory_bytes: int, progress: Progress) -> StoredSets:
    """Read the one .npz under BinarizedMNIST; raises DataError where it is missing or not black and white."""
    folder = data_root / "BinarizedMNIST"
    found = find_binarized_mnist(data_root)
    if not found:
        raise DataError(
            f"binarized-mnist: no .npz file in {folder}; expected one with train_images, valid_images and test_images "
            "of 0 and 1. Name the folder that holds BinarizedMNIST with --data-root, or draw black and white from grey "
            "images: --set data.name=mnist --set data.binarize=static, or the embedded --set data.name=digits"
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DataError(f"binarized-mnist: expected one .npz file in {folder}, found {len(found)}: {names}")
    stored = read_arrays(found[0], None, memory_bytes, progress)
    if stored.test is None:
        raise DataError(f"{found[0]} has no `test_images`")
    for images in (stored.train, stored.validation, stored.test):
        if images is not None and any(map(_is_gray, in_slices(images.pixels, _IMAGES_AT_ONCE))):
            raise DataError(f'{found[0]} holds grey pixels, expected 0 and 1 alone; data.name = "npz" reads them')
    return stored


def _is_gray(pixels: torch.Tensor) -> bool:
    return bool(((pixels != 0) & (pixels != 255)).any())
