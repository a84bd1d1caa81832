"""`python -m vae_tui.photos` examines the photos that stdin names, for `examine_in_processes`."""

from __future__ import annotations

import contextlib
import sys
import warnings

from vae_tui.photos.processes import answer

if __name__ == "__main__":
    # Whoever asks says what is wrong with a photo; there is nobody to warn here.
    warnings.simplefilter("ignore")
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        answer(sys.stdin.buffer, sys.stdout.buffer)
