"""A word on images that use little of the range they have, which mostly was meant by nobody."""

from __future__ import annotations

from collections.abc import Iterator

from vae_tui.data.sets import StoredSets

_DARK = 128
_QUESTION = ": is this the range that was meant?"


def tell_brightness(stored: StoredSets) -> Iterator[str]:
    """Notes on splits that are dark, and on training images of one value only."""
    lowest, highest = stored.train.extremes
    parts = {"training": stored.train, "validation": stored.validation, "test": stored.test}
    brightest = {name: part.extremes[1] for name, part in parts.items() if part is not None}
    if lowest == highest:
        yield f"every pixel of the training images is {highest} of 255: there is nothing to see in them"
    elif min(brightest.values()) < _DARK:
        told = ", of the ".join(f"{name} images {value}" for name, value in brightest.items())
        yield f"the brightest value of the {told} of 255".replace(" images ", " images is ", 1) + _QUESTION
