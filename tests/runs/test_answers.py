"""Commands that are sent and waited for."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from vae_tui import events as ev
from vae_tui.errors import RunError
from vae_tui.runs.answers import ask
from vae_tui.runs.commands import Command, Pause, Save, SentCommand, Stop, claim_commands, waiting_commands
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import acquire_lock, lock_holder, release_lock
from vae_tui.runs.log import EventWriter


class Trainer:
    """Answers one command as a trainer does, or ends without a word."""

    def __init__(self, run: Run, *, answers: bool = True, refuses: bool = False) -> None:
        self._run, self._answers, self._refuses = run, answers, refuses
        acquire_lock(run.path)
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        while not waiting_commands(self._run):
            time.sleep(0.01)
        if self._answers:
            writer = EventWriter(self._run.events_path)
            for sent in claim_commands(self._run):
                self._answer(writer, sent)
            writer.close()
        release_lock(self._run.path)

    def _answer(self, writer: EventWriter, sent: SentCommand) -> None:
        done = ev.CommandDone(
            time=1.0, step=3, command=sent.command.name, id=sent.id, message="done so", refused=self._refuses
        )
        writer.write(done)
        if isinstance(sent.command, Stop):
            writer.write(ev.RunFinished(time=2.0, step=3, status="stopped", reason="by request", epoch=1))

    def close(self) -> None:
        self._thread.join()


@pytest.mark.parametrize(("command", "answer"), [(Save(), "done so"), (Stop(), "stopped by request")])
def test_the_answer_is_that_of_the_command_that_was_sent(run: Run, command: Command, answer: str) -> None:
    writer = EventWriter(run.events_path)
    writer.write(ev.CommandDone(time=1.0, step=1, command=command.name, id="another", message="long ago"))
    trainer = Trainer(run)
    assert answer in ask(run, command)
    if isinstance(command, Stop):
        assert lock_holder(run.path) is None, "another may go on with it at once"
    trainer.close()


def test_a_refusal_says_why(run: Run) -> None:
    trainer = Trainer(run, refuses=True)
    with pytest.raises(RunError, match="done so"):
        ask(run, Save())
    trainer.close()


def test_a_trainer_that_ends_first_leaves_no_command_behind(run: Run) -> None:
    trainer = Trainer(run, answers=False)
    with pytest.raises(RunError, match="its trainer ended before it answered"):
        ask(run, Pause())
    trainer.close()
    assert waiting_commands(run) == []


def test_a_run_that_nobody_trains_is_not_asked(run: Run) -> None:
    with pytest.raises(RunError, match="is interrupted: no trainer is there to pause"):
        ask(run, Pause())
    assert waiting_commands(run) == []


def test_a_trainer_that_is_stopped_is_named_and_not_waited_for(run: Run) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from vae_tui.runs.lock import acquire_lock\n"
        f"acquire_lock(pathlib.Path({str(run.path)!r}))\n"
        "print('locked', flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as trainer:
        assert trainer.stdout is not None
        assert trainer.stdout.readline() == "locked\n"
        trainer.send_signal(signal.SIGSTOP)
        try:
            told = rf"its trainer, process {trainer.pid}, is stopped, .*; let it go on with: kill -CONT {trainer.pid}"
            with pytest.raises(RunError, match=told):
                ask(run, Save())
            assert waiting_commands(run) == []
        finally:
            trainer.kill()
