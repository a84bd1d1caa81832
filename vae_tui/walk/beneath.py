"""What stands beneath each picture of a walk: what another model makes of it, how it differs, how sure it is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vae_tui.imaging.tiles import resize
from vae_tui.runs.layout import Run, run_folder
from vae_tui.walk.link import DecoderLink

Kind = Literal["nothing", "same place", "reconstruction", "change", "spread"]
Pictures = NDArray[np.uint8]


class OtherModel:
    """The model of a second checkpoint, with a decoder of its own."""

    def __init__(self, checkpoint: Path, link: DecoderLink, latent_dim: int) -> None:
        self.checkpoint, self.link, self.latent_dim = checkpoint, link, latent_dim

    @property
    def name(self) -> str:
        """Its run's name, or its file's."""
        run = Run(run_folder(self.checkpoint))
        return run.name if run.holds_something else self.checkpoint.name


class Beneath:
    """The kind that was chosen, of those there are.

    "same place": what the other model decodes the same latent to; "reconstruction": what it makes of the picture, or, at an
    image's code, of that image; "change": from the picture of the first anchor; "spread": the standard deviation of what draws
    from the posterior of the picture are decoded to, white where it is 0.5.
    """

    def __init__(self, other: OtherModel | None, latent_dim: int) -> None:
        self.other = other
        self.kind: Kind = "nothing"
        self._impossible: set[Kind] = set()
        if other is not None:
            self.kind = "same place" if other.latent_dim == latent_dim else "reconstruction"

    def next_kind(self, latent_dim: int, *, has_anchor: bool, has_spread: bool) -> None:
        """Choose the next there is, and after the last nothing."""
        kinds: list[Kind] = ["nothing"]
        if self.other is not None:
            kinds += ["same place"] if self.other.latent_dim == latent_dim else []
            kinds += ["reconstruction"]
        kinds += ["change"] if has_anchor else []
        kinds += ["spread"] if has_spread else []
        kinds = [kind for kind in kinds if kind not in self._impossible]
        place = kinds.index(self.kind) if self.kind in kinds else 0
        self.kind = kinds[(place + 1) % len(kinds)]

    def give_up(self) -> None:
        """Choose nothing, and what was chosen not again, for it cannot be."""
        self._impossible.add(self.kind)
        self.kind = "nothing"

    @property
    def caption(self) -> str:
        """What stands there, in words; empty where nothing does."""
        name = "" if self.other is None else self.other.name
        return {
            "nothing": "",
            "same place": f"{name} at the same place",
            "reconstruction": f"{name}'s reconstruction",
            "change": "change from A",
            "spread": "standard deviation over the posterior",
        }[self.kind]


def differ(images: Pictures, reference: Pictures) -> Pictures:
    """How much images (N, H, W, C) differ from one (H, W, C), pixel by pixel."""
    changes: Pictures = np.abs(images.astype(np.int16) - reference).astype(np.uint8)
    return changes


def fit_to(pictures: Pictures, images: Pictures) -> Pictures:
    """Pictures (N, h, w, c) in the size and the channels of images (N, H, W, C): grey ones in colour, coloured ones in grey."""
    height, width, channels = images.shape[1:]
    if pictures.shape[3] != channels:
        grey = pictures.mean(axis=3, keepdims=True).astype(np.uint8) if pictures.shape[3] > 1 else pictures
        pictures = np.repeat(grey, channels, axis=3)
    return np.stack([resize(picture, height, width, smooth=True) for picture in pictures])
