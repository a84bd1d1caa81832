"""How a training goes, in words, by the losses of its epochs."""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from vae_tui.runs.history import History
from vae_tui.wording import format_count, format_nats

_FEWEST_EPOCHS = 5
_RECENT_SHARE = 0.2
"""Of all epochs, those in which something must have happened, or nothing goes on any more."""
_NOISE = 2.0
"""By so many deviations of one epoch from the next a change is more than noise."""
_GREATEST = 1e100
"""Losses beyond it are none that could be compared."""
_HARDLY = 2e-4
"""The share of a loss that is as good as nothing."""

Kind = Literal["improving", "flat", "overfitting", "collapsed", "diverging"]


@dataclass(frozen=True)
class Verdict:
    """What there is to say, and the figures it is based on; nats per image."""

    kind: Kind
    text: str
    basis: str


def judge(history: History) -> Verdict | None:
    """The verdict on a run as it is; None in its first epochs.

    The loss is that of validation images, and where there are none, of training, since the objective or beta changed last. It is
    overfitting where that has risen by
    more than its noise since its best, while training's went on falling; flat where no epoch of the last fifth was
    better; collapsed where no latent dimension carries more than 0.01 nats.
    """
    series = history.validation["loss"]
    validates = len(series) > 0
    if not validates:
        series = history.train["loss"]
    first = bisect_right(series.steps, history.same_loss_since)
    steps, losses = list(series.steps[first:]), list(series.values[first:])
    if any(abs(loss) > _GREATEST for loss in losses):
        return None
    moment = history.now
    if moment.rate_per_dimension and not moment.active_dimensions and moment.epoch > 1:
        basis = f"none of {len(moment.rate_per_dimension)} latent dimensions has more than 0.01 nats"
        return Verdict("collapsed", "collapsed: no latent is active", basis)
    if len(losses) < _FEWEST_EPOCHS:
        return None
    best = min(range(len(losses)), key=losses.__getitem__)
    recent = max(3, round(_RECENT_SHARE * len(losses)))
    noise = max(_spread(losses[-2 * recent :]) * _NOISE, abs(losses[best]) * _HARDLY)
    now = statistics.fmean(losses[-min(3, len(losses)) :])
    where = f"epoch {format_count(max(1, round(steps[best] / history.steps_per_epoch)))}"
    whose = "validation" if validates else "training"
    basis = f"{whose} loss: best {format_nats(losses[best])} at {where}, {format_nats(now)} in the last 3 reports"
    risen = now - losses[best]
    if len(losses) - 1 - best >= 3 and risen > noise:
        if validates and _fell_since(history, steps[best]):
            return Verdict("overfitting", f"overfitting by {format_nats(risen)} nats since {where}", basis)
        return Verdict("diverging", f"worse by {format_nats(risen)} nats since {where}", basis)
    settled = next(index for index, loss in enumerate(losses) if loss - losses[best] <= noise)
    if len(losses) - 1 - settled >= max(3, recent):
        since = max(1, round(steps[settled] / history.steps_per_epoch))
        return Verdict("flat", f"flat since epoch {format_count(since)}", basis)
    return Verdict("improving", "improving", basis)


def _spread(losses: Sequence[float]) -> float:
    """The deviation of an epoch from the one before, a trend left out."""
    changes = [after - before for before, after in pairwise(losses)]
    return statistics.pstdev(changes) / 2**0.5 if len(changes) > 1 else 0.0


def _fell_since(history: History, step: int) -> bool:
    """Whether the loss of training is lower now than around a step."""
    series = history.train["loss"]
    after = [value for at, value in zip(series.steps, series.values, strict=True) if at >= step]
    third = max(1, len(after) // 3)
    return len(after) >= 2 and statistics.fmean(after[-third:]) < statistics.fmean(after[:third])
