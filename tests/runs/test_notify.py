"""A command is run once for each thing there is to hear of a run, and never costs the run anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from log_events import training_started

from vae_tui import events as ev
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.runs.log import EventWriter
from vae_tui.runs.notify import Notice, NotifyCommand, TrainerNotices, WatcherNotices, notice_of, read_problems

TELL = 'printf "%s|%s|%s|%s\\n" "$VAE_TUI_EVENT" "$VAE_TUI_RUN" "$VAE_TUI_MESSAGE" "$PWD" >> heard'


def finished(status: ev.EndStatus = "completed", reason: str = "3 epochs") -> ev.RunFinished:
    return ev.RunFinished(time=3.0, step=9, status=status, reason=reason, epoch=3)


def note(alarm: str) -> ev.NoteAdded:
    return ev.NoteAdded(time=2.0, step=5, note="posterior collapse: all", alarm=alarm)  # type: ignore[arg-type]


def started(pid: int = 7) -> ev.RunStarted:
    return ev.RunStarted(time=1.0, step=0, pid=pid, version="0", recipe={})


def log(run: Run, *events: ev.Event) -> None:
    writer = EventWriter(run.events_path)
    for event in events:
        writer.write(event)
    writer.close()


def test_ends_and_collapse_are_worth_a_notice_and_nothing_else() -> None:
    assert notice_of(finished()) == Notice("completed", "completed: 3 epochs")
    assert notice_of(finished("failed", "no\nmemory\x1b[m")) == Notice("failed", "failed: no\\nmemory\\x1b[m")
    assert notice_of(note("collapsed")) == Notice("collapsed", "posterior collapse: all")
    assert notice_of(note("")) is None
    assert notice_of(training_started()) is None


def test_the_command_knows_the_run_the_event_and_a_line_about_it(run: Run, tmp_path: Path) -> None:
    problems: list[str] = []
    command = NotifyCommand(TELL, folder=tmp_path, report=problems.append)
    command.start(run.path, Notice("stopped", 'stopped "by" $HOME'))
    command.finish()
    assert (tmp_path / "heard").read_text() == f'stopped|{run.path}|stopped "by" $HOME|{tmp_path}\n'
    assert problems == []


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("exit 3", "the command of --notify failed with exit status 3 (completed): exit 3"),
        ("kill -9 $$", "the command of --notify was ended by signal 9 (completed): kill -9 $$"),
        (
            "sleep 1000 & wait",
            "the command of --notify took longer than 0.2 s and was ended (completed): sleep 1000 & wait",
        ),
    ],
)
def test_a_command_that_fails_is_reported_in_a_line(tmp_path: Path, command: str, problem: str) -> None:
    problems: list[str] = []
    notify = NotifyCommand(command, folder=tmp_path, report=problems.append, seconds=0.2 if "1000" in command else 60)
    notify.start(tmp_path, Notice("completed", ""))
    notify.finish()
    assert problems == [problem]


def test_what_cannot_be_started_is_reported_and_raises_nothing(tmp_path: Path) -> None:
    problems: list[str] = []
    notify = NotifyCommand("true\0", folder=tmp_path / "gone", report=problems.append)
    notify.start(tmp_path, Notice("failed", ""))
    notify.finish()
    assert len(problems) == 1
    assert "could not be started" in problems[0]


def test_an_empty_command_runs_nothing(tmp_path: Path) -> None:
    notify = NotifyCommand("", folder=tmp_path, report=pytest.fail)
    notify.start(tmp_path, Notice("failed", ""))
    notify.finish()


def test_a_trainer_tells_each_event_once(run: Run, tmp_path: Path) -> None:
    notices = TrainerNotices(TELL, folder=tmp_path)
    for event in (started(), note(""), note("collapsed"), finished()):
        notices.take(event, run.path)
    notices.close(finished(), run.path)
    heard = sorted(line.split("|")[0] for line in (tmp_path / "heard").read_text().splitlines())
    assert heard == ["collapsed", "completed"]


def test_an_end_that_was_only_logged_is_told_as_the_trainer_leaves(run: Run, tmp_path: Path) -> None:
    notices = TrainerNotices(TELL, folder=tmp_path)
    notices.take(started(), run.path)
    notices.close(finished("failed", "a bug"), run.path)
    assert (tmp_path / "heard").read_text().startswith("failed|")


def test_a_watcher_leaves_the_command_to_the_trainer_but_for_its_death(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    feed = RunFeed(run)
    beside = WatcherNotices(TELL, by_trainer=True)
    assert beside.take(finished(), feed) == Notice("completed", "completed: 3 epochs")
    beside.finish(feed)
    assert not (tmp_path / "heard").exists()
    beside.take_death(feed)
    alone = WatcherNotices(TELL)
    alone.take(note("collapsed"), feed)
    beside.finish(feed)
    alone.finish(feed)
    assert sorted(line.split("|")[0] for line in (tmp_path / "heard").read_text().splitlines()) == [
        "collapsed",
        "failed",
    ]


def test_front_ends_find_what_failed_for_the_newest_trainer_alone(run: Run) -> None:
    program = (
        "from pathlib import Path; from vae_tui.runs.notify import *; from vae_tui.events import RunFinished\n"
        "notices = TrainerNotices('exit 4', folder=Path())\n"
        "notices.close(RunFinished(time=1.0, step=1, status='completed', reason='', epoch=1), Path())"
    )
    for _ in range(2):
        with run.worker_log_path.open("ab") as output:
            trainer = subprocess.Popen([sys.executable, "-c", program], stdout=output)
            assert trainer.wait() == 0
    log(run, started(pid=trainer.pid))
    feed = RunFeed(run)
    feed.catch_up()
    assert run.worker_log_path.read_text().count("exit status 4") == 2
    assert read_problems(feed) == ["the command of --notify failed with exit status 4 (completed): exit 4"]
    os.truncate(run.worker_log_path, 0)
    assert read_problems(feed) == []
