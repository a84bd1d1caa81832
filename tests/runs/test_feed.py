from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from log_events import training_started

from vae_tui import events as ev
from vae_tui.errors import RunError
from vae_tui.runs.commands import Pause, Save, Stop, claim_commands, send_command
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import acquire_lock, release_lock
from vae_tui.runs.log import EventWriter
from vae_tui.runs.status import RunStatus

RECIPE: dict[str, dict[str, Any]] = {"data": {"name": "digits"}, "train": {"epochs": 10}}


class Trainer:
    """Writes a run's log as a trainer does, holding its lock."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.writer = EventWriter(run.events_path)

    def start(self, pid: int = 1, resumed_from: int | None = None) -> None:
        step = resumed_from or 0
        self.write(ev.RunStarted(time=0.0, step=step, pid=pid, version="0", recipe=RECIPE, resumed_from=resumed_from))

    def begin(self) -> None:
        self.write(training_started(steps_per_epoch=5))

    def finish(self, status: ev.EndStatus = "stopped") -> None:
        self.write(ev.RunFinished(time=9.0, step=5, status=status, reason="", epoch=1))

    def answer(self) -> None:
        for sent in claim_commands(self.run):
            self.write(
                ev.CommandDone(time=2.0, step=1, command=sent.command.name, message="done", id=sent.id, values={})
            )

    def write(self, event: ev.Event) -> None:
        self.writer.write(event)


@pytest.fixture
def trainer(run: Run) -> Iterator[Trainer]:
    acquire_lock(run.path)
    trainer = Trainer(run)
    yield trainer
    trainer.writer.close()
    release_lock(run.path)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until its stdin is closed."""
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield process
    process.communicate()


def test_a_feed_knows_how_a_live_run_stands(run: Run, trainer: Trainer) -> None:
    feed = RunFeed(run)
    feed.poll()
    assert feed.status == RunStatus("starting", live=True)
    trainer.start()
    trainer.begin()
    assert [logged.event.event for logged in feed.poll()] == ["run_started", "training_started"]
    assert feed.status == RunStatus("training", live=True)
    trainer.finish()
    feed.poll()
    assert feed.status == RunStatus("stopped", live=False)


def test_a_run_whose_trainer_is_gone_is_interrupted(run: Run) -> None:
    trainer = Trainer(run)
    trainer.start()
    trainer.begin()
    feed = RunFeed(run)
    feed.poll()
    assert feed.status == RunStatus("interrupted", live=False)
    assert feed.died


def test_a_run_that_is_renamed_while_it_trains_is_followed(run: Run, trainer: Trainer) -> None:
    feed = RunFeed(run)
    trainer.start(pid=os.getpid())
    trainer.begin()
    feed.poll()
    renamed = run.path.rename(run.path.with_name("there"))
    trainer.write(ev.EpochStarted(time=2.0, step=0, epoch=1))
    assert [logged.event.event for logged in feed.poll()] == ["epoch_started"]
    assert feed.status == RunStatus("training", live=True)
    assert feed.run.path == renamed
    assert f"it is {renamed} now" in feed.history.messages[-1].text
    feed.send(Save())
    assert [sent.command for sent in claim_commands(Run(renamed))] == [Save()]


def test_a_run_that_was_renamed_and_has_ended_by_the_time_one_looks_is_followed(run: Run, trainer: Trainer) -> None:
    feed = RunFeed(run)
    trainer.start(pid=os.getpid())
    trainer.begin()
    feed.poll()
    renamed = run.path.rename(run.path.with_name("there"))
    trainer.finish("stopped")
    release_lock(renamed)
    assert [logged.event.event for logged in feed.poll()] == ["run_finished"]
    assert (feed.run.path, feed.status) == (renamed, RunStatus("stopped", live=False))


def test_another_run_is_not_taken_for_the_one_that_was_deleted(run: Run, trainer: Trainer) -> None:
    feed = RunFeed(run)
    trainer.start(pid=os.getpid())
    trainer.begin()
    feed.poll()
    other = run.path.with_name("other")
    shutil.copytree(run.path, other, ignore=shutil.ignore_patterns("lock"))
    release_lock(run.path)
    shutil.rmtree(run.path)
    assert feed.poll() == []
    assert feed.run.path == run.path
    assert run.absence


def test_a_run_whose_folder_is_gone_is_over_and_says_so(run: Run, trainer: Trainer) -> None:
    feed = RunFeed(run)
    trainer.start(pid=os.getpid())
    trainer.begin()
    feed.poll()
    assert run.absence == ""
    shutil.rmtree(run.path)
    feed.poll()
    assert feed.status.over
    assert f"{run.path} is not there any more: it was deleted or moved" in run.absence


def test_a_command_waits_until_its_own_answer_comes(run: Run, trainer: Trainer) -> None:
    feed = RunFeed(run)
    trainer.start()
    trainer.begin()
    feed.poll()
    feed.send(Save())
    feed.poll()
    assert feed.status.pending == (Save(),)
    trainer.write(ev.CommandDone(time=2.0, step=1, command="save", message="saved for another", id="0-0"))
    feed.poll()
    assert feed.status.pending == (Save(),)
    trainer.answer()
    feed.poll()
    assert not feed.status.pending


def test_commands_of_others_are_seen_while_nobody_has_claimed_them(run: Run, trainer: Trainer) -> None:
    feed = RunFeed(run)
    trainer.start()
    trainer.begin()
    send_command(run, Pause())
    feed.poll()
    assert (feed.pending, feed.own_pending) == ((Pause(),), ())
    trainer.answer()
    feed.poll()
    assert feed.pending == ()


def test_a_stop_that_a_starting_trainer_missed_is_sent_again(run: Run, trainer: Trainer) -> None:
    feed = RunFeed(run)
    trainer.start()
    feed.poll()
    feed.send(Stop())
    list(claim_commands(run))
    trainer.begin()
    feed.poll()
    assert [sent.command for sent in claim_commands(run)] == [Stop()]
    assert feed.own_pending == (Stop(),)


def test_there_is_nothing_to_steer_without_a_trainer(run: Run) -> None:
    feed = RunFeed(run)
    feed.poll()
    with pytest.raises(RunError, match="nothing to steer"):
        feed.send(Save())


def test_a_stop_waits_from_its_answer_to_the_end_of_the_run(run: Run, trainer: Trainer) -> None:
    feed = RunFeed(run)
    trainer.start()
    trainer.begin()
    feed.poll()
    feed.send(Stop())
    trainer.answer()
    feed.poll()
    assert feed.own_pending == (Stop(),)
    trainer.finish()
    feed.poll()
    assert feed.pending == ()


def test_the_end_of_an_earlier_trainer_is_not_that_of_the_one_just_started(
    run: Run, process: subprocess.Popen[bytes]
) -> None:
    trainer = Trainer(run)
    trainer.start()
    trainer.begin()
    trainer.finish()
    feed = RunFeed(run, trainer=process, log_bytes=run.events_path.stat().st_size)
    trainer.start(pid=process.pid, resumed_from=5)
    feed.catch_up()
    assert feed.history.finished is not None, "the log is read up to where the new trainer began"
    assert feed.status == RunStatus("starting", live=True)
    assert feed.stages == ()
    assert [logged.event.event for logged in feed.poll()] == ["run_started"]
    assert feed.history.finished is None


def test_a_trainer_that_died_before_it_reported_anything_has_failed(run: Run) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    feed = RunFeed(run, trainer=process)
    feed.poll()
    assert feed.status == RunStatus("failed", live=False)
    assert feed.died


def test_following_ends_with_the_trainers_last_event(run: Run) -> None:
    gone = threading.Event()

    def train() -> None:
        trainer = Trainer(run)
        trainer.start()
        trainer.begin()
        trainer.finish("completed")
        gone.set()

    threading.Thread(target=train).start()
    feed = RunFeed(run)
    feed._find_trainer = lambda: not gone.is_set()  # type: ignore[method-assign]
    found = [logged.event.event for logged in feed.follow(interval_seconds=0) if logged is not None]
    assert found == ["run_started", "training_started", "run_finished"]
    assert feed.status == RunStatus("completed", live=False)


@pytest.mark.slow
def test_a_second_front_end_follows_a_live_run_in_ten_lines(
    make_run: Callable[..., Run], tmp_path: Path, images_path: Path
) -> None:
    program = f"""
import sys
from pathlib import Path
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run

feed = RunFeed(Run(Path({str(tmp_path / "checkpoints" / "mine")!r})))
for logged in feed.follow():
    if logged is not None and logged.event.event == "epoch_completed":
        now = feed.history.now
        print(now.epoch, feed.status.phase, round(now.validation["negative_elbo"], 2), flush=True)
print("then", feed.status.phase)
"""
    from vae_tui.runs.job import TrainingJob, start_trainer, wait_until_opened

    recipe = make_run(name="template").recipe_path
    job = TrainingJob(recipe=str(recipe), runs_dir=tmp_path / "checkpoints", name="mine", device="cpu")
    trainer = start_trainer(job)
    opened = wait_until_opened(trainer)
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert trainer.wait() == 0
    *epochs, end = shown.splitlines()
    assert [line.split()[0] for line in epochs] == ["1", "2", "3"]
    assert end == "then completed"
    assert opened.run.name == "mine"


def test_lines_that_are_no_events_are_left_out_counted_and_said(run: Run) -> None:
    note = ev.to_json(ev.NoteAdded(time=1.0, step=3, note="whole"))
    lines = [note, "{", note.replace("3", '"three"'), note.replace("note_added", "of_tomorrow"), note]
    run.events_path.write_text("\n".join(lines) + "\n")
    feed = RunFeed(run)
    feed.catch_up()
    assert "left out of events.jsonl: 2 lines damaged (at byte" in feed.skipped_lines
    assert "`step` is 'three'" in feed.skipped_lines
    assert "1 line of a later version of vae-tui" in feed.skipped_lines
    assert feed.history.messages[-1].text == feed.skipped_lines
    assert [message.text for message in feed.history.messages].count("whole") == 2


def test_a_log_that_another_took_the_place_of_is_read_from_its_first_line(run: Run) -> None:
    note = ev.to_json(ev.NoteAdded(time=1.0, step=3, note="first")) + "\n"
    run.events_path.write_text(note * 5)
    feed = RunFeed(run)
    feed.catch_up()
    run.events_path.write_text(note.replace("first", "other"))
    assert [logged.event for logged in feed.poll()] == [ev.NoteAdded(time=1.0, step=3, note="other")]
