from __future__ import annotations

import os
import tracemalloc

import pytest

from vae_tui.runs.commands import (
    Command,
    Pause,
    Sample,
    Save,
    SentCommand,
    Set,
    Stop,
    Unknown,
    Unpause,
    claim_commands,
    discard_commands,
    send_command,
    waiting_commands,
)
from vae_tui.runs.layout import Run


@pytest.mark.parametrize(
    "command",
    [Stop(), Pause(), Unpause(), Save(), Sample(), Set("objective.beta", 4.0), Set("optimizer.name", "sgd")],
)
def test_a_command_arrives_as_it_was_sent_with_the_id_its_sender_knows(run: Run, command: Command) -> None:
    sent = send_command(run, command)
    assert sent.command == command
    assert waiting_commands(run) == [sent]
    assert list(claim_commands(run)) == [sent]
    assert waiting_commands(run) == []


def test_commands_are_claimed_once_in_the_order_they_came(run: Run) -> None:
    sent = [send_command(run, Pause()), send_command(run, Stop())]
    assert list(claim_commands(run)) == sent
    assert list(claim_commands(run)) == []


@pytest.mark.parametrize(
    "content",
    [
        "not a command",
        "[" * 100_000,
        "[]",
        "{}",
        '{"command": 1}',
        '{"command": "set"}',
        '{"command": "set", "key": 1}',
    ],
)
def test_a_file_that_is_no_command_is_unknown_and_gone(run: Run, content: str) -> None:
    (run.commands_path / "0-0.json").write_text(content)
    os.mkfifo(run.commands_path / "0-1.json")
    (run.commands_path / ".half-written.json.1").write_text("{")
    sent = send_command(run, Save())
    assert waiting_commands(run) == [sent]
    unreadable = Unknown("unreadable")
    assert list(claim_commands(run)) == [SentCommand("0-0", unreadable), SentCommand("0-1", unreadable), sent]
    assert sorted(path.name for path in run.commands_path.iterdir()) == [".half-written.json.1"]


def test_a_command_of_gigabytes_is_not_read(run: Run) -> None:
    large = run.commands_path / "0-0.json"
    large.write_text('{"command": "stop"}')
    os.truncate(large, 1 << 33)
    tracemalloc.start()
    try:
        assert list(claim_commands(run)) == [SentCommand("0-0", Unknown("unreadable"))]
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()
    assert not list(run.commands_path.iterdir())


def test_a_command_of_a_newer_version_is_claimed_by_its_name(run: Run) -> None:
    (run.commands_path / "0-0.json").write_text('{"command": "evaluate", "samples": 9}')
    assert [sent.command for sent in claim_commands(run)] == [Unknown("evaluate")]


def test_commands_nobody_claimed_can_be_forgotten(run: Run) -> None:
    send_command(run, Stop())
    discard_commands(run)
    assert list(claim_commands(run)) == []
