"""Memory of this process: kept when it is free again, and when there is not enough."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_NEVER = -1
_GROWTH_BYTES = 64 << 20


def keep_freed_memory() -> None:
    """Have the C library keep the memory that is freed for what is allocated next, where it is glibc.

    As it comes, it gives large blocks back at once, and the activations of every step are fetched again as pages of
    zeros: a third of a convolutional step (benchmarks/LOG.md).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, _NEVER)
        mallopt(_M_TOP_PAD, _GROWTH_BYTES)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, torch's CPU allocator or CUDA ran out."""
    phrases = ("can't allocate memory", "out of memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(phrase in str(error) for phrase in phrases)
    )
