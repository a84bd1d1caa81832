"""A run directory: the one interface between the trainer and every front end.

The trainer writes it, front ends read it, and commands are files dropped into it. Nothing here imports torch.
"""

from __future__ import annotations

import difflib
import fcntl
import json
import os
import re
import shutil
import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from vae_tui import events as ev
from vae_tui.errors import CheckpointError, RunError, VaeTuiError

PRETRAINED = Path(__file__).parent / "pretrained" / "digits.safetensors"
"""The small model that ships with the package, for those who have not trained one yet."""

State = Literal["starting", "running", "completed", "stopped", "failed", "interrupted"]
"""`starting`: no trainer yet; `interrupted`: its trainer died without a word, by kill -9 or a power cut, say."""

_WEIGHTS = re.compile(r"step-(\d{9,})\.safetensors")
_held: dict[Path, int] = {}
"""Locks this process holds. POSIX drops a lock when its owner closes any descriptor of the file, so an owner that
wants to know whether it holds one looks here and leaves the file alone."""


@dataclass(frozen=True)
class Checkpoint:
    """A weights file of a run, at `step`."""

    step: int
    path: Path

    @property
    def state_path(self) -> Path:
        """The file beside it that exact resume needs; it may have been pruned."""
        return self.path.with_name(f"state-{self.step:09d}.safetensors")


class Run:
    """The run in the folder `path`; holds no state but that path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, runs_dir: Path, name: str, recipe_toml: str, *, exact: bool = False) -> Run:
        """Make a new run called `name` and the time (or, `exact`, just `name`), holding its resolved recipe.

        Raises RunError where the name is taken or the folder cannot be written.
        """
        stamped = name if exact else f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        if not re.fullmatch(r"[^/\0]+", stamped) or stamped in (".", "..") or stamped.startswith("-"):
            raise RunError(f"{name!r} cannot name a run: expected a plain folder name")
        for attempt in range(1, 1000):
            candidate = stamped if attempt == 1 else f"{stamped}-{attempt}"
            path = runs_dir / candidate
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                if path.is_dir() and exact:
                    raise RunError(
                        f"{path} exists already: go on with it by --resume {name}, or choose another --run name"
                    ) from None
                if not path.is_dir():
                    raise RunError(f"{path} is in the way: a run is a folder") from None
                continue
            except OSError as error:
                raise RunError(f"{path} cannot be made: {error.strerror}; choose another --runs-dir") from error
            break
        else:
            raise RunError(f"{runs_dir} holds a thousand runs called {stamped}; choose another --run name")
        run = cls(path)
        try:
            run.commands_path.mkdir()
            run.images_path.mkdir()
            run.write_recipe(recipe_toml)
        except OSError as error:
            shutil.rmtree(path, ignore_errors=True)
            raise RunError(f"{path} cannot be written: {error.strerror}; choose another --runs-dir") from error
        return run

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def recipe_path(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.toml"

    @property
    def events_path(self) -> Path:
        """The event log."""
        return self.path / "events.jsonl"

    @property
    def commands_path(self) -> Path:
        """The folder commands are dropped into."""
        return self.path / "commands"

    @property
    def images_path(self) -> Path:
        """The folder of drawn grids."""
        return self.path / "images"

    @property
    def worker_log_path(self) -> Path:
        """Everything the trainer process printed."""
        return self.path / "worker.log"

    @property
    def lock_path(self) -> Path:
        """The file the trainer holds locked while it lives."""
        return self.path / "lock"

    def write_recipe(self, recipe_toml: str) -> None:
        """Replace the resolved recipe, whole."""
        text = f"# vae-tui train {self.path.as_posix()}/recipe.toml\n{recipe_toml}"
        write_whole(self.recipe_path, text.encode())

    def checkpoints(self) -> list[Checkpoint]:
        """The weights files there are, oldest first."""
        found = []
        for path in self.path.glob("step-*.safetensors"):
            if match := _WEIGHTS.fullmatch(path.name):
                found.append(Checkpoint(int(match[1]), path))
        return sorted(found, key=lambda checkpoint: checkpoint.step)

    def latest(self) -> Checkpoint:
        """The newest checkpoint; raises CheckpointError where there is none."""
        found = self.checkpoints()
        if not found:
            raise CheckpointError(f"{self.path} holds no checkpoint yet")
        return found[-1]

    def best(self) -> Checkpoint:
        """The checkpoint with the lowest validation loss, or the newest where none was validated.

        Raises CheckpointError where there is none.
        """
        best, lowest = self.latest(), None
        for checkpoint in self.checkpoints():
            loss = read_metadata(checkpoint.path).get("validation", {}).get("loss")
            if loss is not None and (lowest is None or loss < lowest):
                best, lowest = checkpoint, loss
        return best

    def resumable(self) -> Checkpoint | None:
        """The newest checkpoint with its state beside it, to go on from; None: nothing is saved, the run begins again.

        Raises CheckpointError where there are weights, but nothing that exact resume needs.
        """
        found = self.checkpoints()
        with_state = [checkpoint for checkpoint in found if checkpoint.state_path.exists()]
        if found and not with_state:
            raise CheckpointError(
                f"{self.path} has weights but no state-*.safetensors beside them, so it cannot go on exactly; "
                f"start a new run from its weights with: vae-tui train {self.recipe_path} --set train.start_from={self.path}"
            )
        return with_state[-1] if with_state else None

    def acquire_lock(self) -> None:
        """Take the run for this process, until it ends or `release_lock`; raises RunError where another has it."""
        try:
            descriptor = os.open(self.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RunError(f"{self.lock_path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise RunError(self.busy_message()) from None
        _held[self.path.resolve()] = descriptor

    def release_lock(self) -> None:
        """Give the run back."""
        os.close(_held.pop(self.path.resolve()))

    def holder(self) -> int | None:
        """The process id of the trainer that has the run (0 where the system does not tell), or None."""
        if self.path.resolve() in _held:
            return os.getpid()
        try:
            descriptor = os.open(self.lock_path, os.O_RDWR | os.O_CLOEXEC)
        except (FileNotFoundError, IsADirectoryError):
            return None
        except PermissionError:
            descriptor = os.open(self.lock_path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _query_lock(descriptor)
        finally:
            os.close(descriptor)

    def busy_message(self) -> str:
        """What to say to whoever wants a run that is being trained."""
        return f"{self.name} is being trained by process {self.holder() or '?'}; see it with: vae-tui watch {self.path}"

    def state(self) -> State:
        """How the run stands, from its log and its lock."""
        try:
            with self.events_path.open("rb") as log:
                log.seek(max(0, self.events_path.stat().st_size - 65536))
                lines = log.read().decode("utf-8", "replace").splitlines()
        except FileNotFoundError:
            lines = []
        last = ev.from_json(lines[-1]) if lines else None
        if isinstance(last, ev.RunFinished):
            return last.status  # its trainer may still be closing down
        if self.holder() is not None:
            return "running"
        return "interrupted" if lines else "starting"

    def send(self, command: ev.Command) -> None:
        """Drop a command for the trainer to claim."""
        self.commands_path.mkdir(exist_ok=True)
        name = f"{time.time_ns():020d}-{os.getpid()}.json"
        write_whole(self.commands_path / name, json.dumps({"command": command}).encode(), durable=False)

    def claim_commands(self) -> Iterator[str]:
        """Take the commands that were dropped, oldest first; each is gone from the folder when it is yielded."""
        try:
            names = sorted(name for name in os.listdir(self.commands_path) if name.endswith(".json"))
        except FileNotFoundError:
            return
        for name in names:
            claimed = self.commands_path / f"{name}.claimed"
            try:
                os.rename(self.commands_path / name, claimed)
                body = json.loads(claimed.read_bytes()[:4096]) if claimed.is_file() else None
                os.unlink(claimed)
            except (OSError, ValueError, RecursionError):
                continue
            if isinstance(body, dict) and isinstance(body.get("command"), str):
                yield body["command"]

    def discard_commands(self) -> None:
        """Forget commands that no trainer lived to claim."""
        for _ in self.claim_commands():
            pass


class EventWriter:
    """Appends events to a run's log; a torn last line, left by an attempt that was killed, is cut off first."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        size = os.fstat(self._descriptor).st_size
        position, end = size, 0
        while position > 0:
            start = max(0, position - 65536)
            newline = os.pread(self._descriptor, position - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            position = start
        if end != size:
            os.ftruncate(self._descriptor, end)

    def write(self, event: ev.Event) -> None:
        """Append one event as one line, in one write."""
        line = (ev.to_json(event) + "\n").encode()
        while line:
            line = line[os.write(self._descriptor, line) :]

    def close(self) -> None:
        """Close the log."""
        os.close(self._descriptor)


class EventReader:
    """Reads a log from where it last stopped; a line without its newline is not an event yet."""

    def __init__(self, path: Path, *, position: int = 0) -> None:
        self._path = path
        self.position = position
        """Where the next line begins, in bytes."""

    def read(self) -> list[tuple[str, ev.Event]]:
        """The lines that came since the last call, as written and as events; lines unknown here are left out."""
        try:
            with self._path.open("rb") as log:
                log.seek(self.position)
                block = log.read()
        except FileNotFoundError:
            return []
        block = block[: block.rfind(b"\n") + 1]
        self.position += len(block)
        found = []
        for line in block.decode("utf-8", "replace").splitlines():
            event = ev.from_json(line)
            if event is not None:
                found.append((line, event))
        return found


def read_events(path: Path) -> list[ev.Event]:
    """Every event in a log."""
    return [event for _, event in EventReader(path).read()]


def follow(
    reader: EventReader, *, alive: Callable[[], bool], interval_seconds: float = 0.1
) -> Iterator[tuple[str, ev.Event] | None]:
    """Yield lines and events as they come, and None between looks, until their writer is no more.

    `alive` says whether the writer may still write; once it does not, what it left is yielded and the end comes.
    """
    while True:
        living = alive()
        yield from reader.read()
        if not living:
            return
        yield None
        time.sleep(interval_seconds)


def find_run(name_or_path: str | None, runs_dir: Path) -> Run:
    """The run given by path, name or unique prefix of its name; the newest one for None.

    Raises RunError with the nearest names where there is none.
    """
    runs = list_runs(runs_dir)
    if name_or_path is None:
        if not runs:
            raise RunError(f"no run under {runs_dir} yet; start one with: vae-tui train")
        return runs[0]
    path = user_path(name_or_path)
    if path.is_dir() and (path / "recipe.toml").is_file():
        return Run(path)
    exact = [run for run in runs if run.name == name_or_path]
    by_prefix = exact or [run for run in runs if run.name.startswith(name_or_path)]
    if len(by_prefix) == 1:
        return by_prefix[0]
    if by_prefix:
        names = ", ".join(run.name for run in by_prefix[:8])
        raise RunError(f"{name_or_path!r} fits {len(by_prefix)} runs under {runs_dir}: {names}; give more of the name")
    if path.is_dir():
        raise RunError(f"{path} is no run: it holds no recipe.toml")
    close = difflib.get_close_matches(name_or_path, [run.name for run in runs], n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    raise RunError(f"no run called {name_or_path!r} under {runs_dir}{hint}")


def find_checkpoint(name_or_path: str | None, runs_dir: Path) -> Path:
    """The weights file at a path, or the best of the run given as for `find_run`.

    For None, that of the newest run that has one, and where no run has, PRETRAINED.

    Raises RunError where there is no such run, CheckpointError where it has no checkpoint.
    """
    if name_or_path is not None:
        path = user_path(name_or_path)
        if path.is_file():
            return path
        if path.suffix == ".safetensors":
            raise CheckpointError(f"{path}: no such file")
    if name_or_path is None:
        for run in list_runs(runs_dir):
            if run.checkpoints():
                return run.best().path
        if PRETRAINED.is_file():
            return PRETRAINED
    return find_run(name_or_path, runs_dir).best().path


def user_path(text: str) -> Path:
    """A path as a user writes it, with ~ for a home; raises VaeTuiError where no file can be called so."""
    try:
        path = Path(text).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        shown = text if len(text) < 80 else f"{text[:77]}..."
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise VaeTuiError(f"{shown!r} cannot be looked for: {reason}") from error
    return path


def list_runs(runs_dir: Path) -> list[Run]:
    """The runs in a folder, newest first by their logs' last lines."""
    if not runs_dir.is_dir():
        return []
    runs = [Run(path) for path in runs_dir.iterdir() if (path / "recipe.toml").is_file()]
    return sorted(runs, key=_touched, reverse=True)


def _touched(run: Run) -> tuple[float, str]:
    try:
        return run.events_path.stat().st_mtime, run.name
    except FileNotFoundError:
        return run.recipe_path.stat().st_mtime, run.name


def read_metadata(path: Path) -> dict[str, Any]:
    """The JSON under `vae_tui` in a safetensors file's header; raises CheckpointError where there is none."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > 100_000_000:
                raise ValueError("no header")
            header = json.loads(file.read(length))
        metadata = json.loads(header["__metadata__"]["vae_tui"])
        return cast(dict[str, Any], metadata)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except (struct.error, ValueError, UnicodeDecodeError):
        raise CheckpointError(f"{path} is no whole safetensors file: it is damaged or was cut short") from None
    except (KeyError, TypeError):
        raise CheckpointError(
            f"{path} is a safetensors file, but vae-tui did not write it: it carries no recipe"
        ) from None


def write_whole(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file so that it appears whole or not at all: written aside, fsynced, renamed."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    if durable:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _query_lock(descriptor: int) -> int | None:
    """Who would refuse us the lock on a file, by F_GETLK, which takes nothing and disturbs nobody."""
    # struct flock, in the order each system has its fields; a write lock is refused by any other lock.
    if sys.platform == "darwin":
        layout, question, kind_at, pid_at = "qqihh", (0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET), 3, 2
    else:
        layout, question, kind_at, pid_at = "hhqqi", (fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0), 0, 4
    answer = struct.unpack(layout, fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack(layout, *question)))
    if answer[kind_at] == fcntl.F_UNLCK:
        return None
    return max(0, int(answer[pid_at]))
