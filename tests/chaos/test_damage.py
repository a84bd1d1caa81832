"""Files whose bytes were changed are named, or come to nothing else than what was written; nothing hangs or is silent."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from chaos.conftest import SEED, Tally, rounds
from conftest import MakeRun, train_events

from vae_tui.data import decoded_cache
from vae_tui.data.rows import DamagedRows, RowFile
from vae_tui.errors import CheckpointError, DataError, RecipeError, RunError, VaeTuiError
from vae_tui.headless import PlainView
from vae_tui.model.checkpoint import load_checkpoint, read_tensors
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.runs.resume import find_resume_point
from vae_tui.runs.status import read_status
from vae_tui.runs.summary import summarize
from vae_tui.training.preparation import prepare_to_resume
from vae_tui.walk.axes import Direction
from vae_tui.walk.bookmarks import Bookmark, Bookmarks
from vae_tui.walk.recorded import RecordedWalk, read_walk, write_walk

pytestmark = pytest.mark.slow


@pytest.fixture
def run(make_run: MakeRun) -> Run:
    """A run of one epoch that could go on."""
    made = make_run("train.epochs=2", "prior.name=mixture", "prior.components=2")
    events = train_events(made)
    for event in events:
        if event.event == "checkpoint_saved":
            break
    events.close()
    return made


def damages(content: bytes, short: int, share: float) -> Iterator[bytes]:
    """Copies of a content with a bit flipped (at every 64th byte, and anywhere), cut short, zeroed, or made longer."""
    chosen = random.Random(SEED)
    places = [*range(0, len(content), 64), *chosen.sample(range(len(content)), min(len(content), 4096))]
    chosen.shuffle(places)
    for number in rounds(short, share=share):
        place, damaged = places[number % len(places)], bytearray(content)
        match number % 8:
            case 5:
                damaged = damaged[:place]
            case 6:
                size = chosen.choice((1, 64, 4096))
                damaged[place : place + size] = bytes(len(damaged[place : place + size]))
            case 7:
                damaged[place:place] = chosen.randbytes(chosen.choice((1, 8, 64)))
            case _:
                damaged[place] ^= 1 << chosen.randrange(8)
        yield bytes(damaged)


def test_damaged_weights_are_named_or_are_what_was_written(run: Run, tally: Callable[[str], Tally]) -> None:
    counts, path = tally("damaged weights"), run.latest().path
    content = path.read_bytes()
    tensors, metadata = read_tensors(path)
    for damaged in damages(content, 60, 0.12):
        path.write_bytes(damaged)
        try:
            found, about = read_tensors(path)
            load_checkpoint(path)
        except CheckpointError as error:
            assert str(path) in str(error)
            counts.add("named")
        else:
            assert about == metadata
            assert found.keys() == tensors.keys()
            assert all(torch.equal(found[name], tensors[name]) for name in tensors)
            counts.add("the same")


def test_a_damaged_state_is_named_or_is_what_was_written(run: Run, tally: Callable[[str], Tally]) -> None:
    counts, path = tally("damaged state"), run.latest().state_path
    content = path.read_bytes()
    tensors, numbers = read_tensors(path)
    for damaged in damages(content, 60, 0.12):
        path.write_bytes(damaged)
        try:
            point = find_resume_point(run)
        except CheckpointError as error:
            assert path.name in str(error)
            counts.add("named")
            continue
        assert point is not None
        found, about = read_tensors(path)
        assert about == point.state == numbers
        assert all(torch.equal(found[name], tensors[name]) for name in tensors)
        counts.add("the same")


def test_a_damaged_log_is_read_as_far_as_it_is_whole(
    run: Run, tally: Callable[[str], Tally], capsys: pytest.CaptureFixture[str]
) -> None:
    counts, content = tally("damaged log"), run.events_path.read_bytes()
    for damaged in damages(content, 50, 0.12):
        run.events_path.write_bytes(damaged)
        feed, view = RunFeed(run), PlainView()
        for logged in feed.follow(interval_seconds=0.0):
            if logged is not None:
                view.show(logged, feed)
        view.close()
        moment = feed.history.now
        assert moment.step >= 0
        assert feed.history.at(moment.step // 2).step <= moment.step
        read_status(run)
        summarize(run)
        capsys.readouterr()
        counts.add("skipped lines noted" if feed.skipped_lines else "read")


def test_a_damaged_recipe_never_goes_on_as_another_run(run: Run, tally: Callable[[str], Tally]) -> None:
    counts, content = tally("damaged recipe"), run.recipe_path.read_bytes()
    fixed = prepare_to_resume(run, TrainingJob(resume=run.name)).recipe
    for damaged in damages(content, 60, 0.12):
        run.recipe_path.write_bytes(damaged)
        try:
            recipe = prepare_to_resume(run, TrainingJob(resume=run.name)).recipe
        except (RecipeError, RunError, CheckpointError, DataError) as error:
            assert str(error)
            counts.add("named")
            continue
        for table in ("data", "model", "prior", "likelihood"):
            assert getattr(recipe, table) == getattr(fixed, table)
        counts.add("the same run")


def test_a_damaged_cache_gives_no_other_images(tmp_path: Path, tally: Callable[[str], Tally]) -> None:
    counts = tally("damaged cache of decoded images")
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 8, 8), dtype=np.uint8)
    with decoded_cache.create((50, 3, 8, 8)) as writer:
        writer.write(0, images)
        path = writer.finish("50x3x8x8-key.rows", {"broken": {}}).path
    content = path.read_bytes()
    for damaged in damages(content, 50, 0.12):
        path.write_bytes(damaged)
        found = np.empty_like(images)
        try:
            RowFile(path).read_into(found, np.arange(50))
        except (DamagedRows, DataError):
            counts.add("named")
        else:
            assert np.array_equal(found, images)
            counts.add("the same")


@pytest.mark.parametrize("what", ["bookmarks", "walk"])
def test_damaged_bookmarks_and_walks_are_named_or_read(run: Run, what: str, tally: Callable[[str], Tally]) -> None:
    counts = tally(f"damaged {what}")
    points = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    bookmarks, walk = Bookmarks(run.latest().path), run.path / "walk.toml"
    for slot in range(5):
        way = points[slot] / np.linalg.norm(points[slot])
        bookmarks.save(slot, Bookmark(points[slot], (Direction("line:A-B", way, "2.00 apart"),)))
    write_walk(walk, RecordedWalk(points, 10.0, "step.safetensors"))
    path = bookmarks.path if what == "bookmarks" else walk
    content = path.read_bytes()
    for damaged in damages(content, 60, 0.06):
        path.write_bytes(damaged)
        try:
            _ = bookmarks.read() if what == "bookmarks" else read_walk(walk)
        except VaeTuiError as error:
            assert str(path) in str(error)
            counts.add("named")
        else:
            counts.add("read")


def test_files_that_are_no_files_are_named_and_nothing_hangs(run: Run, tally: Callable[[str], Tally]) -> None:
    import os

    counts = tally("a folder, a FIFO or a link in place of a file")
    kept = run.path.with_name("kept")
    shutil.copytree(run.path, kept)
    names = ["events.jsonl", "recipe.toml", "lock", "worker.log", "commands", "images"]
    names += [run.latest().path.name, run.latest().state_path.name]
    for name in names:
        for kind in ("folder", "fifo", "link to itself", "device", "nothing"):
            shutil.rmtree(run.path)
            shutil.copytree(kept, run.path)
            path = run.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            match kind:
                case "folder":
                    path.mkdir()
                case "fifo":
                    os.mkfifo(path)
                case "link to itself":
                    path.symlink_to(path.name)
                case "device":
                    path.symlink_to("/dev/zero")
            outcome = "went on"
            for attempt in (
                lambda: RunFeed(run).catch_up(),
                lambda: summarize(run),
                lambda: read_status(run),
                lambda: prepare_to_resume(run, TrainingJob(resume=run.name)),
            ):
                try:
                    attempt()
                except VaeTuiError as error:
                    assert name in str(error) or run.name in str(error)
                    outcome = "named"
            counts.add(outcome)
