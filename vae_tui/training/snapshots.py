"""Weights kept evenly over a whole run, however long it becomes, to look back at; nothing goes on from them.

Time is counted in sixteenths of an epoch, those of short epochs only in whole ones. Kept is what is a multiple of a
spacing, which doubles whenever there would be more than are wanted: so which are kept follows from how far the run is
alone, and a run that was killed and goes on has the same as one that never was.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from vae_tui.errors import CheckpointError
from vae_tui.runs.files import write_whole
from vae_tui.runs.layout import Run, find_weights, weights_name
from vae_tui.runs.metadata import TornFile, read_metadata

_PARTS = 16
"""Of an epoch."""
_SECONDS_BETWEEN = 1.0
_MOST_WAITING_BYTES = 64 << 20


def part_reached(epoch: int, position: int, images: int, batch_size: int) -> int | None:
    """How many sixteenths of an epoch a run has trained, where its last step completed one of them; else None.

    It has trained on `position` of the `images` of this epoch. Epochs of fewer than 16 batches are not divided.
    """
    if position >= images:
        return epoch * _PARTS
    part, before = position * _PARTS // images, max(0, position - batch_size) * _PARTS // images
    return (epoch - 1) * _PARTS + part if batch_size * _PARTS <= images and part > before else None


def find_spacing(part: int, count: int) -> int:
    """The power of two whose multiples from 0 to `part` are at most `count`, and half as many at least."""
    spacing = 1
    while part // spacing >= count:
        spacing *= 2
    return spacing


class Snapshots:
    """The weights that a run keeps in one of its folders, at most `count`; 0: none.

    They are written at most once a second, and whatever is kept up to a checkpoint before that is saved. So in quick
    runs most are never written at all.
    """

    def __init__(self, run: Run, folder: str, count: int, *, durable: bool) -> None:
        """`durable` files are fsynced, which would cost a quick run some percent: of others a power cut takes the newest at worst."""
        self._run, self._name, self._count, self._durable = run, folder, count, durable
        self._waiting: dict[int, tuple[int, bytes]] = {}
        """By part, the step and the file of each that is not written yet."""
        self._written: dict[int, Path] | None = None
        """By part, the files there are, once they were looked at."""
        self._waiting_last: tuple[int, bytes] | None = None
        """The step and the file of what is kept for being the last, and is not written yet."""
        self._written_last: Path | None = None
        self._written_at = time.monotonic()
        self._problem = ""
        """Why they could not be written the last time; empty where they were."""
        self._notes: list[str] = []

    def take_notes(self) -> list[str]:
        """What the user should know of files that could not be written, a sentence each."""
        notes, self._notes = self._notes, []
        return notes

    def forget_after(self, step: int) -> None:
        """Remove what is of later steps: the run comes by there again, or goes another way."""
        self._waiting.clear()
        for snapshot in find_weights(self._folder):
            if snapshot.step > step:
                with contextlib.suppress(OSError):
                    snapshot.path.unlink()
        self._written = self._written_last = self._waiting_last = None

    def wants(self, part: int) -> bool:
        """Whether the weights as of a part are kept."""
        return bool(self._count) and part % find_spacing(part, self._count) == 0

    def add(self, part: int, step: int, content: bytes) -> None:
        """Keep the weights as of a part, a file's `content`."""
        self._waiting[part] = step, content
        spacing = find_spacing(part, self._count)
        self._waiting = {other: waiting for other, waiting in self._waiting.items() if other % spacing == 0}
        large = sum(len(content) for _, content in self._waiting.values()) > _MOST_WAITING_BYTES
        if large or time.monotonic() - self._written_at >= _SECONDS_BETWEEN:
            self.write()

    def add_last(self, step: int, content: bytes) -> None:
        """Keep the weights as of the last step so far, wherever that is, until others are written."""
        if self._count:
            self._waiting_last = step, content

    def write(self) -> None:
        """Write what waits, and remove what is no longer kept; where that cannot be, which ends no run, note it once."""
        if not self._waiting and self._waiting_last is None:
            return
        waiting, self._waiting = self._waiting, {}
        last, self._waiting_last = self._waiting_last, None
        self._written_at = time.monotonic()
        try:
            self._write(waiting, last)
            self._problem = ""
        except OSError as error:
            folder = self._run.shown / self._name
            problem = f"{self._name} cannot be written to {folder}: {error.strerror or error}"
            if problem != self._problem:
                self._notes.append(f"{problem}; training goes on without them, and the next are tried again")
            self._problem = problem

    @property
    def _folder(self) -> Path:
        return self._run.path / self._name

    def _write(self, waiting: dict[int, tuple[int, bytes]], last: tuple[int, bytes] | None) -> None:
        self._folder.mkdir(exist_ok=True)
        if self._written is None:
            self._written = self._look()
        if self._written_last is not None:
            self._written_last.unlink(missing_ok=True)
            self._written_last = None
        spacing = find_spacing(max(waiting, default=0), self._count)
        for part in [part for part in self._written if part % spacing]:
            self._written.pop(part).unlink(missing_ok=True)
        for part, (step, content) in waiting.items():
            path = self._folder / weights_name(step)
            write_whole(path, content, durable=self._durable)
            self._written[part] = path
        if last is not None:
            path = self._folder / weights_name(last[0])
            if path not in self._written.values():
                write_whole(path, last[1], durable=self._durable)
                self._written_last = path

    def _look(self) -> dict[int, Path]:
        """The files there are, by part; those that a power cut tore go, and what is none of them stays as it is."""
        found = {}
        for snapshot in find_weights(self._folder):
            try:
                metadata = read_metadata(snapshot.path)
            except TornFile:
                snapshot.path.unlink()
            except CheckpointError:
                pass
            else:
                if metadata.get("is_last"):
                    self._written_last = snapshot.path
                elif (epochs := metadata.get("epochs_done")) is not None:
                    found[int(epochs * _PARTS)] = snapshot.path
        return found
