"""Store a run's best checkpoint as the model that ships: python -m vae_tui.pretrained RUN."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from vae_tui.errors import CheckpointError
from vae_tui.model import VAE
from vae_tui.model.checkpoint import encode_tensors, load_checkpoint, read_tensors
from vae_tui.runs.files import write_whole
from vae_tui.runs.find import PRETRAINED, find_checkpoint

_NOTICEABLE = 1 / 255


def store(checkpoint: Path, target: Path) -> float:
    """Write a checkpoint with its weights in half precision; returns by how much its images differ, pixels in [0, 1].

    Raises CheckpointError where that is as much as a step of a byte, which would be a different model.
    """
    tensors, metadata = read_tensors(checkpoint)
    # Where images lie on the machine that trained it is nobody else's business.
    metadata.pop("data_root", None)
    averaged = {name: tensor for name, tensor in tensors.items() if name.startswith("ema.")}
    weights = {name.removeprefix("ema."): tensor.half() for name, tensor in (averaged or tensors).items()}
    whole = load_checkpoint(checkpoint)
    write_whole(target, encode_tensors(weights, metadata))
    difference = _compare(whole, load_checkpoint(target))
    if difference >= _NOTICEABLE:
        raise CheckpointError(f"{checkpoint} in half precision draws images that differ by {difference:.4f}")
    return difference


@torch.no_grad()
def _compare(one: VAE, other: VAE) -> float:
    """The greatest difference of a pixel over a thousand samples, some of them far out."""
    latent = torch.randn(1000, one.latent_dim, generator=torch.Generator().manual_seed(0)) * 1.5
    return float((one.decode(latent) - other.decode(latent)).abs().max())


if __name__ == "__main__":
    found = store(find_checkpoint(sys.argv[1], Path("checkpoints")), PRETRAINED)
    sys.stderr.write(f"{PRETRAINED}: images differ by {found:.5f} at most\n")
