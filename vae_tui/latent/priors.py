"""Distributions to draw latents from, as a user writes them; without torch."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from vae_tui.errors import VaeTuiError

FORMS = "N(mean,deviation), Beta(a,b) or U(low,high)"


@dataclass(frozen=True)
class Prior:
    """The same distribution for every latent dimension: normal with `first` as mean and `second` as standard deviation,
    Beta with its two shapes, or uniform from `first` to `second`."""

    name: Literal["normal", "beta", "uniform"] = "normal"
    first: float = 0.0
    second: float = 1.0


def parse_prior(text: str) -> Prior:
    """Read "N(1,2)", "Beta(0.25,0.25)" or "U(-1,1)"; raises VaeTuiError with what was expected."""
    match = re.fullmatch(
        r"\s*(n|normal|beta|u|uniform)\s*\(\s*([^,()]+?)\s*,\s*([^,()]+?)\s*\)\s*", text, re.IGNORECASE
    )
    try:
        if match is None:
            raise ValueError
        first, second = float(match[2]), float(match[3])
    except ValueError:
        raise VaeTuiError(f"--prior {text}: expected {FORMS}, such as N(0,1)") from None
    if not (math.isfinite(first) and math.isfinite(second)):
        raise VaeTuiError(f"--prior {text}: expected finite numbers")
    letter = match[1][0].lower()
    if letter == "n":
        if second < 0:
            raise VaeTuiError(f"--prior {text}: the standard deviation cannot be below 0")
        return Prior("normal", first, second)
    if letter == "b":
        if min(first, second) <= 0:
            raise VaeTuiError(f"--prior {text}: both shapes of a Beta are above 0")
        return Prior("beta", first, second)
    if second < first:
        raise VaeTuiError(f"--prior {text}: the lower bound is given first")
    return Prior("uniform", first, second)
