"""A checkpoint's latent space: its networks, its images and their codes, each loaded when first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from vae_tui.data import ImageSets, PackedImages, Progress, as_floats
from vae_tui.errors import DataError
from vae_tui.latent.codes import Codes, Latents, encode_set
from vae_tui.latent.density import (
    AggregatedPosterior,
    KnownPosteriors,
    Place,
    has_gaussian_posteriors,
    log_class_density,
    log_prior_density,
)
from vae_tui.latent.sources import Source, find_source, load_sets_of, place_sources, split_of
from vae_tui.model import VAE
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.model.conditional import NO_LABEL
from vae_tui.model.priors import ClassPrior, Prior, settle
from vae_tui.runs.layout import run_folder
from vae_tui.runs.metadata import read_metadata
from vae_tui.walk.classes import find_class
from vae_tui.walk.shares import Shares, share_of

LatentAt = Literal["mean", "draw"]
"""Where an image is in latent space: at its posterior's mean, or at a draw from it."""


class Space:
    """The latent space of the VAE in a checkpoint file; `progress` hears of all that takes long."""

    def __init__(self, checkpoint: Path, *, data_root: Path | None, progress: Progress) -> None:
        self.checkpoint = checkpoint
        self._data_root, self.progress = data_root, progress
        self.metadata = read_metadata(checkpoint)
        self._codes: dict[str, Codes] = {}
        self._aggregated: AggregatedPosterior | None = None
        self.posteriors = KnownPosteriors()
        """Those of images that were encoded by themselves."""
        self._class_given = False

    @property
    def name(self) -> str:
        """What people call it: its run's name, or its file's."""
        folder = run_folder(self.checkpoint).name
        return folder if self.checkpoint.name.startswith("step-") and folder else self.checkpoint.stem

    @property
    def full_name(self) -> str:
        """The file's name with its run's, or its folder's, before it, the same however the file was named."""
        path = self.checkpoint.resolve()
        return path.relative_to(run_folder(path).parent).as_posix()

    @cached_property
    def vae(self) -> VAE:
        """The networks, on the CPU; raises CheckpointError."""
        return load_checkpoint(self.checkpoint)

    @cached_property
    def sets(self) -> ImageSets:
        """The images it was trained on; raises DataError where they are not there."""
        return load_sets_of(self.metadata, self._data_root, self.progress, self.checkpoint)

    @property
    def class_is_given(self) -> bool:
        """Whether `give` has chosen one."""
        return self._class_given

    @property
    def has_sets(self) -> bool:
        """Whether its images have been asked for."""
        return "sets" in self.__dict__

    def share_sets(self, other: Space) -> None:
        """Take the images another checkpoint has read, where it was trained on the same."""
        mine, its = self.metadata.get("recipe", {}), other.metadata.get("recipe", {})
        same = [mine.get("data"), mine.get("train", {}).get("seed")] == [
            its.get("data"),
            its.get("train", {}).get("seed"),
        ]
        if same and other.has_sets:
            self.__dict__["sets"] = other.sets

    def give(self, class_name: str) -> None:
        """Have a conditional VAE decode everything as of this class, or, with "none", of none; raises DataError where it cannot."""
        if not self.vae.class_count:
            raise DataError(
                f'--class {class_name}: this model is given no class; one trained with model.condition = "label" is'
            )
        self._class_given = True
        class_names = self.metadata["class_names"]
        if class_name != "none" or "none" in class_names:
            self.vae.label = find_class(class_name, class_names)
        elif self.vae.knows_no_label:
            self.vae.label = NO_LABEL
        else:
            raise DataError(
                "--class none: this model always needs a class: it was trained with model.label_dropout = 0"
            )

    def give_class_of(self, source: Source) -> None:
        """Decode as of the class of the source, unless another was given."""
        if self.vae.class_count and not self._class_given:
            self.vae.label = self.class_of(source)

    def class_of(self, source: Source) -> int:
        """The class that a conditional VAE takes a source to be of: by its classifier where it is not known, or -1 or the first."""
        if source.class_index is not None:
            return source.class_index
        if source.pixels is None or self.vae.classifier is None:
            return self.vae.label
        return int(self.vae.guess(as_floats(source.pixels[None]))[0])

    def shares_of(self, sources: Sequence[Source]) -> Shares | None:
        """How much of each class each source is, (N, K + 1); None where all are decoded alike: of a plain VAE, or as of one class given."""
        if not self.vae.class_count or self._class_given:
            return None
        return np.stack([share_of(self.class_of(source), self.vae.class_count) for source in sources])

    @property
    def prior(self) -> Prior:
        """What latents are drawn from: of the class that is given, where each has its own."""
        return self.vae.prior_given(None, 1)

    @property
    def given_class(self) -> str:
        """How a picture says what class was given: ", class 7", or nothing of a model that is given none."""
        if not self.vae.class_count:
            return ""
        return ", no class" if self.vae.label == NO_LABEL else f", class {self.metadata['class_names'][self.vae.label]}"

    def images(self, split: str) -> PackedImages:
        """One split; raises DataError where the recipe has none such."""
        return split_of(self.sets, split)

    def codes(self, split: str = "test") -> Codes:
        """Every image of a split, encoded."""
        if split not in self._codes:
            images = self.images(split)
            codes = encode_set(self.vae, images, self.sets.class_names, progress=self.progress)
            if split == "test" and has_gaussian_posteriors(self.vae):
                self._aggregated = AggregatedPosterior(codes)
            self._codes[split] = codes
        return self._codes[split]

    def measure(self, latent: Latents, shares: Shares | None = None) -> Place:
        """What is known of a latent (Z,), without encoding anything: q(z) only once the test images have been.

        Its prior is that of `shares` (K + 1,) of classes, where each has its own.
        """
        if self.vae.recipe.model.is_quantised:
            return Place(None, None, 0, None)
        if shares is None or not isinstance(self.vae.prior, ClassPrior):
            log_prior = log_prior_density(self.vae.prior_given(None, 1, settled=self._settled_prior), latent)
        else:
            log_prior = log_class_density(self.vae.prior, latent, shares)
        if not has_gaussian_posteriors(self.vae):
            return Place(log_prior, None, 0, None)
        deviations = self.posteriors.deviations_at(latent, self._codes.get("test"))
        if self._aggregated is None:
            return Place(log_prior, None, 0, deviations)
        return Place(log_prior, self._aggregated.log_density(latent), len(self._aggregated), deviations)

    @cached_property
    def _settled_prior(self) -> Prior | ClassPrior:
        return settle(self.vae.prior)

    def find(self, name: str) -> Source:
        """What a name stands for, as in `find_source`."""
        return find_source(name, lambda: self.sets, self.vae.image_shape)

    def locate(self, sources: Sequence[Source], at: LatentAt, seed: int) -> Latents:
        """Where sources are in latent space, (N, Z); with "draw", one epsilon chosen by the seed moves all of them."""
        return place_sources(self.vae, sources, self.codes, at, seed)

    def another_class(self, source: Source) -> Source:
        """The first test image of another class than the source's; without classes, the next image that is not it."""
        images = self.images("test")
        for index in range(len(images)):
            label = None if images.labels is None else int(images.labels[index])
            named_else = source.name != f"test:{index}"
            if named_else and (label is None or source.class_index is None or label != source.class_index):
                return self.find(f"test:{index}")
        raise DataError("there is no second test image of another class; name both ends with --from and --to")
