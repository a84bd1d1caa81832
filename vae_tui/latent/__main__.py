"""The main of the decoder process: `python -m vae_tui.latent [DATA_ROOT]`, requests on stdin, replies on stdout."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from vae_tui.walk.messages import Progressed
from vae_tui.walk.wire import STARTING, write_message


def main() -> None:
    """Serve until stdin ends."""
    # Whatever a library prints must not come between the replies.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    write_message(replies, STARTING, Progressed("importing torch", 0, None))
    from vae_tui.latent.service import Service  # noqa: PLC0415

    Service(replies, Path(sys.argv[1]) if len(sys.argv) > 1 else None).serve(sys.stdin.buffer)


if __name__ == "__main__":
    main()
