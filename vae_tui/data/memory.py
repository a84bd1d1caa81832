"""How much memory images may take."""

from __future__ import annotations

from typing import Literal

import psutil

GIB = 1 << 30


def memory_limit(memory_gib: float | Literal["auto"]) -> int:
    """Bytes for `[data] memory_gib`; auto is half of what is available now."""
    if memory_gib == "auto":
        return int(psutil.virtual_memory().available) // 2
    return int(memory_gib * GIB)


def in_gib(count: float) -> str:
    """Bytes as GiB, to three digits: "48.2 GiB"."""
    return f"{count / GIB:.3g} GiB"
