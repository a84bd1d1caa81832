"""The one place that turns errors into messages and exit codes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn, TextIO

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
        sys.stderr.flush()
    except VaeTuiError as error:
        end(EXIT_WRONG_INPUT, error)
    except KeyboardInterrupt:
        end(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has left.
        end(EXIT_INTERRUPTED)
    except OSError as error:
        if error.errno == errno.ENOSPC and error.filename is None:
            drop_stdout()
            end(EXIT_FAILED, f"stdout cannot be written: {error.strerror}")
        if error.errno not in _MENDED_BY_THE_USER:
            raise
        end(EXIT_WRONG_INPUT, f"{os.fsdecode(error.filename)}: {error.strerror}")


def end(status: int, message: object = None) -> NoReturn:
    """End the process, with a message for whoever still reads; of a reader who left Python would complain, and end with 120."""
    with suppress(OSError):
        if message:
            say(message)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _drop(stream)
    sys.exit(status)


def drop_stdout() -> None:
    """Let nothing more be written there, nor complained of as Python closes it."""
    _drop(sys.stdout)


def _drop(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
