"""Distributions to draw latents from, as a user writes them; without torch."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from vae_tui.errors import VaeTuiError

FORMS = "model, N(mean,deviation), Beta(a,b), U(low,high), aggregated or mixture(K)"
"""How they are written, for messages."""
MOST_COMPONENTS = 1000
_FARTHEST = 1000.0
"""No model knows anything of latents so far away."""


@dataclass(frozen=True)
class Prior:
    """What latents are drawn from.

    `model`: the model's own prior. `normal`, `beta` and `uniform`: the same for every latent dimension, with `first` as
    mean and `second` as standard deviation, with two shapes, or from `first` to `second`. `aggregated`: the posteriors
    of the training images; `mixture`: so many Gaussian `components` fitted to them.
    """

    name: Literal["model", "normal", "beta", "uniform", "aggregated", "mixture"] = "model"
    first: float = 0.0
    second: float = 1.0
    components: int = 0


def parse_prior(text: str) -> Prior:
    """Read "model", "N(1,2)", "Beta(0.25,0.25)", "U(-1,1)", "aggregated" or "mixture(10)".

    Raises VaeTuiError with what was expected.
    """
    wanted = text.strip().lower()
    if wanted == "model":
        return Prior()
    if wanted == "aggregated":
        return Prior("aggregated")
    if wanted.startswith("mixture"):
        return _parse_mixture(text, wanted.removeprefix("mixture"))
    return _parse_pair(text, wanted)


def _parse_mixture(text: str, components: str) -> Prior:
    match = re.fullmatch(r"\s*\(\s*([0-9]{1,6})\s*\)", components)
    if match is None or not 1 <= int(match[1]) <= MOST_COMPONENTS:
        raise VaeTuiError(f"--prior {text}: expected 1 to {MOST_COMPONENTS:,} Gaussians, such as mixture(10)")
    return Prior("mixture", components=int(match[1]))


def _parse_pair(text: str, wanted: str) -> Prior:
    match = re.fullmatch(r"(n|normal|beta|u|uniform)\s*\(\s*([^,()]+?)\s*,\s*([^,()]+?)\s*\)", wanted)
    try:
        if match is None:
            raise ValueError
        first, second = float(match[2]), float(match[3])
    except ValueError:
        raise VaeTuiError(f"--prior {text}: expected {FORMS}, such as N(0,1)") from None
    if not max(abs(first), abs(second)) <= _FARTHEST or math.isnan(first):
        raise VaeTuiError(f"--prior {text}: expected numbers from -{_FARTHEST:,.0f} to {_FARTHEST:,.0f}")
    letter = match[1][0]
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
