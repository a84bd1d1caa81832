"""A finished run gives back its disk, and can be resumed and drawn from as before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from conftest import MakeRun, train_events

from vae_tui.errors import CheckpointError
from vae_tui.runs.best import best_checkpoint
from vae_tui.runs.files import folder_size
from vae_tui.runs.layout import Run
from vae_tui.runs.prune import plan_pruning
from vae_tui.runs.prune import prune as prune_run
from vae_tui.training import checkpoints

pytestmark = pytest.mark.slow
Prune = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def trained(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Six epochs, a checkpoint each, at so high a learning rate that the best comes early."""
    monkeypatch.setattr(checkpoints, "_SECONDS_BETWEEN", 0.0)
    run = make_run("train.epochs=6", "train.keep=6", "optimizer.lr=0.3", "train.seed=1")
    list(train_events(run))
    assert len(run.checkpoints()) == 6
    return run


@pytest.fixture
def prune(tmp_path: Path) -> Prune:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "vae_tui", "prune", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    return run


def test_the_best_and_the_newest_stay_with_all_that_is_no_checkpoint(trained: Run, make_run: MakeRun) -> None:
    best, newest = best_checkpoint(trained), trained.latest()
    (trained.path / "snapshots").mkdir(exist_ok=True)
    (trained.path / "snapshots" / "step-000000006.safetensors").write_bytes(b"kept for walking through time")
    (trained.path / "bookmarks.toml").write_text("[bookmarks]\n")
    (trained.path / "step-000000001.safetensors.set-aside").write_bytes(b"set aside")
    others = {path for path in trained.path.rglob("*") if not path.name.endswith(".safetensors")}
    others.add(trained.path / "snapshots" / "step-000000006.safetensors")
    before, plan = folder_size(trained.path), plan_pruning(trained, 1)
    assert prune_run(plan.run, 1) == plan.freed_bytes
    assert before - folder_size(trained.path) == plan.freed_bytes > 0
    assert {checkpoint.step for checkpoint in trained.checkpoints()} == {best.step, newest.step}
    assert {checkpoint.step for checkpoint in trained.states()} == {best.step, newest.step}
    assert best_checkpoint(trained) == best
    assert all(path.exists() for path in others)
    assert plan_pruning(trained, 1).files == ()
    assert [event.event for event in train_events(trained, resume=True, overrides=["train.epochs=7"])][
        -1
    ] == "run_finished"


def test_more_of_the_newest_stay_where_that_is_asked_for(trained: Run) -> None:
    newest = [checkpoint.step for checkpoint in trained.checkpoints()[-4:]]
    prune_run(trained, 4)
    assert [checkpoint.step for checkpoint in trained.checkpoints()][-4:] == newest


def test_states_whose_weights_are_gone_go_too(trained: Run) -> None:
    first = trained.checkpoints()[0]
    if first == best_checkpoint(trained):
        first = trained.checkpoints()[1]
    first.path.unlink()
    prune_run(trained, 1)
    assert not first.state_path.exists()


def test_what_a_run_goes_on_from_stays_where_its_newest_was_torn(trained: Run) -> None:
    before, newest = trained.checkpoints()[-2:]
    content = newest.state_path.read_bytes()
    newest.state_path.write_bytes(content[: len(content) // 2])
    prune_run(trained, 1)
    assert before.path.exists()
    assert before.state_path.exists()


def test_a_run_whose_newest_is_damaged_is_not_pruned(trained: Run) -> None:
    state = trained.latest().state_path
    content = bytearray(state.read_bytes())
    content[-3] ^= 0xFF
    state.write_bytes(content)
    with pytest.raises(CheckpointError, match="--from"):
        plan_pruning(trained, 1)


def test_the_command_says_what_it_frees_before_and_after(trained: Run, prune: Prune) -> None:
    kept = {best_checkpoint(trained).path.name, trained.latest().path.name}
    dry = prune("run", "--dry-run")
    assert (dry.returncode, dry.stdout) == (0, "")
    assert f"{best_checkpoint(trained).path.name} (the best)" in dry.stderr
    assert dry.stderr.endswith("would be freed\n")
    unasked = prune("run")
    assert unasked.returncode == 2
    assert "--yes" in unasked.stderr
    assert len(trained.checkpoints()) == 6
    done = prune("run", "--yes")
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1].startswith("freed ")
    assert {checkpoint.path.name for checkpoint in trained.checkpoints()} == kept
    assert prune("run", "--yes").stderr.endswith("nothing to delete\n")


def test_on_a_terminal_it_asks(trained: Run, tmp_path: Path) -> None:
    arguments = ["-m", "vae_tui", "prune", "run"]
    for answer, said in (("no", "nothing was deleted"), ("yes", "freed ")):
        terminal = pexpect.spawn(sys.executable, arguments, cwd=tmp_path, encoding="utf-8", timeout=60)
        terminal.expect("type yes:")
        assert len(trained.checkpoints()) == 6
        terminal.sendline(answer)
        terminal.expect(said)
        terminal.expect(pexpect.EOF)
        terminal.close()
    assert len(trained.checkpoints()) <= 2


def test_a_live_run_is_refused(trained: Run, tmp_path: Path) -> None:
    hold = f"from pathlib import Path; from vae_tui.runs.lock import *; acquire_lock(Path({str(trained.path)!r})); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        command = [sys.executable, "-m", "vae_tui", "prune", "run", "--yes"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        other.communicate()
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is being trained" in done.stderr
    assert len(trained.checkpoints()) == 6
