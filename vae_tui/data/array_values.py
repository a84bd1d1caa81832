"""What the values of arrays of images are, and what bytes they become."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.errors import DataError

_ROUNDING = 1e-4
"""How far floats may leave [0, 1], as those that were resized do."""


@dataclass
class ValuesSeen:
    """The range of an array's values, as far as it was read; `found` is what to call the array."""

    found: str
    kind: str
    lowest: float = field(default=np.inf, init=False)
    highest: float = field(default=-np.inf, init=False)

    def to_bytes(self, images: NDArray[Any], first: int) -> NDArray[np.uint8]:
        """Values of some images, the first of them being image `first`, as bytes; whole numbers stay what they are.

        Raises DataError for values out of range.
        """
        lowest, highest = images.min(), images.max()
        if images.dtype.kind == "f":
            allowed = lowest >= -_ROUNDING and highest <= 1 + _ROUNDING  # neither is so of NaN
        else:
            allowed = lowest >= 0 and highest <= 255
        if not allowed:
            raise DataError(self._refusal(images, lowest, highest, first))
        self.lowest, self.highest = min(self.lowest, float(lowest)), max(self.highest, float(highest))
        if images.dtype.kind == "f":
            images = images.astype(np.float32)
            if lowest < 0 or highest > 1:
                images = images.clip(0, 1)
            images = np.rint(images * np.float32(255))
        pixels: NDArray[np.uint8] = images.astype(np.uint8)
        return pixels * np.uint8(255) if images.dtype.kind == "b" else pixels

    def _refusal(self, images: NDArray[Any], lowest: Any, highest: Any, first: int) -> str:
        expected = "floats in [0, 1]" if images.dtype.kind == "f" else "whole numbers in 0..255"
        if images.dtype.kind == "f" and not np.isfinite(images).all():
            odd = ~np.isfinite(images)
            image = first + int(odd.any((1, 2, 3)).argmax())
            name = "NaN" if lowest != lowest else "infinite values"
            return f"{self.found} and holds {name}, first in image {image:,}; expected {expected}"
        way_out = _way_out(images.dtype.kind, float(lowest), float(highest))
        return f"{self.found} and holds values from {lowest} to {highest}; expected {expected}; {way_out}"

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers."""
        return self.kind in "iu"

    def note(self) -> str | None:
        """What was done about values a hair out of range."""
        if self.kind != "f" or (self.lowest >= 0 and self.highest <= 1):
            return None
        return f"values from {self.lowest:.9g} to {self.highest:.9g} were clipped to [0, 1], being a hair outside"


def _way_out(kind: str, lowest: float, highest: float) -> str:
    if kind == "f":
        if lowest >= 0 and highest <= 255:
            return "for 0 to 255, save bytes: array.astype(np.uint8)"
        if lowest >= -1.01 and highest <= 1.01:
            return "for -1 to 1, save (array + 1) / 2"
        return "scale them: np.interp(array, (array.min(), array.max()), (0, 1))"
    if lowest >= 0:
        return "scale them by the highest there is: (array / array.max()).astype(np.float32)"
    return "scale them: np.interp(array, (array.min(), array.max()), (0, 1))"


def are_black_and_white(seen: list[ValuesSeen]) -> bool:
    """Whether the whole numbers among the arrays are 0 and 1, no 1 in any of them being exceeded.

    Raises DataError where those of one array are, and those of another are not.
    """
    whole = [values for values in seen if values.is_whole]
    ones = [values for values in whole if values.highest == 1]
    more = [values for values in whole if values.highest > 1]
    if ones and more:
        raise DataError(
            f"{ones[0].found} and holds 0 and 1, but {more[0].found} and holds values up to {more[0].highest:.0f}; "
            "expected one range in all splits: multiply the first by 255, or divide the others"
        )
    return bool(ones)
