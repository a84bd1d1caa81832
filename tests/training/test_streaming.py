"""Training on images that stay on disk: the same run, to the bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.data import PackedImages
from vae_tui.data.rows import RowWriter
from vae_tui.data.streamed import StreamedPixels
from vae_tui.errors import DataError
from vae_tui.model.checkpoint import read_tensors
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events
from vae_tui.training.batches import Batches

TINY = "data.memory_gib=1e-6"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def finish(run: Run, *overrides: str, resume: bool = False) -> list[ev.Event]:
    return list(train_events(run, resume=resume, overrides=overrides))


def figures(run: Run) -> list[dict[str, object]]:
    """What each epoch said, less time and speed."""
    timed = ("time", "images_per_second", "elapsed_seconds")
    bodies = [json.loads(ev.to_json(e)) for e in read_events(run.events_path) if isinstance(e, ev.EpochCompleted)]
    return [{key: value for key, value in body.items() if key not in timed} for body in bodies]


def assert_same_run(one: Run, other: Run) -> None:
    assert figures(one) == figures(other)
    for path in ("path", "state_path"):
        tensors, expected = (read_tensors(getattr(run.latest(), path))[0] for run in (one, other))
        assert tensors.keys() == expected.keys()
        assert all(torch.equal(tensors[name], expected[name]) for name in expected)


@pytest.mark.parametrize("binarize", ["none", "static", "dynamic"])
@pytest.mark.parametrize("validation", [0.0, 0.1])
def test_a_streamed_run_is_the_resident_one(make_run: MakeRun, binarize: str, validation: float) -> None:
    same = (f"data.binarize={binarize}", f"data.validation={validation}")
    resident, streamed = make_run(*same, name="resident"), make_run(*same, TINY, name="streamed")
    finish(resident)
    started = next(event for event in finish(streamed) if isinstance(event, ev.TrainingStarted))
    assert_same_run(streamed, resident)
    assert any("of images stream from disk: [data] memory_gib allows 1e-06" in note for note in started.data_notes)


@pytest.mark.parametrize(("before", "after"), [("auto", "1e-6"), ("1e-6", "auto")])
def test_a_run_goes_on_with_another_memory_gib(make_run: MakeRun, before: str, after: str) -> None:
    whole, broken = make_run(name="whole"), make_run(f"data.memory_gib={before}", name="broken")
    finish(whole)
    asked = iter([False] * 7)
    events = list(_stepwise(broken, lambda: next(asked, None) is not False))
    assert events[-1].step == 7
    finish(broken, f"data.memory_gib={after}", resume=True)
    assert_same_run(broken, whole)


def _stepwise(run: Run, interrupted: object) -> Iterator[ev.Event]:
    """An attempt that looks after every step whether it is to stop."""
    from vae_tui.training import loop

    before, loop._POLL_SECONDS = loop._POLL_SECONDS, 0.0
    try:
        yield from train_events(run, interrupted=interrupted)  # type: ignore[arg-type]
    finally:
        loop._POLL_SECONDS = before


@pytest.fixture
def streamed(tmp_path: Path) -> PackedImages:
    """A thousand images of 3 x 4 x 5 on disk, of which every third is left out."""
    with RowWriter(tmp_path, (1500, 3, 4, 5)) as writer:
        writer.write(0, np.random.default_rng(0).integers(0, 256, (1500, 3, 4, 5), np.uint8))
        pixels = StreamedPixels(writer.finish("set.rows", {}))
    return PackedImages(pixels.pick((torch.arange(1500) % 3).nonzero().flatten()))


@pytest.mark.parametrize("batch_size", [1, 7, 128, 999, 1000, 5000])
@pytest.mark.parametrize("position", [0, 3, 999, 1000])
@pytest.mark.parametrize("where", ["disk", "memory", "device"])
def test_batches_come_in_order_wherever_they_begin(
    streamed: PackedImages, batch_size: int, position: int, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = torch.randperm(1000)
    device = torch.device("cpu")
    if where == "memory":  # as images are that a GPU has no room for
        monkeypatch.setattr("vae_tui.training.batches.on_device", lambda *_: None)
    labels = torch.arange(1000) % 7
    images = PackedImages(streamed.pixels if where == "disk" else streamed.pixels[:], labels)
    batches = Batches(images, device, batch_size, labelled=True)
    assert (batches.resident is not None) == (where == "device")
    batches.seek(torch.randperm(1000), 0)  # what is on its way is forgotten
    batches.take(min(batch_size, 1000))
    batches.seek(order, position)
    for start in range(position, 1000, batch_size):
        expected = streamed.pixels[order[start : start + batch_size]]
        batch = batches.take(len(expected))
        assert torch.equal(batch["pixels"], expected)
        assert torch.equal(batch["labels"], labels[order[start : start + batch_size]])


def test_of_a_batch_only_the_share_is_read(streamed: PackedImages) -> None:
    order = torch.randperm(1000)

    def first(count: int) -> slice:
        return slice(0, count // 2)

    def second(count: int) -> slice:
        return slice(count // 2, count)

    halves = [Batches(streamed, torch.device("cpu"), 300, share=share) for share in (first, second)]
    for batches in halves:
        batches.seek(order, 0)
    for start in range(0, 1000, 300):
        both = torch.cat([batches.take(min(300, 1000 - start))["pixels"] for batches in halves])
        assert torch.equal(both, streamed.pixels[order[start : start + 300]])


def test_batches_that_cannot_be_read_are_told_where_they_are_taken(streamed: PackedImages) -> None:
    assert isinstance(streamed.pixels, StreamedPixels)
    batches = Batches(streamed, torch.device("cpu"), 10)
    source: Any = streamed.pixels.source
    with source.path.open("r+b") as file:
        file.truncate(1000)
    batches.seek(torch.arange(900, 1000), 0)
    with pytest.raises(DataError, match="was cut short while it was in use"):
        batches.take(10)


def test_trials_and_training_share_what_is_on_the_device(streamed: PackedImages) -> None:
    images = PackedImages(streamed.pixels[:])
    device = torch.device("cpu")
    first, second = Batches(images, device, 10), Batches(images, device, 10)
    assert first.resident is second.resident
