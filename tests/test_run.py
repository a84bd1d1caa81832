from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vae_tui import events as ev
from vae_tui.errors import CheckpointError, RunError
from vae_tui.run import EventReader, EventWriter, Run, find_checkpoint, find_run, follow, list_runs, read_metadata

EPOCH = ev.EpochStarted(time=1.0, step=0, epoch=1)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path, "here", "[data]\n", exact=True)


def test_runs_created_in_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    runs = [Run.create(tmp_path, "same", "") for _ in range(3)]
    assert len({run.path for run in runs}) == 3


@pytest.mark.parametrize("name", ["../out", "", ".", "-x"])
def test_a_run_is_a_plain_folder_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="cannot name a run"):
        Run.create(tmp_path / "runs", name, "", exact=True)


def test_a_name_that_is_taken_is_refused(run: Run) -> None:
    with pytest.raises(RunError, match="exists already"):
        Run.create(run.path.parent, "here", "", exact=True)


def test_a_torn_last_line_is_not_an_event_until_it_is_whole(run: Run) -> None:
    line = ev.to_json(EPOCH)
    reader = EventReader(run.events_path)
    assert reader.read() == []
    run.events_path.write_text(line[:20])
    assert reader.read() == []
    run.events_path.write_text(line + "\n")
    assert reader.read() == [(line, EPOCH)]
    assert reader.read() == []


@pytest.mark.parametrize("before", ["", "{}\n", "x" * 200_000 + "\n"])
def test_a_writer_cuts_off_the_line_its_predecessor_tore(run: Run, before: str) -> None:
    run.events_path.write_text(before + '{"event": "epo')
    writer = EventWriter(run.events_path)
    writer.write(EPOCH)
    writer.close()
    assert run.events_path.read_text() == before + ev.to_json(EPOCH) + "\n"


def test_following_yields_what_is_written_until_the_writer_is_gone(run: Run) -> None:
    gone = threading.Event()

    def write() -> None:
        writer = EventWriter(run.events_path)
        for epoch in range(1, 4):
            writer.write(ev.EpochStarted(time=1.0, step=0, epoch=epoch))
        writer.close()
        gone.set()

    threading.Thread(target=write).start()
    found = list(follow(EventReader(run.events_path), alive=lambda: not gone.is_set(), interval_seconds=0))
    assert [item[1].epoch for item in found if item and isinstance(item[1], ev.EpochStarted)] == [1, 2, 3]


def holding_process(run: Run) -> subprocess.Popen[str]:
    script = f"""
from pathlib import Path
from vae_tui.run import Run
Run(Path({str(run.path)!r})).acquire_lock()
print("held", flush=True)
input()
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_run_is_held_by_one_process_until_it_dies(run: Run) -> None:
    assert run.holder() is None
    assert run.state() == "starting"
    with holding_process(run) as process:
        assert run.holder() == process.pid
        assert run.state() == "running"
        with pytest.raises(RunError, match=rf"being trained by process {process.pid}"):
            run.acquire_lock()
        assert run.holder() == process.pid, "asking must not take the lock away"
        process.kill()
    assert run.holder() is None
    run.acquire_lock()
    assert run.holder() == os.getpid()
    run.release_lock()
    assert run.holder() is None


def test_a_trainer_that_died_without_a_word_leaves_an_interrupted_run(run: Run) -> None:
    writer = EventWriter(run.events_path)
    writer.write(EPOCH)
    assert run.state() == "interrupted"
    writer.write(ev.RunFinished(time=1.0, step=3, status="stopped", reason="", epoch=1))
    writer.close()
    assert run.state() == "stopped"


def test_commands_are_claimed_once_in_the_order_they_came(run: Run) -> None:
    run.send("pause")
    run.send("stop")
    (run.commands_path / "0-0.json").write_text("not a command")
    (run.commands_path / "0-1.json").write_text("[" * 100_000)
    os.mkfifo(run.commands_path / "0-2.json")
    (run.commands_path / ".half-written.json.1").write_text("{")
    assert list(run.claim_commands()) == ["pause", "stop"]
    assert list(run.claim_commands()) == []


def test_commands_nobody_claimed_can_be_forgotten(run: Run) -> None:
    run.send("stop")
    run.discard_commands()
    assert list(run.claim_commands()) == []


def test_a_run_is_found_by_name_prefix_path_or_as_the_newest(tmp_path: Path) -> None:
    for age, name in enumerate(["beta1-new", "beta10-old", "digits-older"]):
        made = Run.create(tmp_path, name, "", exact=True)
        os.utime(made.recipe_path, (1000 - age, 1000 - age))
    assert find_run(None, tmp_path).name == "beta1-new"
    assert find_run("dig", tmp_path).name == "digits-older"
    assert find_run(str(tmp_path / "beta10-old"), Path("elsewhere")).name == "beta10-old"
    assert [run.name for run in list_runs(tmp_path)] == ["beta1-new", "beta10-old", "digits-older"]
    with pytest.raises(RunError, match="fits 2 runs"):
        find_run("beta1", tmp_path)
    with pytest.raises(RunError, match="did you mean digits-older"):
        find_run("digitz-older", tmp_path)
    with pytest.raises(RunError, match="no run under"):
        find_run(None, tmp_path / "nowhere")


def test_a_run_without_checkpoints_says_so(run: Run) -> None:
    with pytest.raises(CheckpointError, match="holds no checkpoint yet"):
        find_checkpoint("here", run.path.parent)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "damaged or was cut short"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "damaged or was cut short"),
        (b"\x10" + bytes(7) + b'{"a":', "damaged or was cut short"),
        (b"\x02" + bytes(7) + b"{}", "did not write it"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_one_clear_message(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "step-000000001.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=complaint) as caught:
        read_metadata(path)
    assert str(path) in str(caught.value)
