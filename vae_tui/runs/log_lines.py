"""Lines of a run's logs as people read them: its events in words, and what its trainer printed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from vae_tui import events as ev
from vae_tui.runs.facts import describe_device, describe_network
from vae_tui.text import printable
from vae_tui.wording import (
    MISSING,
    format_bytes,
    format_count,
    format_nats,
    format_speed,
)

Weight = Literal["usual", "faint", "good", "warning", "bad"]
"""How much a line should catch the eye."""
_ENDS: dict[ev.EndStatus, Weight] = {"completed": "good", "stopped": "warning", "failed": "bad"}
_LONGEST = 4_000
"""Characters of a line that are shown."""


@dataclass(frozen=True)
class LogLine:
    """A line of a log, in which nothing is hidden, and how much it should catch the eye."""

    text: str
    weight: Weight = "usual"


def read_printed_line(line: bytes) -> LogLine:
    """A line of what a process printed: what it wrote over with a carriage return is left out."""
    text = line.removesuffix(b"\r").rpartition(b"\r")[2].decode("utf-8", "surrogateescape")
    return LogLine(_shown(text.expandtabs(4)))


def read_event_line(line: bytes) -> LogLine:
    """A line of the event log: when, at which step, and what happened."""
    event = ev.read_line(line.decode("utf-8", "replace"))
    if isinstance(event, ev.SkippedLine):
        kind = "a damaged line" if event.damaged else "a line of a later version of vae-tui"
        return LogLine(_shown(f"{kind}: {event.problem}"), "warning")
    text, weight = describe(event)
    return LogLine(_shown(f"{_clock(event.time)}  {format_count(event.step):>9}  {text}"), weight)


def describe(event: ev.Event) -> tuple[str, Weight]:
    """What happened, in words."""
    match event:
        case ev.RunStarted(resumed_from=None):
            return f"a trainer began, in process {event.pid}", "usual"
        case ev.RunStarted():
            return f"a trainer went on from step {event.resumed_from:,}, in process {event.pid}", "usual"
        case ev.StageProgressed():
            how_far = f" of {event.total:,}" if event.total is not None else ""
            return f"{event.stage}: {event.done:,}{how_far}", "faint"
        case ev.TrainingStarted():
            facts = [fact for fact in (describe_network(event), describe_device(event)) if fact]
            notes = "".join(f"; note: {note}" for note in (*event.data_notes, *event.notes))
            return f"training began{': ' if facts else ''}{', '.join(facts)}{notes}", "usual"
        case ev.EpochStarted():
            return f"epoch {event.epoch:,} began", "faint"
        case ev.StepCompleted():
            speed = "" if event.images_per_second is None else f", {format_speed(event.images_per_second)} images/s"
            return f"{_figures(event.train)}{speed}", "faint"
        case ev.EpochCompleted():
            validation = f"; validation {_figures(event.validation)}" if event.validation else ""
            return f"epoch {event.epoch:,} done: {_figures(event.train)}{validation}", "usual"
        case ev.ImagesDrawn():
            return f"drew {event.kind}: {event.path}", "faint"
        case ev.CheckpointSaved():
            return f"saved {event.path}{', the best so far' if event.best else ''}", "good" if event.best else "usual"
        case ev.CommandDone():
            refused = " refused" if event.refused else ""
            return f"{event.command}{refused}: {event.message or 'done'}", "warning" if event.refused else "usual"
        case ev.NoteAdded():
            return f"{'warning' if event.alarm else 'note'}: {event.note}", "bad" if event.alarm else "warning"
        case ev.RunFinished():
            return f"the training {event.sentence}", _ENDS[event.status]
    return event.event, "usual"


def describe_rest(begins_at: int, size: int, *, is_full: bool, path: object) -> str:
    """What of a file of `size` bytes is not shown, in a sentence; empty where it is all there."""
    if not begins_at:
        return ""
    older = f"{format_bytes(begins_at)} of {format_bytes(size)} are older"
    return f"{older}: see them with: less {path}" if is_full else f"{older}, and are read as you scroll up"


def _figures(figures: ev.Figures) -> str:
    """−ELBO and the rate, or where there is none the loss."""
    elbo, loss = figures.get("elbo"), figures.get("loss")
    if elbo is None and loss is not None:
        return f"loss {format_nats(loss)}"
    return f"−ELBO {format_nats(None if elbo is None else -elbo)}, rate {format_nats(figures.get('rate'))}"


def _clock(seconds: float) -> str:
    """Day and time, as the clock here shows them."""
    try:
        return time.strftime("%m-%d %H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return f"{MISSING:<14}"


def _shown(text: str) -> str:
    """A line in which nothing is hidden; of a very long one the beginning."""
    more = f" … {len(text):,} characters in all" if len(text) > _LONGEST else ""
    return printable(text[:_LONGEST]) + more
