"""How well a run reconstructs images it has not seen, beside PCA with as many components, fitted on the same images.

    python benchmarks/pca.py RUN [--data-root ../shared/data] [--mirrored] [--out pca.json]

Mean squared error per value of the test images, in [0, 1] and, as some notebooks give it, in [-1, 1]: of decoded posterior
means, and of projections onto the principal components of the training images. --mirrored fits PCA on their mirror images
too. Measures no time, so it can run on a busy machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from turns import say, table, write

from vae_tui.data import as_floats, read_all
from vae_tui.latent.codes import encode_images
from vae_tui.latent.sources import load_sets_of
from vae_tui.model import VAE
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.runs.find import find_checkpoint
from vae_tui.runs.metadata import read_metadata


def flatten(pixels: torch.Tensor) -> NDArray[np.float32]:
    flat: NDArray[np.float32] = as_floats(pixels).flatten(1).numpy()
    return flat


def error_of_pca(train: NDArray[np.float32], test: NDArray[np.float32], components: int) -> float:
    pca = PCA(components, svd_solver="full").fit(train)
    return float(np.square(pca.inverse_transform(pca.transform(test)) - test).mean())


@torch.no_grad()
def error_of(vae: VAE, pixels: torch.Tensor) -> float:
    mean, _ = encode_images(vae, pixels)
    decoded = torch.cat([vae.decode(part) for part in torch.from_numpy(mean).split(50)])
    return float((decoded - as_floats(pixels)).square().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--runs-dir", type=Path, default=Path("checkpoints"))
    parser.add_argument("--mirrored", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()

    checkpoint = find_checkpoint(given.run, given.runs_dir)
    vae = load_checkpoint(checkpoint)
    sets = load_sets_of(read_metadata(checkpoint), given.data_root, lambda *_: None)
    if sets.test is None:
        parser.error(f"{given.run} has no test images; [data] test = 0.2 holds a fifth out")
    train, test = read_all(sets.train.pixels), read_all(sets.test.pixels)
    say(f"{len(train):,} training images, {len(test):,} test images, {vae.latent_dim} latents; fitting PCA")
    errors = {checkpoint.parent.name: error_of(vae, test)}
    errors["PCA"] = error_of_pca(flatten(train), flatten(test), vae.latent_dim)
    if given.mirrored:
        both = torch.cat((train, train.flip(-1)))
        errors["PCA, mirror images too"] = error_of_pca(flatten(both), flatten(test), vae.latent_dim)
    rows = [[name, error, 4 * error, error / errors["PCA"]] for name, error in errors.items()]
    print(table(["test error", "in [0, 1]", "in [-1, 1]", "by PCA's"], rows))
    write(given.out, errors=errors)


if __name__ == "__main__":
    main()
