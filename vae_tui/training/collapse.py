"""Whether latent dimensions die while a model trains, up to all of them (posterior collapse), or codes (codebook collapse)."""

from __future__ import annotations

from collections.abc import Sequence

from vae_tui.events import ACTIVE_NATS, Figures
from vae_tui.recipe import ObjectiveTable

_STUCK_NATS = 1e-3
"""Below this mean rate a posterior's variance is within 7 % of the prior's: KL(N(m, v) || N(0, 1)) >= (v - 1 - ln v) / 2."""
_LEAST_EPOCHS, _LEAST_STEPS = 2, 200
_WAKING = 1.5
"""A rate that grew by this factor in an epoch still grows."""
_FEW_CODES = 0.05
"""The share of a codebook in use below which it has collapsed."""
_AWAKE_NATS = 2 * ACTIVE_NATS
"""What a collapse is over at, so that a dimension at the brink is not noted again and again."""


class Collapse:
    """Watches the rates of each epoch, and notes when latent dimensions have died, and when they are awake again.

    Bowman et al., Generating Sentences from a Continuous Space, 2016, section 3.1, met it first. It is silent in
    the first steps, before beta or the capacity has risen, while dimensions still wake, and where the objective wants no
    information in z.
    """

    def __init__(self, objective: ObjectiveTable, code_count: int = 0) -> None:
        """With a `code_count`, of a quantised posterior, which has no posterior to collapse: its codebook is watched."""
        self._objective, self._code_count = objective, code_count
        self.collapsed = self._half_dead = False
        """Whether all latent dimensions, or nearly all codes, have died; whether half of the dimensions have."""
        self._last: tuple[int, float] | None = None
        """How many were dead, and the rate, an epoch before."""

    def change(self, objective: ObjectiveTable) -> None:
        """Watch what another objective leads to from here on."""
        self._objective = objective

    def look(
        self, epoch: int, step: int, measured: Sequence[float | None], validation: Figures | None = None
    ) -> str | None:
        """A sentence where half of the dimensions or all, or nearly all codes, have died, or have woken.

        The rates `measured` (Z,) and the figures of `validation`, `codes_used` among them, are of an epoch's end.
        """
        if self._code_count:
            return self._look_at_codes(epoch, step, (validation or {}).get("codes_used"))
        rates = [rate or 0.0 for rate in measured]
        size, dead, rate = len(rates), sum(_is_dead(each) for each in rates), sum(rates)
        last, self._last = self._last, (dead, rate)
        if step < _LEAST_STEPS or not self._is_settled(epoch):
            return None
        waking = last is not None and (dead < last[0] or rate > _WAKING * last[1])
        carrying = f"{size - dead:,} of {size:,} latent dimensions carry information"
        details = f"(rate {rate:.2f} nats{_describe_stuck(rates)})"
        if self.collapsed:
            if max(map(abs, rates)) < _AWAKE_NATS:
                return None
            self.collapsed, self._half_dead = False, 2 * dead >= size
            return f"posterior collapse is over: {carrying} {details}"
        if dead == size and not waking:
            self.collapsed = True
            return f"posterior collapse: {carrying}; the decoder ignores z; {self._advice} {details}"
        if not self._half_dead and 2 * dead >= size and not waking:
            self._half_dead = True
            return (
                f"{dead:,} of {size:,} latent dimensions are dead, below {ACTIVE_NATS:g} nats each; fewer would do as "
                f"well; to wake them {self._advice} {details}"
            )
        if self._half_dead and 4 * dead < size:
            self._half_dead = False
            return f"dead latent dimensions woke: {carrying} {details}"
        return None

    def _look_at_codes(self, epoch: int, step: int, used: float | None) -> str | None:
        if used is None or step < _LEAST_STEPS or not self._is_settled(epoch):
            return None
        share = used / self._code_count
        counted = f"{used:.1f} of {self._code_count:,} codes are used (perplexity, of validation images)"
        if not self.collapsed and share < _FEW_CODES:
            self.collapsed = True
            return f"codebook collapse: {counted}; a smaller codebook or a lower learning rate help"
        if self.collapsed and share > 2 * _FEW_CODES:
            self.collapsed = False
            return f"codebook collapse is over: {counted}"
        return None

    def _is_settled(self, epoch: int) -> bool:
        """Whether by the end of an epoch the weight of the rate, or the capacity, has risen to what it is to be."""
        objective = self._objective
        if not objective.distortion or epoch < _LEAST_EPOCHS:
            return False
        if objective.name == "capacity":
            return epoch >= objective.capacity_epochs
        if objective.schedule == "cyclical":
            return (epoch % objective.cycle_epochs or objective.cycle_epochs) >= objective.warmup_epochs
        return epoch >= objective.warmup_epochs

    @property
    def _advice(self) -> str:
        name = self._objective.name
        if name == "capacity":
            return "a higher capacity helps"
        if name == "factor":
            return "a lower gamma or free bits help"
        if name in ("iwae", "dip"):
            return "free bits help"
        return "a lower beta, a longer warm-up or free bits help"


def _is_dead(rate: float) -> bool:
    """Also of a prior or a posterior whose dimensions do not each have a KL of their own, but a share, which has a sign."""
    return abs(rate) < ACTIVE_NATS


def _describe_stuck(rates: Sequence[float]) -> str:
    stuck = sum(abs(each) < _STUCK_NATS for each in rates)
    how_many = "all" if stuck == len(rates) else f"{stuck:,}"
    return f", the posterior variance stuck at 1 in {how_many}" if stuck else ""
