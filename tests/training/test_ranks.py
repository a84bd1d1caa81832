"""Several processes train one run, and it is the run that one process would have trained."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.device import choose_devices
from vae_tui.errors import DeviceError, RunError
from vae_tui.model.checkpoint import read_tensors
from vae_tui.runs.commands import Pause, Unpause, send_command
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events
from vae_tui.runs.resume import find_resume_point
from vae_tui.runs.status import read_status

pytestmark = pytest.mark.slow

_HARD = ("data.binarize=dynamic", "optimizer.ema_decay=0.9", "objective.warmup_epochs=2", "optimizer.clip_norm=5.0")
"""97 images in batches of 20: the last has 17, which two ranks do not share evenly."""


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def epochs(run: Run) -> list[ev.EpochCompleted]:
    return [event for event in read_events(run.events_path) if isinstance(event, ev.EpochCompleted)]


def assert_same_figures(run: Run, expected: Run) -> None:
    assert len(epochs(run)) == len(epochs(expected)) > 0
    for ours, theirs in zip(epochs(run), epochs(expected), strict=True):
        assert ours.train == pytest.approx(theirs.train, abs=1e-4)
        assert ours.validation == pytest.approx(theirs.validation, abs=1e-4)
        assert ours.rate_per_dimension == pytest.approx(theirs.rate_per_dimension, abs=1e-4)


def followers(process: int) -> list[psutil.Process]:
    children = psutil.Process(process).children(recursive=True)
    living = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in living if "follower" in " ".join(child.cmdline())]


@pytest.mark.parametrize(
    "overrides",
    [
        _HARD,
        ("model.network=conv", "model.channels=[4]", "data.mirror=true", "data.shift=1", "data.crop=0.2"),
        ("objective.distortion=false",),
        (*_HARD, "data.memory_gib=1e-6"),
    ],
    ids=["dense", "varied convolutions", "rate alone", "streamed"],
)
def test_two_ranks_have_the_losses_of_one_process(make_run: MakeRun, overrides: tuple[str, ...]) -> None:
    one, two = (make_run(*overrides, name=name) for name in ("one", "two"))
    list(train_events(one))
    found = list(train_events(two, devices=2))
    (started,) = [event for event in found if isinstance(event, ev.TrainingStarted)]
    assert started.device == "cpu and 1 more"
    assert_same_figures(two, one)
    weights, expected = (read_tensors(run.latest().path)[0] for run in (two, one))
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, atol=1e-4, rtol=0)
    assert two.worker_log_path.exists() is False, "only rank 0 writes, and nothing was to be said"
    assert followers(os.getpid()) == []


def test_a_run_stopped_on_two_ranks_goes_on_exactly(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_tui.training.loop._POLL_SECONDS", 0.0)
    monkeypatch.setattr("vae_tui.training.course._SECONDS_BETWEEN_MEETINGS", 0.0)
    whole, broken = (make_run(*_HARD, name=name) for name in ("whole", "broken"))
    list(train_events(whole, devices=2))
    asked = iter([False] * 7)
    list(train_events(broken, devices=2, interrupted=lambda: next(asked, True)))
    assert broken.latest().step == 7
    list(train_events(broken, devices=2, resume=True))
    assert broken.latest().path.read_bytes() == whole.latest().path.read_bytes()


def start(
    run_dir: Path,
    images_path: Path,
    *overrides: str,
    devices: int = 1,
    torchrun: bool = False,
    errors: int | None = None,
) -> subprocess.Popen[bytes]:
    """A trainer process on the blobs, for longer than any test."""
    recipe = run_dir.parent / "blobs.toml"
    recipe.write_text(
        f'[data]\nname = "npz"\nroot = "{images_path}"\n[model]\nhidden = [16]\nlatent_dim = 3\n'
        "[train]\nbatch_size = 20\nthreads = 1\n"
    )
    if torchrun:
        command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "vae_tui", "train"]
        command += [str(recipe), "--runs-dir", str(run_dir.parent), "--name", run_dir.name, "--device=cpu"]
        command += [f"--set={override}" for override in overrides]
    else:
        job = TrainingJob(
            recipe=str(recipe),
            overrides=overrides,
            runs_dir=run_dir.parent,
            name=run_dir.name,
            device="cpu",
            devices=devices,
        )
        command = ["-m", "vae_tui.training", job.to_json()]
    return subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=errors)


def wait_for_epochs(run: Run, count: int) -> None:
    patience = time.monotonic() + 120
    while not run.events_path.exists() or len(epochs(run)) < count:
        assert time.monotonic() < patience, run.events_path.read_text() if run.events_path.exists() else "no run"
        time.sleep(0.05)


def test_pause_and_stop_reach_every_rank(tmp_path: Path, images_path: Path) -> None:
    run = Run(tmp_path / "long")
    process = start(run.path, images_path, "train.epochs=1000000", devices=2)
    try:
        wait_for_epochs(run, 1)
        (follower,) = followers(process.pid)
        send_command(run, Pause())
        while not any(isinstance(event, ev.CommandDone) for event in read_events(run.events_path)):
            time.sleep(0.05)
        before = sum(follower.cpu_times()[:2])
        time.sleep(0.5)
        assert sum(follower.cpu_times()[:2]) - before < 0.25
        send_command(run, Unpause())
        wait_for_epochs(run, len(epochs(run)) + 2)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == 130
        assert not follower.is_running()
        assert read_status(run).phase == "stopped"
    finally:
        process.kill()


def test_a_rank_that_dies_ends_the_run_with_a_word_and_its_checkpoints_whole(tmp_path: Path, images_path: Path) -> None:
    run = Run(tmp_path / "long")
    process = start(run.path, images_path, "train.epochs=1000000", devices=2)
    try:
        wait_for_epochs(run, 1)
        while not run.checkpoints() or not run.latest().state_path.exists():
            time.sleep(0.05)
        (follower,) = followers(process.pid)
        follower.kill()
        assert process.wait(60) == 1
        finished = read_events(run.events_path)[-1]
        assert isinstance(finished, ev.RunFinished)
        assert finished.status == "failed"
        assert finished.reason == "rank 1 of 2 was killed by signal 9; go on from the last checkpoint with --resume"
        assert find_resume_point(run) is not None
    finally:
        process.kill()


def test_ranks_do_not_outlive_a_rank_0_that_was_killed(tmp_path: Path, images_path: Path) -> None:
    run = Run(tmp_path / "long")
    process = start(run.path, images_path, "train.epochs=1000000", devices=2)
    wait_for_epochs(run, 1)
    left = followers(process.pid)
    process.kill()
    process.wait()
    assert len(left) == 1
    assert psutil.wait_procs(left, 60)[1] == []


def test_ranks_do_not_outlive_a_rank_0_that_was_killed_before_they_met(tmp_path: Path, images_path: Path) -> None:
    run = Run(tmp_path / "long")
    process = start(run.path, images_path, devices=2)
    patience = time.monotonic() + 60
    while not (left := followers(process.pid)):
        assert time.monotonic() < patience
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert psutil.wait_procs(left, 60)[1] == []


def test_under_torchrun_its_user_is_told_what_went_wrong(tmp_path: Path) -> None:
    run = Run(tmp_path / "refused")
    (tmp_path / "odd.npz").write_text("no archive")
    process = start(run.path, tmp_path / "odd.npz", torchrun=True, errors=subprocess.PIPE)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    told = errors.decode()
    assert f"training; see it with: vae-tui watch {run.path}" in told
    assert f"{tmp_path / 'odd.npz'} is no .npz, .npy or .tif file" in told


@pytest.mark.parametrize(
    ("override", "named"),
    [("objective.name=tcvae", '[objective] name = "tcvae"'), ("likelihood.sigma=optimal", "[likelihood] sigma")],
)
def test_what_looks_at_whole_batches_is_refused_to_several(make_run: MakeRun, override: str, named: str) -> None:
    run = make_run("likelihood.name=gaussian", override)
    with pytest.raises(RunError, match=re.escape(named)):
        list(train_events(run, devices=2))
    assert followers(os.getpid()) == []


def test_a_rank_that_cannot_start_is_told_at_once(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "false")
    with pytest.raises(RunError, match="rank 1 of 2 ended as it was started"):
        list(train_events(make_run(), devices=2))


def test_torchrun_starts_the_ranks_as_well(tmp_path: Path, images_path: Path) -> None:
    together, alone = Run(tmp_path / "together"), Run(tmp_path / "alone")
    assert start(together.path, images_path, "train.epochs=3", torchrun=True).wait(120) == 0
    assert start(alone.path, images_path, "train.epochs=3").wait(120) == 0
    assert_same_figures(together, alone)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"alone", "together"}
    assert json.loads(together.events_path.read_text().splitlines()[-1])["status"] == "completed"


def test_too_many_devices_and_one_of_several_are_refused(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert choose_devices("auto", 2) == ["cuda:0", "cuda:1"]
    assert choose_devices("cpu", 2) == ["cpu"] * 2
    with pytest.raises(DeviceError, match="999 processes are wanted"):
        choose_devices("cpu", 999)
    with pytest.raises(DeviceError, match="3 devices are wanted, and this machine has 2 GPUs"):
        choose_devices("auto", 3)
    with pytest.raises(DeviceError, match="--device cuda:1 is one device, and 2 are wanted"):
        choose_devices("cuda:1", 2)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises((DeviceError, RunError), match="torchrun has started the processes"):
        list(train_events(make_run(), devices=2))


def test_ranks_listen_on_loopback_alone(tmp_path: Path, images_path: Path) -> None:
    run = Run(tmp_path / "long")
    process = start(run.path, images_path, "train.epochs=1000000", devices=2)
    try:
        wait_for_epochs(run, 1)
        (follower,) = followers(process.pid)
        listening = {
            connection.laddr.ip
            for one in (psutil.Process(process.pid), follower)
            for connection in one.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening
        assert all(ipaddress.ip_address(address).is_loopback for address in listening), listening
    finally:
        process.kill()
        process.wait()
