"""How far to move along latent dimensions, and in which steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from vae_tui.errors import VaeTuiError
from vae_tui.latent.codes import Codes, Latents
from vae_tui.latent.grids import normal_quantiles, spread
from vae_tui.model.priors import Prior, StandardNormal

FORMS = "a number R (-R to R), quantiles (of the prior), data (all but the outermost 1 % of codes), or posterior:K (K standard deviations about the image's mean; K is 3 if not given)"

_DRAWS = 10_000


@dataclass(frozen=True)
class Range:
    """What values a dimension takes; `reach` goes with "prior" and "posterior"."""

    kind: Literal["prior", "quantiles", "data", "posterior"]
    reach: float = 3.0


def parse_range(text: str) -> Range:
    """Read a range as a user writes it; raises VaeTuiError with what there is."""
    kind, colon, reach = text.strip().partition(":")
    try:
        if kind == "posterior":
            found = Range("posterior", float(reach) if colon else 3.0)
        elif kind in ("data", "quantiles") and not colon:
            found = Range("data" if kind == "data" else "quantiles")
        else:
            found = Range("prior", float(text))
    except ValueError:
        raise VaeTuiError(f"--range {text}: expected {FORMS}") from None
    if not (math.isfinite(found.reach) and found.reach > 0):
        raise VaeTuiError(f"--range {text}: expected a finite number above 0")
    return found


def choose_values(
    range_: Range,
    count: int,
    dimensions: Sequence[int],
    *,
    prior: Prior,
    mean: Latents,
    log_variance: Latents,
    codes: Codes | None,
) -> Latents:
    """`count` rising values for each of D dimensions, (D, count).

    `mean` and `log_variance` (Z,) are an image's, `codes` a set's (for "data"). The quantiles of a prior that is not
    N(0, I) are those of ten thousand draws.
    """
    if range_.kind == "quantiles" and not isinstance(prior, StandardNormal):
        draws = prior.draw(_DRAWS, torch.Generator().manual_seed(0)).detach().numpy()[:, dimensions]
        parted: Latents = np.quantile(draws, (np.arange(count) + 0.5) / count, axis=0).T.astype(np.float32)
        return parted
    return np.stack([_values_of(range_, count, d, mean, log_variance, codes) for d in dimensions])


def _values_of(
    range_: Range, count: int, dimension: int, mean: Latents, log_variance: Latents, codes: Codes | None
) -> Latents:
    if range_.kind == "quantiles":
        return normal_quantiles(count)
    if range_.kind == "posterior":
        deviation = float(np.exp(0.5 * log_variance[dimension]))
        middle = float(mean[dimension])
        return spread(count, middle - range_.reach * deviation, middle + range_.reach * deviation)
    if range_.kind == "data":
        assert codes is not None
        low, high = np.quantile(codes.mean[:, dimension], [0.005, 0.995])
        return spread(count, float(low), float(high))
    return spread(count, -range_.reach, range_.reach)


def describe_range(range_: Range) -> str:
    """A range in a word or two: "range data", "range posterior 3"."""
    return f"range {range_.kind} {range_.reach:g}" if range_.kind in ("prior", "posterior") else f"range {range_.kind}"
