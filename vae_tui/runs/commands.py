"""What a front end asks of a trainer: a file a command in the run's `commands/`, written whole and then renamed in.

The trainer claims commands by rename, oldest first, and answers each with a `CommandDone` event that repeats the
command's id and what it asked for, so that everybody who watches knows what was done, and for whom.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from vae_tui.runs.files import read_small, write_whole
from vae_tui.runs.layout import Run

_LONGEST = 4096
"""Bytes of a command; what is longer is none of ours."""

Value = bool | int | float | str
"""What a key of a recipe may be set to."""


@dataclass(frozen=True)
class Command:
    """Something a trainer can be asked for; `name` is its name in files and events."""

    name: ClassVar[str]

    @property
    def values(self) -> dict[str, Any]:
        """What the command carries, by name."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Stop(Command):
    """Save a checkpoint and end the training."""

    name: ClassVar[str] = "stop"


@dataclass(frozen=True)
class Pause(Command):
    """Take no further step until `Unpause`."""

    name: ClassVar[str] = "pause"


@dataclass(frozen=True)
class Unpause(Command):
    """Go on after a `Pause`."""

    name: ClassVar[str] = "unpause"


@dataclass(frozen=True)
class Save(Command):
    """Save a checkpoint now."""

    name: ClassVar[str] = "save"


@dataclass(frozen=True)
class Sample(Command):
    """Draw samples and reconstructions now."""

    name: ClassVar[str] = "sample"


@dataclass(frozen=True)
class Set(Command):
    """Train on as if the recipe's `key`, such as "objective.beta", had this `value`."""

    name: ClassVar[str] = "set"
    key: str
    value: Value


@dataclass(frozen=True)
class Unknown(Command):
    """A command of a version that knows more than this one; its trainer says so in its answer."""

    name: ClassVar[str] = "unknown"
    given: str


COMMANDS: dict[str, type[Command]] = {kind.name: kind for kind in (Stop, Pause, Unpause, Save, Sample, Set)}


class SentCommand(NamedTuple):
    """A command and the id its answer will have."""

    id: str
    command: Command


def send_command(run: Run, command: Command) -> SentCommand:
    """Drop a command for the trainer to claim; raises OSError where the folder cannot be written."""
    run.commands_path.mkdir(exist_ok=True)
    sent = SentCommand(f"{time.time_ns():020d}-{os.getpid()}", command)
    content = json.dumps({"command": command.name, **command.values}).encode()
    write_whole(run.commands_path / f"{sent.id}.json", content, durable=False)
    return sent


def claim_commands(run: Run) -> Iterator[SentCommand]:
    """Take the commands that were dropped, oldest first; each is gone from the folder when it is yielded.

    What is no command is `Unknown`, so that whoever sent it gets an answer too.
    """
    for name in _names(run):
        claimed = run.commands_path / f"{name}.claimed"
        try:
            os.rename(run.commands_path / name, claimed)
        except OSError:
            continue
        command = _read(claimed)
        with contextlib.suppress(OSError):
            if claimed.is_dir() and not claimed.is_symlink():
                shutil.rmtree(claimed, ignore_errors=True)
            else:
                os.unlink(claimed)
        yield SentCommand(name.removesuffix(".json"), command or Unknown("unreadable"))


def waiting_commands(run: Run) -> list[SentCommand]:
    """The commands that no trainer has claimed yet, oldest first."""
    found = []
    for name in _names(run):
        if (command := _read(run.commands_path / name)) is not None:
            found.append(SentCommand(name.removesuffix(".json"), command))
    return found


def discard_commands(run: Run) -> None:
    """Forget commands that no trainer lived to claim."""
    for _ in claim_commands(run):
        pass


def _names(run: Run) -> list[str]:
    try:
        return sorted(name for name in os.listdir(run.commands_path) if name.endswith(".json"))
    except OSError:
        return []


def _read(path: Path) -> Command | None:
    """The command in a file; None where there is none."""
    try:
        return _parse(read_small(path, _LONGEST))
    except OSError:
        return None


def _parse(content: bytes) -> Command | None:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or not isinstance(name := body.pop("command", None), str):
        return None
    if name == Set.name:
        key, value = body.get("key"), body.get("value")
        return Set(key, value) if isinstance(key, str) and isinstance(value, bool | int | float | str) else None
    return COMMANDS[name]() if name in COMMANDS else Unknown(name)
