"""How much of each class a picture is decoded as: shares (K + 1,), the last that of no class, which sum to 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Shares = NDArray[np.float32]
"""Of one picture (K + 1,), or of several (N, K + 1)."""


def share_of(class_index: int, class_count: int) -> Shares:
    """All of one class, or with -1 of none: its one-hot code (K + 1,)."""
    shares: Shares = np.zeros(class_count + 1, np.float32)
    shares[class_index] = 1
    return shares


def describe_shares(shares: Shares, class_names: Sequence[str]) -> str:
    """Shares (K + 1,) in words, classes in their order: "7", or "70% 3, 30% none"."""
    present = [(name, float(share)) for name, share in zip([*class_names, "none"], shares, strict=True) if share > 0]
    return present[0][0] if len(present) == 1 else ", ".join(f"{share:.0%} {name}" for name, share in present)
