"""What a user can get wrong, as exceptions.

    VaeTuiError
    |- RecipeError       a recipe or a `--set` that does not validate; carries every problem at once
    |- DataError         images that are missing, broken or of the wrong shape
    |- CheckpointError   a checkpoint that is damaged, foreign or does not fit
    |- DeviceError       a device that is not there, or is out of memory
    `- RunError          a run that is not there, is busy or cannot go on

Their text is the whole message a user sees: it names the file, the key or the tensor, what was expected, and the way
out. Anything else that escapes is a bug and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence

from vae_tui.text import printable


class VaeTuiError(Exception):
    """A mistake the user can mend; nothing in its message is hidden, whatever names are in it."""

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message, lines=True))


class RecipeError(VaeTuiError):
    """A recipe that does not validate; `problems` has one line each."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source = printable(source)
        self.problems = tuple(map(printable, problems))
        if len(self.problems) == 1:
            message = f"{source}: {self.problems[0]}"
        else:
            lines = "\n".join(f"  {problem}" for problem in self.problems)
            message = f"{source}: {len(self.problems)} problems\n{lines}"
        super().__init__(message)


class DataError(VaeTuiError):
    """Images that are missing, broken or of the wrong shape."""


class CheckpointError(VaeTuiError):
    """A checkpoint that is damaged, foreign or does not fit."""


class DeviceError(VaeTuiError):
    """A device that is not there, or is out of memory."""


class RunError(VaeTuiError):
    """A run that is not there, is busy or cannot go on."""
