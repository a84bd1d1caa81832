"""What a trainer reports: one frozen dataclass an event, one JSON object a line.

From its start to its end a trainer writes them in this order::

    run_started                            before torch is imported
    stage_progressed ...                   importing, downloading, decoding, ...
    training_started
      epoch_started                        then, any number of times and in any order,
        step_completed                     at most one every max(0.1 s, elapsed / 20,000)
        images_drawn
        checkpoint_saved
        command_done
        note_added
      epoch_completed                      followed by its own note_added, checkpoint_saved and images_drawn
    run_finished                           once: completed, stopped or failed

A trainer that resumes the run goes on in the same log with a `run_started` of its own, whose `resumed_from` is the step it
goes on from; whatever the log says of later steps before that line is void. Every figure is in nats per image (summed over
pixels and latent dimensions, averaged over images); a figure that is not finite is written as null and read as None.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from vae_tui.fields import checks_of, find_wrong

EndStatus = Literal["completed", "stopped", "failed"]
ACTIVE_NATS = 0.01
"""A latent dimension whose mean rate is above this is in use."""

Figures = dict[str, float | None]
"""`loss` (what was minimised), `elbo` (at beta = 1), `distortion`, `rate`; nats per image.

A validation's `loss` is at the recipe's full beta, also during warm-up, so that epochs compare: the lowest is the best.
"""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened at `time` (Unix seconds), after `step` optimizer steps."""

    event: ClassVar[str]
    time: float
    step: int


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """A trainer began in process `pid`; `resumed_from` is the step it goes on from.

    `recipe_name` is what the recipe is called that a new run was made of, `sweep` the sweep it was made for.
    `objective_since` is the step from which on the run minimises what it minimises now. What was validated up to there was
    measured by another loss and does not count towards the best. `trainer` is the program that trains the run, where that is
    not vae-tui: then its checkpoints, its settings and whether it can go on are that program's affair.
    """

    event: ClassVar[str] = "run_started"
    pid: int
    version: str
    recipe: dict[str, dict[str, Any]]
    recipe_name: str = ""
    sweep: str = ""
    resumed_from: int | None = None
    objective_since: int = 0
    trainer: str = ""


@dataclass(frozen=True, kw_only=True)
class StageProgressed(Event):
    """Preparation is at `done` of `total` (None: unknown) of `stage`, a phrase such as "decoding images"."""

    event: ClassVar[str] = "stage_progressed"
    stage: str
    done: int = 0
    total: int | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingStarted(Event):
    """Everything is ready; the first step comes next.

    `data_sizes` counts the images of train, validation and test; `image_shape` is (C, H, W); `network` reads like
    "mlp 784-400-20"; `loss` names what is minimised, such as "distortion + 4 rate", and is empty where that is -ELBO;
    `notes` are sentences a user should see (a likelihood that is none), and `data_notes` such on the images: what of them
    was left aside, and how the rest was read. What another program's trainer does not report is empty or 0.
    """

    event: ClassVar[str] = "training_started"
    device: str
    threads: int
    versions: dict[str, str]
    parameter_count: int
    data_sizes: dict[str, int]
    image_shape: tuple[int, int, int]
    network: str
    steps_per_epoch: int
    loss: str = ""
    notes: tuple[str, ...] = ()
    data_notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EpochStarted(Event):
    """Epoch `epoch`, counted from 1, began."""

    event: ClassVar[str] = "epoch_started"
    epoch: int


@dataclass(frozen=True, kw_only=True)
class StepCompleted(Event):
    """Means over the `steps` optimizer steps since the last such event.

    `gradient_norm` is the Euclidean norm of the gradients of the last of them, before clipping.

    `seconds_per_step` says where their time went: `data` (taking and preparing batches), `gradients` and `update` (the
    optimizer; on a GPU both together as `step`), `validation`, and the `rest`: checkpoints, pictures, events.
    """

    event: ClassVar[str] = "step_completed"
    epoch: int
    steps: int
    train: Figures
    beta: float | None
    lr: float | None
    images_per_second: float | None
    gradient_norm: float | None = None
    cpu_percent: float | None = None
    rss_bytes: int | None = None
    gpu_percent: float | None = None
    gpu_memory_bytes: int | None = None
    gpu_celsius: float | None = None
    gpu_watts: float | None = None
    disk_free_bytes: int | None = None
    disk_written_bytes: int | None = None
    seconds_per_step: Figures = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ImagesDrawn(Event):
    """A grid was drawn to `path`, relative to the run.

    `count` tiles stand in `columns` columns, `padding` pixels apart and around. In a grid of reconstructions, rows of
    data alternate with rows of their reconstructions.
    """

    event: ClassVar[str] = "images_drawn"
    kind: Literal["samples", "reconstructions"]
    epoch: int
    path: str
    count: int
    columns: int
    padding: int


@dataclass(frozen=True, kw_only=True)
class CheckpointSaved(Event):
    """Weights were saved to `path`, relative to the run; `best` says that their validation loss is the lowest so far."""

    event: ClassVar[str] = "checkpoint_saved"
    epoch: int
    path: str
    best: bool


@dataclass(frozen=True, kw_only=True)
class CommandDone(Event):
    """A command was carried out, or `refused`; `message` says what came of it.

    `id` is the command's own, and `values` is what it carried, by name: the key and the value of a `set`.
    """

    event: ClassVar[str] = "command_done"
    command: str
    message: str
    id: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    refused: bool = False


@dataclass(frozen=True, kw_only=True)
class NoteAdded(Event):
    """A sentence a user should see, such as that the machine got busy or that latent dimensions died.

    One with an `alarm` is worth calling somebody who is not looking: "collapsed", that all latent dimensions died.
    """

    event: ClassVar[str] = "note_added"
    note: str
    alarm: Literal["", "collapsed"] = ""


@dataclass(frozen=True, kw_only=True)
class EpochCompleted(Event):
    """Epoch `epoch` ended; `validation` is None where there is no validation split."""

    event: ClassVar[str] = "epoch_completed"
    epoch: int
    train: Figures
    validation: Figures | None
    rate_per_dimension: list[float | None]
    beta: float | None
    lr: float | None
    images_per_second: float | None
    elapsed_seconds: float


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """The training is over; `reason` says why, `checkpoint` is the last one saved, relative to the run.

    Reasons read on from the status: completed: "50 epochs", stopped "by request", failed: "the loss was not finite". `stood` is
    how the run had ended before, and still stands, where an attempt to go on with it failed before it trained.
    """

    event: ClassVar[str] = "run_finished"
    status: EndStatus
    reason: str
    epoch: int
    checkpoint: str | None = None
    images: list[str] = field(default_factory=list)
    stood: EndStatus | None = None

    @property
    def sentence(self) -> str:
        """Status and reason in one."""
        if not self.reason:
            return self.status
        return f"{self.status}{' ' if self.status == 'stopped' else ': '}{self.reason}"


def _has_default(given: dataclasses.Field[Any]) -> bool:
    return given.default is not dataclasses.MISSING or given.default_factory is not dataclasses.MISSING


KINDS: dict[str, type[Event]] = {
    kind.event: kind
    for kind in (
        RunStarted,
        StageProgressed,
        TrainingStarted,
        EpochStarted,
        StepCompleted,
        ImagesDrawn,
        CheckpointSaved,
        CommandDone,
        NoteAdded,
        EpochCompleted,
        RunFinished,
    )
}


_CHECKS = {name: checks_of(kind) for name, kind in KINDS.items()}
_REQUIRED = {
    name: frozenset(each.name for each in dataclasses.fields(kind) if not _has_default(each))
    for name, kind in KINDS.items()
}
_FACTORIES = {
    name: {
        each.name: each.default_factory
        for each in dataclasses.fields(kind)
        if each.default_factory is not dataclasses.MISSING
    }
    for name, kind in KINDS.items()
}
_TUPLES = ("image_shape", "notes", "data_notes")
_decode = json.JSONDecoder(parse_constant=lambda _: None).raw_decode


def to_json(event: Event) -> str:
    """Write an event as one line of JSON, without its newline; figures that are not finite become null."""
    body = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    ordered = {"event": event.event, "time": body.pop("time"), "step": body.pop("step"), **body}
    return json.dumps(_finite(ordered), allow_nan=False, separators=(", ", ": "))


@dataclass(frozen=True)
class SkippedLine:
    """A line of a log that is left out: `damaged`, or of a kind that only a later version knows; `problem` says why."""

    problem: str
    damaged: bool


def read_line(line: str) -> Event | SkippedLine:
    """The event on a line of the log, every field of which has the type it should have."""
    try:
        body, end = _decode(line)
        name = body.pop("event")
        kind, checks = KINDS[name], _CHECKS[name]
    except KeyError as error:
        missing = error.args == ("event",)
        return SkippedLine("it has no `event`" if missing else f"it is of the kind {error.args[0]!r}", damaged=missing)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return SkippedLine("it is no JSON object", damaged=True)
    if end != len(line):
        return SkippedLine("something follows its JSON", damaged=True)
    if not _REQUIRED[name] <= body.keys():
        lacks = ", ".join(sorted(_REQUIRED[name] - body.keys()))
        return SkippedLine(f"{name} lacks {lacks}", damaged=True)
    if not body.keys() <= checks.keys():
        body = {key: value for key, value in body.items() if key in checks}
    if (wrong := find_wrong(body, checks)) is not None:
        return SkippedLine(f"{name}: {wrong}", damaged=True)
    for listed in _TUPLES:
        if listed in body:
            body[listed] = tuple(body[listed])
    for key, factory in _FACTORIES[name].items():
        body.setdefault(key, factory())
    # What the constructor of a frozen dataclass does, field by field, in a fifth of the time: a log has 100,000 lines.
    # Defaults that are not in the body are attributes of the class.
    event = object.__new__(kind)
    object.__setattr__(event, "__dict__", body)
    return event


def from_json(line: str) -> Event | None:
    """Read one line of the log; None for a line that is left out."""
    event = read_line(line)
    return None if isinstance(event, SkippedLine) else event


def _finite(value: Any) -> Any:
    """Replace every number that JSON cannot write by None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
