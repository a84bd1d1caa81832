"""One `vae-tui train` as users run it, headless or on a screen in a pty, and what the log of its run says."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pexpect
from turns import Unavailable

Event = dict[str, Any]

_NAME = "turn"
_SECONDS_OF_SILENCE = 300.0


class Training:
    """A run in a folder of its own, from the start of the command to its last event."""

    def __init__(
        self,
        recipe: str,
        overrides: Sequence[str],
        folder: Path,
        *,
        data_root: Path | None,
        device: str = "auto",
        screen: bool = False,
    ) -> None:
        command = ["-m", "vae_tui", "train", recipe, "--run", _NAME, "--runs-dir", str(folder), "--device", device]
        command += ["--ui", "tui" if screen else "none"]
        command += [] if data_root is None else ["--data-root", str(data_root.absolute())]
        command += [f"--set={override}" for override in overrides]
        self.path = folder / _NAME
        self._log = self.path / "events.jsonl"
        self._words = folder / "words.log"
        self._position = 0
        self.events: list[Event] = []
        self._screen: pexpect.spawn | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.began = time.time()
        """When the command was started; events carry times of the same clock."""
        if screen:
            environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            self._screen = pexpect.spawn(sys.executable, command, env=environment, dimensions=(40, 120), timeout=None)
            threading.Thread(target=self._look, daemon=True).start()
        else:
            with self._words.open("wb") as words:
                self._process = subprocess.Popen([sys.executable, *command], stdout=words, stderr=words)

    @property
    def pid(self) -> int:
        """The front end's process."""
        return self._process.pid if self._process else self._screen.pid  # type: ignore[union-attr]

    @property
    def trainer_pid(self) -> int | None:
        return self.events[0]["pid"] if self.events else None

    def wait_for(self, reached: Callable[[Event], bool], *, poll_seconds: float = 0.1) -> Event:
        """Follow the log to an event; raises Unavailable where the run ends or falls silent before it."""
        heard = time.monotonic()
        while True:
            for event in self._read():
                heard = time.monotonic()
                if reached(event):
                    return event
                if event["event"] == "run_finished":
                    raise Unavailable(f"the run {event['status']}: {event['reason']}")
            if (self._process and self._process.poll() is not None) or time.monotonic() > heard + _SECONDS_OF_SILENCE:
                words = self._words.read_text().strip() if self._words.exists() else ""
                raise Unavailable(words.splitlines()[-1] if words else "vae-tui ended or fell silent")
            time.sleep(poll_seconds)

    def end(self) -> None:
        """Stop what still runs; the log is read to its end."""
        trainer = self.trainer_pid
        if trainer is not None and not any(event["event"] == "run_finished" for event in self.events):
            with contextlib.suppress(ProcessLookupError):
                os.kill(trainer, signal.SIGTERM)
            with contextlib.suppress(Unavailable):
                self.wait_for(lambda event: event["event"] == "run_finished")
        if self._screen is not None:
            self._screen.kill(signal.SIGTERM)
            self._screen.close(force=True)
        if self._process is not None:
            if trainer is None:
                self._process.terminate()
            self._process.wait()

    def _read(self) -> Iterator[Event]:
        if not self._log.exists():
            return
        with self._log.open("rb") as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._position += len(line)
                self.events.append(json.loads(line))
                yield self.events[-1]

    def _look(self) -> None:
        """Take what the screen writes, as a terminal would."""
        assert self._screen is not None
        with contextlib.suppress(OSError, ValueError, pexpect.EOF):
            while True:
                os.read(self._screen.child_fd, 1 << 16)


@contextlib.contextmanager
def training(recipe: str, overrides: Sequence[str], **options: Any) -> Iterator[Training]:
    """A run that is ended and forgotten afterwards."""
    with tempfile.TemporaryDirectory(prefix="vae-tui-bench-") as folder:
        run = Training(recipe, overrides, Path(folder), **options)
        try:
            yield run
        finally:
            run.end()


def images_until(events: Sequence[Event], step: int) -> int:
    """How many images a run was trained on up to a step, an image counted in each epoch."""
    started = next(event for event in events if event["event"] == "training_started")
    size, batch = started["data_sizes"]["train"], events[0]["recipe"]["train"]["batch_size"]
    epochs, into = divmod(step, started["steps_per_epoch"])
    return epochs * size + min(into * batch, size)


def throughput(events: Sequence[Event], warmup: float) -> dict[str, Any]:
    """Images a second of wall clock from `warmup` seconds after training began to its last step.

    Validation, checkpoints and pictures that fall into that time are in it.
    """
    started = next(event for event in events if event["event"] == "training_started")
    steps = [event for event in events if event["event"] == "step_completed"]
    warm = [event for event in steps if event["time"] >= started["time"] + warmup]
    if len(warm) < 2:
        raise Unavailable("too few steps were reported: give it more --seconds")

    first, last = (images_until(events, event["step"]) for event in (warm[0], warm[-1]))
    seconds = warm[-1]["time"] - warm[0]["time"]
    return {
        "images_per_second": (last - first) / seconds,
        "seconds": seconds,
        "threads": started["threads"],
        "parameters": started["parameter_count"],
    }
