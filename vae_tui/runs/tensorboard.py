"""A run's history as TensorBoard reads it: scalars, grids and the recipe, by the package of that name and without TensorFlow.

`tensorboard` is optional; it is imported here alone, and only where something is exported.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import tomli_w

from vae_tui import events as ev
from vae_tui.errors import VaeTuiError
from vae_tui.runs.files import open_whole, read_small
from vae_tui.runs.layout import Run
from vae_tui.runs.machine import machine_figures
from vae_tui.runs.rows import lasting_events

MOST_GRIDS = 200
"""Grids of a kind that are exported: a run of quick epochs draws thousands, and TensorBoard shows ten."""
_PNG = struct.Struct(">8s4x4sIIBB")
_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
"""Channels by the color type of a PNG file."""


class Exported(NamedTuple):
    """The file that was written, and how many scalars and images are in it."""

    path: Path
    scalars: int
    images: int


def export_to_tensorboard(run: Run, folder: Path) -> Exported:
    """Write a run's event file into a folder, which is made; one written there before for the same run is replaced.

    Of each scalar the step and the time are those of the log. Raises VaeTuiError where the package is not installed, the
    log cannot be read or the file cannot be written.
    """
    write_record = _import_writer()
    began = next((event.time for event in lasting_events(run)), 0.0)
    path = folder / f"events.out.tfevents.{began:.0f}.vae-tui"
    counts = {"simple_value": 0, "image": 0}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open_whole(path) as file:
            write_record(file, {"wall_time": began, "file_version": "brain.Event:2"})
            for time, step, values in _summaries(run):
                for value in values:
                    kind = next((kind for kind in counts if kind in value), None)
                    if kind is not None:
                        counts[kind] += 1
                write_record(file, {"wall_time": time, "step": step, "summary": {"value": values}})
    except OSError as error:
        raise VaeTuiError(f"{error.filename or path} cannot be written: {error.strerror}") from error
    return Exported(path, counts["simple_value"], counts["image"])


def _import_writer() -> Any:
    """What writes a record, given as the fields of an event, to a file."""
    try:
        # Not its EventFileWriter, which opens files by TensorFlow where that is installed.
        from tensorboard.compat.proto.event_pb2 import Event  # noqa: PLC0415 - it is optional
        from tensorboard.summary.writer.record_writer import RecordWriter  # noqa: PLC0415
    except ImportError as error:
        raise VaeTuiError(
            "TensorBoard's files are written by the package tensorboard, which is not installed: "
            "pip install 'vae-tui[tensorboard]'"
        ) from error

    def write(file: BinaryIO, fields: dict[str, Any]) -> None:
        RecordWriter(file).write(Event(**fields).SerializeToString())

    return write


_Values = list[dict[str, Any]]


def _summaries(run: Run) -> Iterator[tuple[float, int, _Values]]:
    """Time, step and the values of each event that has some."""
    grids = _choose_grids(run)
    recipe_is_there = False
    for event in lasting_events(run):
        values: _Values = []
        match event:
            case ev.RunStarted() if not recipe_is_there:
                recipe_is_there = True
                values = [_text("recipe", f"```toml\n{tomli_w.dumps(event.recipe)}```")]
            case ev.StepCompleted():
                values = list(_scalars_of_report(event))
            case ev.EpochCompleted():
                values = list(_scalars_of_epoch(event))
            case ev.ImagesDrawn() if (event.kind, event.step) in grids:
                values = list(_images(run, event))
            case _:
                pass
        if values:
            yield event.time, event.step, values


def _scalars_of_report(event: ev.StepCompleted) -> Iterator[dict[str, Any]]:
    yield from _scalars("train", event.train)
    yield from _scalars("machine", {"images_per_second": event.images_per_second, **machine_figures(event)})
    yield from _scalars("hyperparameters", {"beta": event.beta, "learning_rate": event.lr})


def _scalars_of_epoch(event: ev.EpochCompleted) -> Iterator[dict[str, Any]]:
    yield from _scalars("train_epoch", event.train)
    yield from _scalars("validation", event.validation or {})
    rates = {str(index): rate for index, rate in enumerate(event.rate_per_dimension)}
    active = sum((rate or 0.0) > ev.ACTIVE_NATS for rate in rates.values())
    yield from _scalars("latents", {"active": float(active)})
    yield from _scalars("rate_per_dimension", rates)
    yield {"tag": "epoch", "simple_value": float(event.epoch)}


def _scalars(group: str, figures: ev.Figures) -> Iterator[dict[str, Any]]:
    for name, value in figures.items():
        if value is not None:
            yield {"tag": f"{group}/{name}", "simple_value": float(value)}


def _text(tag: str, text: str) -> dict[str, Any]:
    from tensorboard.compat.proto.types_pb2 import DT_STRING  # noqa: PLC0415

    tensor = {"dtype": DT_STRING, "string_val": [text.encode("utf-8", "backslashreplace")]}
    return {"tag": f"{tag}/text_summary", "metadata": {"plugin_data": {"plugin_name": "text"}}, "tensor": tensor}


def _choose_grids(run: Run) -> set[tuple[str, int]]:
    """Kind and step of the grids to export: all, or as many as there may be, evenly, with the last."""
    steps: dict[str, list[int]] = {}
    for event in lasting_events(run):
        if isinstance(event, ev.ImagesDrawn):
            steps.setdefault(event.kind, []).append(event.step)
    chosen: set[tuple[str, int]] = set()
    for kind, drawn in steps.items():
        count = min(MOST_GRIDS, len(drawn))
        chosen |= {(kind, drawn[(index + 1) * len(drawn) // count - 1]) for index in range(count)}
    return chosen


def _images(run: Run, event: ev.ImagesDrawn) -> Iterator[dict[str, Any]]:
    """The grid as an image; nothing where its file is not there any more or is no PNG."""
    try:
        content = read_small(run.images_path / Path(event.path).name, limit=1 << 26)
        signature, header, width, height, _, color = _PNG.unpack_from(content)
    except (OSError, struct.error):
        return
    if signature == b"\x89PNG\r\n\x1a\n" and header == b"IHDR" and color in _CHANNELS:
        image = {
            "width": width,
            "height": height,
            "colorspace": _CHANNELS[color],
            "encoded_image_string": content,
        }
        yield {"tag": event.kind, "image": image}
