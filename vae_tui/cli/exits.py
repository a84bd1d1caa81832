"""The one place that turns errors into messages and exit codes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from vae_tui.cli.output import say
from vae_tui.errors import VaeTuiError

EXIT_FAILED, EXIT_WRONG_INPUT, EXIT_INTERRUPTED = 1, 2, 130
_MENDED_BY_THE_USER = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENOSPC, errno.EROFS)


@contextmanager
def errors_to_exit_codes() -> Iterator[None]:
    """End the process where the body raises: a user's mistake is one message on stderr and exit code 2.

    A bug keeps its traceback.
    """
    try:
        yield
        sys.stdout.flush()
    except VaeTuiError as error:
        say(error)
        sys.exit(EXIT_WRONG_INPUT)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more while closing stdout.
        drop_stdout()
        sys.exit(EXIT_FAILED)
    except OSError as error:
        if error.errno == errno.ENOSPC and error.filename is None:
            drop_stdout()
            say(f"stdout cannot be written: {error.strerror}")
            sys.exit(EXIT_FAILED)
        if error.errno not in _MENDED_BY_THE_USER:
            raise
        say(f"{os.fsdecode(error.filename)}: {error.strerror}")
        sys.exit(EXIT_WRONG_INPUT)


def drop_stdout() -> None:
    """Let nothing more be written there, nor complained of as Python closes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
