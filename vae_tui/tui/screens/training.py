"""The training screen: reads a run's log five times a second, shows it, and drops commands into the run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import message, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import Screen

from vae_tui.errors import VaeTuiError
from vae_tui.events import Command, RunStarted, StepCompleted
from vae_tui.history import History, Stage
from vae_tui.run import EventReader, Run
from vae_tui.tui.curves import AXES, SMOOTHINGS, Look
from vae_tui.tui.keys import bindings, footer
from vae_tui.tui.outcome import Outcome
from vae_tui.tui.screens.help import HelpScreen
from vae_tui.tui.screens.leave import Choice, LeaveScreen
from vae_tui.tui.standing import Standing, judge
from vae_tui.tui.training_keys import TRAINING_KEYS
from vae_tui.tui.widgets.ending import Ending
from vae_tui.tui.widgets.figures import Figures
from vae_tui.tui.widgets.header import Header
from vae_tui.tui.widgets.keys import Keys
from vae_tui.tui.widgets.message import Message
from vae_tui.tui.widgets.preparation import Preparation
from vae_tui.tui.wording import shorten

if TYPE_CHECKING:
    from vae_tui.tui.widgets.dashboard import Dashboard

_T = TypeVar("_T")
_NOTE_SECONDS = 20
"""A note stays for so long, though checkpoints are saved meanwhile; the help keeps it."""
_DOING: dict[Command, str] = {
    "pause": "pausing",
    "resume": "resuming",
    "save": "saving",
    "sample": "sampling",
    "stop": "stopping",
}


class TrainingScreen(Screen[None]):
    """Watches and steers one run.

    It paints before it has read anything. The panes come when their libraries are imported and the log is read, both
    in a thread; from then on the log is read here, a few events at a time.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(TRAINING_KEYS)

    class LogRead(message.Message):
        """The log was read to its end for the first time."""

        def __init__(self, history: History, reader: EventReader) -> None:
            super().__init__()
            self.history, self.reader = history, reader

    def __init__(
        self,
        run: Run,
        process: subprocess.Popen[bytes] | None,
        clock: Callable[[], float],
        data_root: Path | None = None,
    ) -> None:
        super().__init__()
        self._data_root = data_root
        self._run, self._process, self._clock = run, process, clock
        self._began = clock()
        self._history = History()
        self._reader: EventReader | None = None
        self._dashboard: Dashboard | None = None
        self._look = Look()
        self._live = process is not None
        self._waiting: dict[Command, int] = {}
        """Commands not answered yet, with how many of their kind were answered before."""
        self._hint = ""
        self._training_when_stopped = False
        self._shown_at = 0.0

    def compose(self) -> ComposeResult:
        """What can be painted at once."""
        yield Header(self._run.name)
        yield Ending()
        with Container(id="body"):
            yield Preparation("starting the trainer" if self._process else "reading the run")
        yield Figures()
        yield Message()
        yield Keys()

    def on_mount(self) -> None:
        """Paint first, then fetch the rest."""
        self._show()
        self.set_interval(0.2, self._poll)
        self.call_after_refresh(self._read_log)

    @work(thread=True)
    def _read_log(self) -> None:
        # numpy, Pillow and plotext would hold up the first paint, and a long log would hold up the screen.
        import vae_tui.tui.widgets.dashboard  # noqa: F401, PLC0415

        history, reader = History(), EventReader(self._run.events_path)
        for _, event in reader.read():
            history.add(event)
        self.post_message(self.LogRead(history, reader))

    async def on_training_screen_log_read(self, event: LogRead) -> None:
        """Put up the panes and go on from where the log was read to."""
        from vae_tui.tui.widgets.dashboard import Dashboard  # noqa: PLC0415

        self._history, self._reader = event.history, event.reader
        self._live = self._find_trainer()
        self._dashboard = Dashboard(self._run)
        self._dashboard.display = False
        await self.query_one("#body").mount(self._dashboard)
        self._show()
        self._show_charts()
        self.set_interval(2.0, self._show_charts)
        self.set_interval(1.0, self._look_for_trainer)

    @property
    def standing(self) -> Standing:
        """How the run stands."""
        waiting_for = next((_DOING[command] for command in self._waiting), None)
        trainer = self._process.pid if self._process else None
        return judge(self._history, trainer=trainer, live=self._live, waiting_for=waiting_for)

    @property
    def _attempt_is_present(self) -> bool:
        """Whether the log speaks of the trainer just started, or of any where one only watches."""
        attempt = self._history.attempt
        return attempt is not None and (self._process is None or attempt.pid == self._process.pid)

    @property
    def _stages(self) -> tuple[Stage, ...]:
        return tuple(self._history.stages) if self._attempt_is_present else ()

    @property
    def _waiting_since(self) -> float:
        attempt = self._history.attempt
        return attempt.time if attempt is not None and self._attempt_is_present else self._began

    def _find_trainer(self) -> bool:
        ours = self._process is not None and self._process.poll() is None
        return ours or self._run.holder() is not None

    def _look_for_trainer(self) -> None:
        # Asked before the log is read, so that a trainer's last words are not missed.
        live = self._find_trainer()
        self._poll()
        if live != self._live:
            self._live = live
            self._show()

    def _poll(self) -> None:
        if self._reader is not None:
            arrived = self._reader.read()
            for _, event in arrived:
                self._history.add(event)
            if any(isinstance(event, RunStarted) for _, event in arrived):
                self._live = self._find_trainer()
            self._settle_commands()
            now = self._clock()
            if not arrived and int(now) == int(self._shown_at):
                return
            # What the eye cannot follow costs training, which wants every core.
            if all(isinstance(event, StepCompleted) for _, event in arrived) and 0 <= now - self._shown_at < 0.5:
                return
        self._show()

    def _settle_commands(self) -> None:
        answered = self._history.commands_done
        standing = self.standing
        if "stop" in self._waiting and standing.over:
            if standing.state in ("stopped", "completed"):
                self.app.exit("stopped" if standing.state == "stopped" else "finished")
            self._waiting.clear()
        elif "stop" in self._waiting and self._history.prepared and not self._training_when_stopped:
            # A trainer that was still starting may have missed it.
            self._send("stop")
        for command, before in list(self._waiting.items()):
            if standing.over or (command != "stop" and answered.get(command, 0) > before):
                del self._waiting[command]

    def _send(self, command: Command) -> None:
        try:
            self._run.send(command)
        except OSError as error:
            self._give_hint(f"{self._run.path} cannot be written: {error.strerror}")
            return
        self._waiting[command] = self._history.commands_done.get(command, 0)
        self._training_when_stopped = self._history.prepared
        self._hint = ""
        self._show()

    def _show(self) -> None:
        history, standing = self._history, self.standing
        self._shown_at = self._clock()
        self.query_one(Header).show(history, standing)
        self.query_one(Figures).show(history)
        self.query_one(Keys).show(_keys(standing))
        self.query_one(Ending).show(self._run, history, standing)
        charted = self._dashboard is not None and history.training is not None
        preparation = self.query_one(Preparation)
        preparation.display = not charted and not standing.over
        if preparation.display:
            nobody = "no trainer has this run yet" if self._reader is not None and not self._live else None
            preparation.show(self._stages, now=self._clock(), began=self._waiting_since, waiting_for=nobody)
        if self._dashboard is not None:
            appears = charted and not self._dashboard.display
            self._dashboard.display = charted
            if charted:
                self._dashboard.show(history, self._look)
            if appears:
                self._show_charts()
        self.query_one(Message).show(*self._say(standing))

    def _show_charts(self) -> None:
        if self._dashboard is not None and self._dashboard.display:
            self._dashboard.show_charts()

    def _say(self, standing: Standing) -> tuple[str, str]:
        history = self._history
        if standing.waiting_for and standing.live:
            after = ": a checkpoint is saved first" if "stop" in self._waiting else ""
            return f"{standing.waiting_for}…{after}", "$warning"
        if self._hint:
            return self._hint, "$warning"
        if standing.state == "starting" and history.training is not None:
            stage = self._stages[-1] if self._stages else None
            began, doing = (stage.began, stage.name) if stage else (self._waiting_since, "starting the trainer")
            return f"{doing}   {max(0, self._clock() - began):.0f} s", "$primary"
        if standing.over or not history.messages:
            return "", "$faint"
        if history.added_notes and self._clock() - history.added_notes[-1].time < _NOTE_SECONDS:
            return shorten(history.added_notes[-1].text, self.size.width - 2), "$warning"
        return history.messages[-1].text, "$faint"

    def _look_differently(self, look: Look) -> None:
        self._look = look
        self._show()
        self._show_charts()

    def action_toggle_pause(self) -> None:
        """Pause a run that trains, and the other way round."""
        self.action_command("resume" if self._history.paused else "pause")

    def action_command(self, command: Command) -> None:
        """Drop a command into the run, unless the last of its kind still waits."""
        standing = self.standing
        if not standing.live:
            self._give_hint("no trainer has this run: there is nothing to steer")
        elif standing.state == "starting":
            self._give_hint("the trainer is still starting")
        elif command not in self._waiting:
            self._send(command)

    def _give_hint(self, hint: str) -> None:
        self._hint = hint
        self._show()
        self.set_timer(4, self._forget_hint)

    def _forget_hint(self) -> None:
        self._hint = ""
        self._show()

    def action_walk(self) -> None:
        """Walk the latent space of the newest checkpoint, and of each that comes after it."""
        checkpoints = self._run.checkpoints()
        if not checkpoints:
            self._give_hint("there is no checkpoint to walk in yet: one is saved at the end of an epoch, or by s")
            return
        from vae_tui.tui.screens.walk import WalkScreen  # noqa: PLC0415 most sessions never walk

        try:
            self.app.push_screen(WalkScreen(checkpoints[-1].path, follow=self._run, data_root=self._data_root))
        except VaeTuiError as error:
            self._give_hint(str(error))

    def action_next_view(self) -> None:
        """Show the next pane."""
        if self._dashboard is not None:
            self._dashboard.next_view()

    def action_next_axis(self) -> None:
        """Draw charts against steps, epochs or time."""
        self._look_differently(replace(self._look, axis=_after(AXES, self._look.axis)))

    def action_toggle_log(self) -> None:
        """Draw the chart of -ELBO with a linear or a logarithmic axis."""
        self._look_differently(replace(self._look, log=not self._look.log))

    def action_next_smoothing(self) -> None:
        """Smooth the curves of training more, or not at all."""
        self._look_differently(replace(self._look, smoothing=_after(SMOOTHINGS, self._look.smoothing)))

    def action_help(self) -> None:
        """Show the help."""
        added = (note.text for note in self._history.added_notes)
        self.app.push_screen(HelpScreen((*self._history.notes, *added)))

    def action_detach(self) -> None:
        """Leave, and leave the trainer running."""
        outcome: Outcome = "detached" if self.standing.live else "finished"
        self.app.exit(outcome)

    def action_leave(self) -> None:
        """Leave; where a trainer runs, ask what becomes of it."""
        if self.standing.live:
            self.app.push_screen(LeaveScreen(self._run), self._left)
        else:
            self.action_detach()

    def _left(self, choice: Choice | None) -> None:
        if choice == "leave":
            self.action_detach()
        elif choice == "stop" and self.standing.live:
            self._send("stop")
        elif choice == "stop":
            self.action_detach()


def _keys(standing: Standing) -> tuple[tuple[str, str], ...]:
    state = "over" if not standing.live else standing.state if standing.state in ("starting", "paused") else "training"
    return footer(TRAINING_KEYS, [state])


def _after(values: tuple[_T, ...], value: _T) -> _T:
    return values[(values.index(value) + 1) % len(values)]
