"""What a trainer frees it has at once when it allocates again."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

_SCRIPT = """
import resource, sys
from vae_tui.training.memory import keep_freed_memory
import numpy as np

if sys.argv[1] == "kept":
    keep_freed_memory()

def touch():
    for _ in range(20):
        np.ones(40 << 20, np.uint8)

touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library here is not glibc")
def test_large_blocks_are_not_fetched_from_the_system_again() -> None:
    faults = {
        how: int(subprocess.run([sys.executable, "-c", _SCRIPT, how], capture_output=True, check=True).stdout)
        for how in ("kept", "as it comes")
    }
    assert faults["kept"] < 100 < faults["as it comes"], faults
