"""The training screen: reads a run's feed five times a second, shows it, and sends commands to its trainer."""

from __future__ import annotations

import gc
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import message, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.worker import get_current_worker

from vae_tui.errors import VaeTuiError
from vae_tui.events import CheckpointSaved, EpochCompleted, EpochStarted, ImagesDrawn, StepCompleted
from vae_tui.runs.commands import COMMANDS, Command, Stop
from vae_tui.runs.facts import other_program
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.find import name_to_type
from vae_tui.runs.history import History, Moment
from vae_tui.runs.log import LoggedEvent
from vae_tui.runs.notify import WatcherNotices, read_problems
from vae_tui.runs.status import RunStatus
from vae_tui.runs.weights import list_weights, weights_at
from vae_tui.tui.keys import Table, bindings
from vae_tui.tui.look import Look, place_of_step, showing, step_at
from vae_tui.tui.outcome import Outcome
from vae_tui.tui.run_words import describe_run
from vae_tui.tui.screens.charted import ChartedScreen
from vae_tui.tui.screens.choice import Choice, ChoiceScreen
from vae_tui.tui.screens.help import HelpScreen
from vae_tui.tui.status import pending_word
from vae_tui.tui.training_keys import TRAINING_KEYS
from vae_tui.tui.widgets.data_notes import DataNotes
from vae_tui.tui.widgets.ending import Ending
from vae_tui.tui.widgets.figures import FigureTable
from vae_tui.tui.widgets.header import Header
from vae_tui.tui.widgets.keys import Keys
from vae_tui.tui.widgets.preparation import Preparation
from vae_tui.tui.widgets.status_line import StatusLine
from vae_tui.wording import format_clock, format_count, shorten

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp
    from vae_tui.tui.widgets.chart import Chart
    from vae_tui.tui.widgets.dashboard import Dashboard
    from vae_tui.tui.widgets.pictures import GridKind

_NOTE_SECONDS = 20
"""A note stays for so long, though checkpoints are saved meanwhile; the help keeps it."""
_HINT_SECONDS, _LETTERS_A_SECOND = 3, 20
"""A hint stays for some seconds, and the longer the more there is to read."""
_SECONDS_TO_SETTLE = 5
_PACE = 0.9
"""Seconds between two looks at a training that goes on; a frame takes some 50 ms of a core."""
_PACE_OF_CHARTS = 2.7
_SECONDS_OF_HASTE = 60.0
"""So long after the last key it is looked that often; later half as often, for whoever is there looks at other things too."""
_AS_EVER = (StepCompleted, EpochStarted, EpochCompleted, ImagesDrawn, CheckpointSaved)


class TrainingScreen(ChartedScreen):
    """Watches and steers one run, of which it holds the feed and nothing else.

    It paints before it has read anything. The panes come when their libraries are imported and the log is read, both
    in a thread; from then on the feed is read here, a few events at a time.
    """

    KEYS: ClassVar[Table] = TRAINING_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    class Left(message.Message):
        """The user left, or the run was stopped from here and has ended."""

        def __init__(self, outcome: Outcome) -> None:
            super().__init__()
            self.outcome = outcome

    class LogRead(message.Message):
        """The log was read to its end for the first time."""

    def __init__(self, feed: RunFeed, data_root: Path | None = None, notices: WatcherNotices | None = None) -> None:
        super().__init__()
        self._feed, self._data_root, self._notices = feed, data_root, notices
        self._read = False
        """Whether the log was read to its end once; until then the thread has the feed."""
        self._dashboard: Dashboard | None = None
        self._hint = ""
        self._shown_at = self._charted_at = 0.0

    def compose(self) -> ComposeResult:
        """What can be painted at once."""
        yield Header(self._feed.run.name)
        yield DataNotes()
        yield Ending()
        with Container(id="body"):
            yield Preparation("starting the trainer" if self._feed.has_trainer else "reading the run")
        yield FigureTable()
        yield StatusLine()
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

        worker = get_current_worker()
        self._feed.catch_up(thinned=True, cancelled=lambda: worker.is_cancelled)
        self.post_message(self.LogRead())

    async def on_training_screen_log_read(self) -> None:
        """Put up the panes and go on from where the log was read to."""
        from vae_tui.tui.widgets.dashboard import Dashboard  # noqa: PLC0415

        self._read = True
        self._dashboard = Dashboard(self._feed.run)
        self._dashboard.display = False
        await self.query_one("#body").mount(self._dashboard)
        self._show()
        self._show_charts()
        self.set_timer(_SECONDS_TO_SETTLE, _leave_out_of_collections)

    @property
    def histories(self) -> Sequence[History]:
        """The run's."""
        return [self._feed.history] if self._read else []

    @property
    def cursor_place(self) -> float | None:
        """Where the time cursor is along the horizontal axis."""
        return None if self.look.at is None else place_of_step(self._feed.history, self.look.at, self.look.axis)

    @property
    def status(self) -> RunStatus:
        """How the run stands."""
        return self._feed.status

    def _poll(self) -> None:
        if self._read:
            before = self.status
            stopping = any(isinstance(command, Stop) for command in self._feed.own_pending)
            arrived = self._feed.poll()
            status = self.status
            self._call(arrived, died=status.over and not before.over and self._feed.died)
            if stopping and status.over and status.phase in ("stopped", "completed"):
                self._leave("stopped" if status.phase == "stopped" else "finished")
            now = self._feed.clock()
            changed = bool(arrived) or status != before
            if not changed and now // self._leisure == self._shown_at // self._leisure:
                return
            # What the eye cannot follow costs training, which wants every core.
            as_ever = status == before and all(isinstance(logged.event, _AS_EVER) for logged in arrived)
            if as_ever and 0 <= now - self._shown_at < self._leisure * _PACE:
                return
        self._show()

    @property
    def _leisure(self) -> float:
        """By how much frames may be further apart than for somebody who is at the keys."""
        return 1.0 if cast("PictureApp[Any]", self.app).seconds_unused < _SECONDS_OF_HASTE else 2.0

    def _call(self, arrived: Sequence[LoggedEvent], *, died: bool) -> None:
        """Call whoever looks elsewhere, where that was asked for and there is something to hear."""
        if self._notices is None:
            return
        heard = [notice for logged in arrived if (notice := self._notices.take(logged.event, self._feed))]
        if died:
            heard.append(self._notices.take_death(self._feed))
        for notice in heard:
            cast("PictureApp[Any]", self.app).ring("vae-tui", f"{self._feed.run.name}: {notice.message}")
        known = len(self._notices.problems)
        self._notices.check()
        if len(self._notices.problems) > known and not self.status.over:
            self._show_hint(self._notices.problems[-1])

    def _show(self) -> None:
        self._shown_at = self._feed.clock()
        if not self._read:
            self._show_preparation()
            return
        feed, status = self._feed, self.status
        history = feed.history
        moment = history.now if self.look.at is None else feed.at(self.look.at)
        self.query_one(Header).show(history, status, judged=self.look.at is None)
        self.query_one(DataNotes).show(history.data_notes)
        self.query_one(FigureTable).show(history, moment)
        self.query_one(Keys).show(TRAINING_KEYS, [_state(status)])
        problems = [*read_problems(feed), *(self._notices.problems if self._notices is not None else ())]
        self.query_one(Ending).show(feed.run, history, status, problems if status.over else [])
        charted = self._dashboard is not None and history.training is not None
        preparation = self.query_one(Preparation)
        preparation.display = not charted and not status.over
        if preparation.display:
            nobody = None if status.live else "no trainer has this run yet"
            preparation.show(feed.stages, now=self._feed.clock(), began=feed.waiting_since, waiting_for=nobody)
        if self._dashboard is not None:
            appears = charted and not self._dashboard.display
            self._dashboard.display = charted
            if charted:
                self._dashboard.show(history, moment, self.look)
            # Together with the rest, for it is frames that cost.
            if appears or not 0 <= self._shown_at - self._charted_at < self._leisure * _PACE_OF_CHARTS:
                self._show_charts()
        self.query_one(StatusLine).show(*self._last_line(status))

    def _show_preparation(self) -> None:
        """Show that something goes on while the log is read."""
        status = RunStatus("starting", self._feed.has_trainer)
        self.query_one(Header).show(History(), status)
        self.query_one(Keys).show(TRAINING_KEYS, [_state(status)])
        self.query_one(Preparation).show((), now=self._feed.clock(), began=self._feed.began, waiting_for=None)

    def _show_charts(self) -> None:
        if self._dashboard is not None and self._dashboard.display:
            self._charted_at = self._shown_at
            self._dashboard.show_charts()

    def _last_line(self, status: RunStatus) -> tuple[str, str]:
        """What happens now or happened last, and its style."""
        history = self._feed.history
        if word := pending_word(status):
            after = ": a checkpoint is saved first" if any(isinstance(c, Stop) for c in status.pending) else ""
            return f"{word}…{after}", "$warning"
        if self._hint:
            return self._hint, "$warning"
        if self.look.at is not None:
            moment = self._feed.at(self.look.at)
            return _describe_moment(moment), "$warning"
        if status.phase == "starting" and history.training is not None:
            stages = self._feed.stages
            began, doing = (
                (stages[-1].began, stages[-1].name) if stages else (self._feed.waiting_since, "starting the trainer")
            )
            return f"{doing}   {max(0, self._feed.clock() - began):.0f} s", "$primary"
        if status.over or not history.messages:
            return "", "$faint"
        if history.added_notes and self._feed.clock() - history.added_notes[-1].time < _NOTE_SECONDS:
            return shorten(history.added_notes[-1].text, self.size.width - 2), "$warning"
        return history.messages[-1].text, "$faint"

    def change_look(self, look: Look) -> None:
        """Draw otherwise."""
        self.look = look
        self._show()
        self._show_charts()

    # Time

    def action_move_time(self, stops: int) -> None:
        """Move the time cursor by epochs, or reports where there is no epoch yet; beyond the last is now."""
        steps = self._feed.history.stops if self._read else ()
        if not steps:
            return
        at = self._feed.history.step if self.look.at is None else self.look.at
        index = bisect_left(steps, at)
        between = index < len(steps) and steps[index] != at
        index += stops - (between and stops > 0)
        self._travel(None if index >= len(steps) else steps[max(0, index)])

    def action_go_to_time(self, typed: str) -> None:
        """Ask for a step, an epoch or a time, and go there."""
        from vae_tui.tui.screens.prompt import PromptScreen  # noqa: PLC0415
        from vae_tui.tui.typed_place import hint_of, parse_place  # noqa: PLC0415

        axis, last = self.look.axis, self._feed.history.times[1]

        def check(text: str) -> str | None:
            try:
                parse_place(text, axis, last)
            except ValueError:
                return f"{text!r} is not {hint_of(axis)}"
            return None

        def go(text: str | None) -> None:
            if text:
                self._travel(step_at(self._feed.history, parse_place(text, axis, last), axis))

        name = {"clock": "time of day"}.get(axis, self.look.axis_name)
        self.app.push_screen(PromptScreen(f"go to {name}", hint_of(axis), value=typed, check=check, selects=False), go)

    def on_chart_clicked(self, event: Chart.Clicked) -> None:
        """Go to the moment that was clicked."""
        self._travel(step_at(self._feed.history, event.x, self.look.axis))

    def action_now(self) -> None:
        """Show the run as it is now; once it is, the whole of it."""
        if self.look.at is None:
            self.change_look(replace(self.look, zoom=0, until=None))
        self._travel(None)

    def _travel(self, step: int | None) -> None:
        history = self._feed.history
        look = replace(self.look, at=None if step is None or step >= history.step else max(0, step))
        if look.at is not None:
            look = showing(look, [history], place_of_step(history, look.at, look.axis))
        self.change_look(look)

    def action_toggle_pause(self) -> None:
        """Pause a run that trains, and the other way round."""
        self.action_command("unpause" if self._feed.history.paused else "pause")

    def action_command(self, name: str) -> None:
        """Send a command to the trainer, unless the last of its kind still waits."""
        status, command = self.status, COMMANDS[name]()
        if status.live and status.phase == "starting":
            self._show_hint("the trainer is still starting")
        elif command not in status.pending:
            self._send(command)

    def action_change_setting(self) -> None:
        """Ask for a setting, such as objective.beta=4, and send it."""
        from functools import partial  # noqa: PLC0415

        from vae_tui.tui.screens.prompt import PromptScreen  # noqa: PLC0415
        from vae_tui.tui.steering import check_settings, suggest_settings  # noqa: PLC0415 pydantic, for this alone

        if not self.status.live or self.status.phase == "starting":
            self._show_hint("the trainer is still starting" if self.status.live else "nobody trains this run")
            return
        hint = "KEY=VALUE, or several; the run trains by it from its next step on, and its recipe keeps it"
        recipe = self._feed.history.recipe
        suggest, check = partial(suggest_settings, recipe=recipe), partial(check_settings, recipes=[recipe])
        prompt = PromptScreen("change a setting", hint, suggest=suggest, check=check)
        self.app.push_screen(prompt, self._set)

    def _set(self, settings: str | None) -> None:
        from vae_tui.tui.steering import settings_to_commands  # noqa: PLC0415

        for command in settings_to_commands(settings or ""):
            self._send(command)

    def _send(self, command: Command) -> None:
        try:
            self._feed.send(command)
        except VaeTuiError as error:
            self._show_hint(str(error))
            return
        self._hint = ""
        self._show()

    def _show_hint(self, hint: str) -> None:
        self._hint = hint
        self._show()
        self.set_timer(_HINT_SECONDS + len(hint) / _LETTERS_A_SECOND, lambda: self._forget_hint(hint))

    def _forget_hint(self, hint: str) -> None:
        if self._hint == hint:
            self._hint = ""
            self._show()

    def action_walk(self) -> None:
        """Walk the latent space of the newest checkpoint, and of each that comes after it; at the cursor, of that moment."""
        weights, at = list_weights(self._feed.run), self.look.at
        if not weights:
            none = "there is no checkpoint to walk in"
            if program := other_program(self._feed.history):
                self._show_hint(f"{none}: {program} trains this run, and keeps its weights itself")
                return
            yet = " yet: one is saved at the end of an epoch, or by s" if self.status.live else ""
            self._show_hint(self._feed.run.absence or none + yet)
            return
        chosen = weights[-1] if at is None else weights_at(weights, at) or weights[0]
        from vae_tui.tui.screens.walk import WalkScreen  # noqa: PLC0415 most sessions never walk

        follow = self._feed.run if at is None else None
        try:
            self.app.push_screen(WalkScreen(chosen.path, follow=follow, data_root=self._data_root))
        except VaeTuiError as error:
            self._show_hint(str(error))

    def action_choose_figures(self) -> None:
        """Ask which figures have a chart, and show the page of them."""
        from vae_tui.tui.screens.figure_choice import ask_for_figures  # noqa: PLC0415

        dashboard = self._dashboard
        if dashboard is None or not dashboard.display:
            return

        async def show(text: str | None) -> None:
            if text is not None:
                await dashboard.show_figures(text.split())

        self.app.push_screen(ask_for_figures(self._feed.history), show)

    def action_next_view(self, steps: int) -> None:
        """Show the next panes, or those before."""
        if self._dashboard is not None:
            self._dashboard.next_view(steps)

    def action_open_tile(self, kind: GridKind | None = None, index: int = 0) -> None:
        """Show a picture of the newest grid large, the first where none is named."""
        kind = kind or (self._dashboard.grid_in_sight if self._dashboard is not None else None)
        if kind is not None:
            from vae_tui.tui.screens.tile import TileScreen  # noqa: PLC0415 numpy and Pillow

            history = self._feed.history
            step = history.step if self.look.at is None else self.look.at
            self.app.push_screen(TileScreen(self._feed.run, history, kind, index, step))

    def action_log(self) -> None:
        """Show what happened, and what the trainer printed."""
        from vae_tui.tui.screens.log import LogScreen  # noqa: PLC0415 most sessions do without

        self.app.push_screen(LogScreen(self._feed.run))

    def action_copy(self) -> None:
        """Copy something of the run to the clipboard, as it is or was at the time cursor."""
        from vae_tui.tui.screens.copying import copies_of_moment, offer_copies  # noqa: PLC0415

        feed = self._feed
        moment = feed.history.now if self.look.at is None else feed.at(self.look.at)
        copies = copies_of_moment(feed.run, moment, live=self.status.live)
        offer_copies(self.app, feed.run.name, copies, self._show_hint)

    def action_export(self) -> None:
        """Write the charts in sight, or the screen, to a file."""
        from vae_tui.tui.screens.export import offer_export  # noqa: PLC0415

        name = self._feed.run.name
        histories = {name: self._feed.history} if self._read else {}
        offer_export(self, name, histories, {}, self.look.axis, lambda said, _: self._show_hint(said))

    def action_help(self) -> None:
        """Show the help."""
        feed = self._feed
        moment = feed.history.now if self.look.at is None else feed.at(self.look.at)
        more = describe_run(feed.history, moment, plain=cast("PictureApp[Any]", self.app).plain)
        self.app.push_screen(HelpScreen(TRAINING_KEYS, more))

    def action_detach(self) -> None:
        """Leave, and leave the trainer running."""
        self._leave("detached" if self.status.live else "finished")

    def _leave(self, outcome: Outcome) -> None:
        self.post_message(self.Left(outcome))

    def action_leave(self) -> None:
        """Leave; where a trainer runs, ask what becomes of it."""
        if self.status.live:
            choices = [
                Choice("ld", "leave running", f"vae-tui watch {name_to_type(self._feed.run)}"),
                Choice("s", "stop", "save a checkpoint, then end the training"),
            ]
            self.app.push_screen(ChoiceScreen("quit?", choices), self._answered)
        else:
            self.action_detach()

    def _answered(self, choice: str | None) -> None:
        if choice == "leave running":
            self.action_detach()
        elif choice == "stop" and self.status.live:
            self._send(Stop())
        elif choice == "stop":
            self.action_detach()


def _describe_moment(moment: Moment) -> str:
    """Where the time cursor is, and what is left of that moment."""
    parts = [f"as it was at step {format_count(moment.step)}", f"epoch {format_count(moment.epoch)}"]
    parts.append(format_clock(moment.seconds))
    return "   ".join([*parts, "w walks it   esc is now"])


def _leave_out_of_collections() -> None:
    """Have Python look for garbage among new objects only: it waits for a quarter of all, and much of each frame is some."""
    gc.collect()
    gc.freeze()


def _state(status: RunStatus) -> str:
    """The state by which keys are shown."""
    return "over" if not status.live else status.phase if status.phase in ("starting", "paused") else "training"
