"""The width to average a run's weights over, by validation images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vae_tui.data import ImageSets, Progress
from vae_tui.device import choose_device
from vae_tui.errors import CheckpointError, DataError
from vae_tui.evaluation.averages import Averaged, average, find_averages
from vae_tui.evaluation.elbo import Elbo, evaluate_elbo
from vae_tui.latent.sources import load_sets_of
from vae_tui.model import VAE
from vae_tui.model.checkpoint import encode_checkpoint
from vae_tui.runs.layout import Run
from vae_tui.runs.metadata import read_metadata

WIDTHS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2)
"""Those that are tried where none is named."""
_OF_THE_STEP = (
    "step",
    "epoch",
    "epochs_done",
    "class_names",
    "data_root",
    "images_crc32",
    "objective_since",
    "changes",
)


@dataclass(frozen=True)
class TriedWidth:
    """How weights averaged over a width do: -ELBO of validation images, in nats; None where there are none, or it is not finite.

    `misfit` is as in `Averaged`.
    """

    width: float
    misfit: float
    validation_negative_elbo: float | None


@dataclass(frozen=True)
class ChosenWidth:
    """The weights of the width that does best, and all that were `tried`; `source` is the newest file they are made of."""

    averaged: Averaged
    validation: Elbo | None
    tried: tuple[TriedWidth, ...]
    source: Path
    sets: ImageSets

    def encode(self) -> bytes:
        """A checkpoint's bytes, with the figures of these weights: those of the run's own do not hold for them."""
        known = read_metadata(self.source)
        facts: dict[str, Any] = {name: known[name] for name in _OF_THE_STEP if name in known}
        facts["ema_width"] = self.averaged.width
        if self.validation is not None:
            figures = {name: _finite(value) for name, value in self.validation.figures(math.nan).items()}
            rates = [_finite(rate) for rate in self.validation.rate_per_dimension]
            facts |= {"validation": figures, "rate_per_dimension": rates}
        return encode_checkpoint(self.averaged.vae, None, facts)


def choose_width(
    run: Run,
    widths: Sequence[float],
    *,
    until: int | None,
    data_root: Path | None,
    device: str,
    progress: Progress,
) -> ChosenWidth:
    """Average a run's weights up to a step, or all, over each of some widths, and choose by the -ELBO of validation images.

    Raises VaeTuiError for a width that cannot be, CheckpointError where the run kept no averages, DataError where several
    are to be tried and there are no validation images.
    """
    averages = find_averages(run, until)
    source = averages[-1].path
    sets = load_sets_of(read_metadata(source), data_root, progress, source)
    if sets.validation is None and len(widths) > 1:
        raise DataError(
            "a width is chosen by validation images, and the recipe has data.validation = 0: name one, as by "
            "--ema-width 0.1"
        )
    tried: list[TriedWidth] = []
    best: tuple[float, Averaged, Elbo | None] | None = None
    for width in widths:
        averaged = average(run, averages, width, progress)
        elbo = _validate(averaged.vae.to(choose_device(device)), sets)
        loss = None if elbo is None else _finite(-elbo.elbo)
        tried.append(TriedWidth(width, averaged.misfit, loss))
        rank = math.inf if loss is None else loss
        if best is None or rank < best[0]:
            best = rank, averaged, elbo
    assert best is not None, "at least one width was given"
    if math.isinf(best[0]) and sets.validation is not None:
        raise CheckpointError(
            f"{run.path}: the validation ELBO of averaged weights is not finite, whatever their width"
        )
    return ChosenWidth(best[1], best[2], tuple(tried), source, sets)


def _validate(vae: VAE, sets: ImageSets) -> Elbo | None:
    if sets.validation is None:
        return None
    pixels, labels = sets.validation.pixels, sets.validation.labels
    return evaluate_elbo(vae, pixels, labels=labels, seed=vae.recipe.train.seed)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
