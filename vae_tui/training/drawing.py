"""The grids a run draws: samples from fixed noise, and data over reconstructions."""

from __future__ import annotations

import math
import time

import torch

from vae_tui.data import PackedImages
from vae_tui.events import ImagesDrawn
from vae_tui.imaging.grid import Pixels, choose_channels, encode_png, make_grid, pair_rows
from vae_tui.latent.sample import as_pictures, draw_samples, reconstruct
from vae_tui.model import VAE
from vae_tui.runs.files import write_whole
from vae_tui.runs.layout import Run

_PADDING = 2
_RECONSTRUCTION_COLUMNS = 8
_RECONSTRUCTION_ROWS = 4


class Drawing:
    """Draws a run's grids from the same noise and the same images every time, so that they can be compared."""

    def __init__(self, run: Run, images: PackedImages, *, count: int, seed: int) -> None:
        """`images` are those to reconstruct from: a few, evenly spaced, are."""
        self._run = run
        self._count, self._seed = count, seed
        wanted = min(len(images), _RECONSTRUCTION_COLUMNS * _RECONSTRUCTION_ROWS)
        chosen = torch.linspace(0, len(images) - 1, wanted).long()
        self._data = images.pixels[chosen]
        self._labels = None if images.labels is None else images.labels[chosen]

    def draw(self, vae: VAE, *, step: int, epoch: int) -> list[ImagesDrawn]:
        """Draw both grids to the run's images/; raises OSError where they cannot be written."""
        training = vae.training
        vae.eval()
        samples = choose_channels(draw_samples(vae, self._count, seed=self._seed), vae.shown_channels)
        both = choose_channels(self._data_over_reconstructions(vae), vae.shown_channels)
        vae.train(training)
        columns = min(self._count, math.ceil(math.sqrt(self._count)))
        row = min(_RECONSTRUCTION_COLUMNS, len(self._data))
        return [
            self._write("samples", samples, columns, step, epoch),
            self._write("reconstructions", both, row, step, epoch),
        ]

    def _data_over_reconstructions(self, vae: VAE) -> Pixels:
        data, drawn = as_pictures(self._data), reconstruct(vae, self._data, self._labels)
        row = min(_RECONSTRUCTION_COLUMNS, len(data))
        whole = len(data) // row * row
        return pair_rows(data[:whole], drawn[:whole], row)

    def _write(self, kind: str, images: Pixels, columns: int, step: int, epoch: int) -> ImagesDrawn:
        name = f"{kind}-{step:09d}.png"
        self._run.images_path.mkdir(exist_ok=True)
        write_whole(
            self._run.images_path / name, encode_png(make_grid(images, columns, padding=_PADDING)), durable=False
        )
        return ImagesDrawn(
            time=time.time(),
            step=step,
            kind="samples" if kind == "samples" else "reconstructions",
            epoch=epoch,
            path=f"images/{name}",
            count=len(images),
            columns=columns,
            padding=_PADDING,
        )
