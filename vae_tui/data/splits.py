"""Train, validation and test, cut apart by the seed."""

from __future__ import annotations

import torch

from vae_tui.data.seeds import seeded
from vae_tui.data.sets import ImageSets, PackedImages, StoredSets
from vae_tui.data.streamed import StreamedPixels, read_all
from vae_tui.errors import DataError


def separate(stored: StoredSets, *, validation_share: float, test_share: float, seed: int, source: str) -> ImageSets:
    """Cut from the training images the splits that are wanted and that the set does not bring along.

    `test_share` is of all training images, `validation_share` of those left after it; each is at least one image. With
    `validation_share` 0, images set aside for validation are trained on. Which images are tested on does not depend on
    `validation_share`. Raises DataError, naming `source`, where too few images are left to train on.
    """
    total = len(stored.train)
    test_count = 0 if stored.test is not None else _share(test_share, total)
    validation_count = 0
    if validation_share > 0 and stored.validation is None:
        validation_count = _share(validation_share, total - test_count)
    if test_count + validation_count >= total:
        raise DataError(_too_few(source, total, test_share, test_count, validation_share, validation_count))

    train, test, validation = stored.train, stored.test, stored.validation
    if test_count + validation_count:
        order = torch.randperm(total, generator=seeded(seed, "splits"))
        first, second = test_count, test_count + validation_count
        test_indexes, validation_indexes = order[:first].sort().values, order[first:second].sort().values
        train_indexes = order[second:].sort().values
        train = stored.train.pick(train_indexes)
        if test_count:
            test = stored.train.pick(test_indexes)
        if validation_count:
            validation = stored.train.pick(validation_indexes)
    if validation_share == 0 and validation is not None:
        train, validation = _join(train, validation), None
    assert test is not None
    return ImageSets(train, validation, test, stored.class_names, stored.skipped, stored.notes, stored.factor_names)


def _share(share: float, total: int) -> int:
    return max(1, round(share * total))


def _join(first: PackedImages, second: PackedImages) -> PackedImages:
    labels, factors = _join_known(first.labels, second.labels), _join_known(first.factors, second.factors)
    names = None if first.names is None or second.names is None else first.names + second.names
    if isinstance(first.pixels, StreamedPixels):
        assert isinstance(second.pixels, StreamedPixels)
        return PackedImages(first.pixels.join(second.pixels), labels, factors, names)
    return PackedImages(torch.cat([first.pixels, read_all(second.pixels)]), labels, factors, names)


def _join_known(first: torch.Tensor | None, second: torch.Tensor | None) -> torch.Tensor | None:
    return None if first is None or second is None else torch.cat([first, second])


def _too_few(
    source: str, total: int, test_share: float, test_count: int, validation_share: float, validation_count: int
) -> str:
    wants = []
    if test_count:
        wants.append(f"data.test = {test_share:g} takes {test_count} of them")
    if validation_count:
        wants.append(f"data.validation = {validation_share:g} takes {validation_count} of them")
    images = "image is" if total == 1 else "images are"
    return (
        f"{source}: {total} training {images} too few: {' and '.join(wants)}, which leaves none to train on; "
        "add images or lower the shares"
    )
