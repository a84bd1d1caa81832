"""A word on images that use little of the range they have, which mostly was meant by nobody."""

from __future__ import annotations

from collections.abc import Iterator

from vae_tui.data.sets import StoredSets

_DARK = 128


def tell_brightness(stored: StoredSets) -> Iterator[str]:
    """Notes on training images that are dark, or of one value only."""
    lowest, highest = stored.train.extremes
    if lowest == highest:
        yield f"every pixel of the training images is {highest} of 255: there is nothing to see in them"
    elif highest < _DARK:
        others = {"validation": stored.validation, "test": stored.test}
        told = "".join(
            f", of the {name} images {part.extremes[1]}" for name, part in others.items() if part is not None
        )
        yield f"the brightest value of the training images is {highest} of 255{told}: is this the range they were meant in?"
