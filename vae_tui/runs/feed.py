"""A run as it goes on: all that a front end holds of one.

A screen, plain progress, JSON and a notebook are readers of the same feed, so what one shows the others can show::

    feed = RunFeed(run)
    for logged in feed.follow():
        if logged is not None:
            print(logged.event, feed.status.phase, feed.history.now.train)
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator

from vae_tui.errors import RunError
from vae_tui.events import CommandDone, NoteAdded, RunStarted
from vae_tui.runs.commands import Command, SentCommand, Stop, send_command, waiting_commands
from vae_tui.runs.history import History, Moment, Stage
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.log import EventReader, LoggedEvent, follow
from vae_tui.runs.status import RunStatus, find_status

_THIN_FROM = 1 << 23


class RunFeed:
    """A run's log folded into a `history` and followed, who trains it, and which commands wait for an answer.

    It knows nothing until `poll`, `follow` or `catch_up` reads. With `trainer`, the process just started for the run,
    what the log says of earlier ones does not count as its status; `log_bytes` is how long the log was when it began.
    """

    def __init__(
        self,
        run: Run,
        *,
        trainer: subprocess.Popen[bytes] | None = None,
        log_bytes: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.run, self.history = run, History()
        self._trainer, self._log_bytes = trainer, log_bytes
        self.clock = clock
        """Unix seconds, now."""
        self._reader = EventReader(run.events_path)
        self._skipped = ""
        """What was noted of lines that were left out."""
        self.began = clock()
        """When this feed was made, in Unix seconds."""
        self._live = trainer is not None
        self._sent: dict[str, Command] = {}
        """Commands sent from here and not answered yet, by id."""
        self._sent_before_training: set[str] = set()
        self._others: tuple[SentCommand, ...] = ()
        """Commands sent from elsewhere that no trainer has claimed yet."""

    @property
    def status(self) -> RunStatus:
        """How the run stands."""
        trainer = self._trainer.pid if self._trainer else None
        return find_status(self.history, live=self._live, trainer=trainer, pending=self.pending)

    @property
    def has_trainer(self) -> bool:
        """Whether a trainer was started for this feed, and is not only watched."""
        return self._trainer is not None

    @property
    def own_pending(self) -> tuple[Command, ...]:
        """The commands sent from here that were not answered yet."""
        return tuple(self._sent.values())

    @property
    def pending(self) -> tuple[Command, ...]:
        """The commands that were not answered yet: those sent from here, then those of others that wait to be claimed."""
        return (*self.own_pending, *(other.command for other in self._others if other.id not in self._sent))

    @property
    def died(self) -> bool:
        """Whether the trainer ended without its last event: killed, or out of memory."""
        return not self._live and (not self._trainer_reported or self.history.finished is None)

    @property
    def skipped_lines(self) -> str:
        """A sentence about lines of the log that were left out; empty where there are none."""
        return self._reader.skipped

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The preparation of the present trainer."""
        return tuple(self.history.stages) if self._trainer_reported else ()

    @property
    def waiting_since(self) -> float:
        """When the present trainer began, or, before it reports, this feed; Unix seconds."""
        started = self.history.started
        return started.time if started is not None and self._trainer_reported else self.began

    @property
    def _trainer_reported(self) -> bool:
        """Whether the log has come to the trainer just started, or to any where one only watches."""
        started = self.history.started
        return started is not None and (self._trainer is None or started.pid == self._trainer.pid)

    def at(self, step: int) -> Moment:
        """The run as it was after `step` steps."""
        return self.history.at(step)

    def catch_up(self, *, thinned: bool = False, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Fold in what the log holds already, up to where the trainer just started begins to write.

        A long log takes a while: `thinned`, of more than some 20,000 reports of steps one in every few is folded in, which
        is more than a chart can show. `cancelled` is asked at every event, and leaves the rest unread.
        """
        for logged in self._reader.read(until=self._log_bytes, thin_from=_THIN_FROM if thinned else None):
            self.history.add(logged.event)
            if cancelled():
                return
        self._live = self._find_trainer()
        self._note_skipped_lines()

    def poll(self) -> list[LoggedEvent]:
        """Look for the trainer, fold in what came since the last look, and return it."""
        # Looked for before the log is read, so that a trainer's last events are not missed.
        live = self._find_trainer()
        arrived = list(self._reader.read())
        for logged in arrived:
            self._fold(logged)
        self._note_skipped_lines()
        if not live and any(isinstance(logged.event, RunStarted) for logged in arrived):
            live = self._find_trainer()
        self._live = live
        self._settle_commands()
        return arrived

    def follow(self, *, interval_seconds: float = 0.1) -> Iterator[LoggedEvent | None]:
        """Yield events as they come, each folded in already, and None between looks, until nobody trains the run."""
        live = self._live

        def alive() -> bool:
            nonlocal live
            live = self._find_trainer()
            return live

        for logged in follow(self._reader, alive=alive, interval_seconds=interval_seconds):
            if logged is None:
                self._live = live
                self._settle_commands()
                self._note_skipped_lines()
            else:
                self._fold(logged)
            yield logged
        # Only now: the last events came from a trainer that lived.
        self._live = live
        self._note_skipped_lines()
        self._settle_commands()

    def send(self, command: Command) -> None:
        """Ask the trainer for something; raises RunError where no trainer has the run or it cannot be written."""
        if not self.status.live:
            raise RunError("no trainer has this run: there is nothing to steer")
        try:
            sent = send_command(self.run, command)
        except OSError as error:
            raise RunError(f"{self.run.path} cannot be written: {error.strerror}") from error
        self._sent[sent.id] = command
        if not self.history.prepared:
            self._sent_before_training.add(sent.id)

    def _note_skipped_lines(self) -> None:
        if (skipped := self.skipped_lines) != self._skipped:
            self._skipped = skipped
            self.history.add(NoteAdded(time=self.clock(), step=self.history.step, note=skipped))

    def _fold(self, logged: LoggedEvent) -> None:
        self.history.add(logged.event)
        if isinstance(logged.event, CommandDone) and logged.event.id is not None:
            self._take_answer(logged.event.id)

    def _take_answer(self, id: str) -> None:
        if isinstance(self._sent.get(id), Stop):
            # Stopping takes time: it is done with the trainer's last event.
            self._sent_before_training.discard(id)
        else:
            self._forget(id)

    def _settle_commands(self) -> None:
        if self.status.over:
            self._sent.clear()
            self._others = ()
            return
        self._others = tuple(waiting_commands(self.run)) if self._live else ()
        for id, command in list(self._sent.items()):
            if isinstance(command, Stop) and id in self._sent_before_training and self.history.prepared:
                # A trainer that was still starting may have missed it; on a disk that is full it is tried again.
                with contextlib.suppress(RunError):
                    self.send(command)
                    self._forget(id)

    def _forget(self, id: str) -> None:
        self._sent.pop(id, None)
        self._sent_before_training.discard(id)

    def _find_trainer(self) -> bool:
        if not self.run.path.is_dir():
            self._follow_renamed()
        started_here = self._trainer is not None and self._trainer.poll() is None
        return started_here or lock_holder(self.run.path) is not None

    def _follow_renamed(self) -> None:
        started, before = self.history.started, self.run.name
        trainer = self._trainer.pid if self._trainer else started.pid if started else None
        if self.run.follow_renamed(self._reader, trainer):
            self._reader.move_to(self.run.events_path)
            note = f"the run {before} was renamed: it is {self.run.path} now"
            self.history.add(NoteAdded(time=self.clock(), step=self.history.step, note=note))
