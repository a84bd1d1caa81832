"""Threads wait for each other as fits the machine, and what they compute does not depend on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from vae_tui.events import TrainingStarted
from vae_tui.model.checkpoint import read_tensors
from vae_tui.runs.job import SPINNING, environment_of_torch
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.log import read_events

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="threads of torch that can be told how to wait: on Linux alone"),
    pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="on one core no thread waits for another"),
]


def run(script: str, **environment: str) -> Any:
    """What a script prints, as JSON, in a process with the environment of a trainer."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment_of_torch(clean | environment),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_threads_spin_while_they_wait_until_others_need_the_cores() -> None:
    script = """
import json, time, torch
from vae_tui.runs import job
job.SPINNING["GOMP_SPINCOUNT"] = "10000000000"
from vae_tui.training.waiting import Waiting
torch.set_num_threads(2)
waiting = Waiting(2)
values = torch.zeros(1 << 20)
def taken():
    "Seconds of the processor for one piece of work and half a second of waiting."
    values.add_(1)
    began = time.process_time()
    time.sleep(0.5)
    return time.process_time() - began
found = [max(taken() for _ in range(4))]
waiting.make_way(); waiting.make_way()
found.append(taken())
waiting.stay_awake(); waiting.stay_awake()
time.sleep(0.2)  # for a thread to be gone takes a moment more
found.append(max(taken() for _ in range(4)))
print(json.dumps(found))
"""
    awake, asleep, awake_again = run(script, GOMP_SPINCOUNT="10000000000", OMP_WAIT_POLICY="PASSIVE")
    # On a busy machine a thread that spins has a core only some of the time.
    assert awake > 0.05
    assert asleep < 0.05
    assert awake_again > 0.05


def test_all_threads_share_a_core_while_others_need_them_and_have_all_cores_again() -> None:
    script = """
import json, os, torch
from vae_tui.training.waiting import Waiting
torch.set_num_threads(2)
waiting = Waiting(2)
torch.zeros(1 << 20).add_(1)
def cores():
    return sorted({core for thread in os.listdir("/proc/self/task") for core in os.sched_getaffinity(int(thread))})
before = cores()
waiting.make_way()
during = cores()
waiting.stay_awake()
print(json.dumps([before, during, cores(), len(os.sched_getaffinity(0))]))
"""
    before, during, after, count = run(script)
    assert len(during) == (1 if count == 2 else count)
    assert before == after == sorted(os.sched_getaffinity(0))


@pytest.mark.slow
@pytest.mark.parametrize("network", [["model.hidden=[50]"], ["model.network=conv", "model.channels=[8, 16]"]])
def test_weights_are_the_same_however_the_threads_wait(network: list[str]) -> None:
    script = """
import hashlib, json, sys, torch
from vae_tui.data import load_image_sets
from vae_tui.recipe import load_recipe
from vae_tui.training.trainer import Trainer
from vae_tui.training.waiting import Waiting
recipe = load_recipe("digits", ["train.threads=2", *NETWORK]).recipe
sets = load_image_sets(recipe.data, seed=0, data_root=None, progress=lambda *_: None)
torch.set_num_threads(2)
digests = []
for how in ("awake", "busy", "trying", "changing"):
    trainer, waiting = Trainer(recipe, sets, torch.device("cpu"), compiled=False), Waiting(2)
    assert waiting.can_change
    for step in range(12):
        make_way = how in ("busy", "trying") or (how == "changing" and step % 3 == 0)
        (waiting.make_way if make_way else waiting.stay_awake)()
        if how == "trying":
            waiting.compare(1.0)
        if trainer.epoch_is_over:
            trainer.begin_epoch()
        trainer.step()
    waiting.stay_awake()
    weights = b"".join(tensor.numpy().tobytes() for _, tensor in sorted(trainer.vae.state_dict().items()))
    digests.append(hashlib.sha256(weights).hexdigest())
print(json.dumps(digests))
"""
    digests = run(f"NETWORK = {network!r}\n{script}")
    assert len(set(digests)) == 1


def test_it_follows_who_comes_and_goes_but_not_every_blink() -> None:
    script = """
import json, torch
from vae_tui.training.waiting import Waiting
torch.set_num_threads(2)
cores = len(Waiting(2)._cores)
waiting, spare, found = Waiting(2), cores - 2, []
for taken in (0.0, 0.1, 1.0, 0.1, 0.1, 0.3, 0.3, 0.1, 0.1, 0.3, 0.5):
    waiting.look(spare + taken)
    found.append(waiting.how == "awake")
print(json.dumps(found))
"""
    assert run(script) == [True, True, False, False, False, True, True, True, True, True, False]


def test_on_a_busy_machine_every_way_is_tried_and_the_fastest_is_kept() -> None:
    script = """
import json, os, threading, torch
from vae_tui.training.waiting import Waiting
torch.set_num_threads(2)
torch.zeros(1 << 20).add_(1)
cores = len(os.sched_getaffinity(0))
def affinities():
    ours = threading.get_native_id()
    others = [int(thread) for thread in os.listdir("/proc/self/task") if int(thread) != ours]
    return os.sched_getaffinity(ours), [os.sched_getaffinity(other) for other in others]
found = {}
for fastest in Waiting(2)._ways:
    waiting = Waiting(2)
    waiting.compare(1.0)
    assert waiting.how == "awake", "nothing is tried on a quiet machine"
    waiting.look(cores)
    tried = []
    for reading in range(2 * len(waiting._ways)):
        tried.append(waiting.how)
        # In its second turn the fastest also validated.
        validated = reading >= len(waiting._ways)
        waiting.compare((20.0 if validated else 1000.0) if waiting.how == fastest else 900.0)
        waiting.look(cores)
    kept = []
    for _ in range(50):
        kept.append(waiting.how)
        waiting.compare(1.0)
        waiting.look(cores)
    ours, others = affinities()
    found[fastest] = [tried, sorted(set(kept)), len(ours), all(ours.isdisjoint(other) for other in others)]
    for _ in range(100):
        waiting.compare(500.0 if waiting.how == "awake" else 1.0)
        waiting.look(cores)
    found[fastest].append(waiting.how)
    for _ in range(3):
        waiting.look(0.0)
    for _ in range(3):
        waiting.compare(1.0)
    ours, others = affinities()
    assert waiting.how == "awake" and {len(ours), *map(len, others)} == {cores}
print(json.dumps([cores, found]))
"""
    cores, found = run(script)
    if cores == 2:
        ways = ["on one core", "a core each", "awake"]
        cores_of_ours = {"on one core": (1, False), "a core each": (1, True), "awake": (2, False)}
    else:
        ways = ["asleep", "awake"]
        cores_of_ours = {"asleep": (cores, False), "awake": (cores, False)}
    for fastest in ways:
        assert found[fastest] == [[*ways, *ways], [fastest], *cores_of_ours[fastest], "awake"]


def test_with_a_fully_connected_network_nothing_needs_to_be_tried() -> None:
    script = """
import json, os, torch
from vae_tui.training.waiting import Waiting
torch.set_num_threads(2)
waiting = Waiting(2, fully_connected=True)
waiting.look(len(os.sched_getaffinity(0)))
found = []
for _ in range(10):
    waiting.compare(1.0)
    found.append(waiting.how)
print(json.dumps(sorted(set(found))))
"""
    assert run(script) == ["on one core" if len(os.sched_getaffinity(0)) == 2 else "asleep"]


@pytest.mark.parametrize(
    "chosen",
    [{"OMP_WAIT_POLICY": "PASSIVE"}, {"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "5"}, {"OMP_PROC_BIND": "true"}],
)
def test_what_the_user_has_chosen_stays(chosen: dict[str, str]) -> None:
    assert environment_of_torch(chosen) == chosen
    assert environment_of_torch({"A": "b"}) == {"A": "b", **SPINNING}
    script = """
import json, torch
from vae_tui.training.waiting import Waiting
torch.set_num_threads(2)
waiting = Waiting(2)
waiting.make_way()
print(json.dumps([waiting.can_change, waiting.how, waiting.notes]))
"""
    assert run(script, **chosen) == [False, "awake", []]


def test_one_thread_waits_for_nobody() -> None:
    script = (
        "import json, torch; from vae_tui.training.waiting import Waiting; print(json.dumps(Waiting(1).can_change))"
    )
    assert run(script) is False


def test_in_a_notebook_threads_sleep_but_are_not_moved() -> None:
    script = """
import json, os
for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
    del os.environ[name]
import torch
from vae_tui.training.waiting import Waiting
torch.set_num_threads(2)
waiting = Waiting(2)
waiting.make_way()
print(json.dumps([waiting.how, len(os.sched_getaffinity(0))]))
"""
    assert run(script) == ["asleep", len(os.sched_getaffinity(0))]


@pytest.mark.slow
def test_a_run_killed_under_one_policy_goes_on_exactly_under_another(tmp_path: Path) -> None:
    settings = ["train.threads=2", "model.hidden=[50]", "train.epochs=150", "train.compile=false", "train.keep=1000"]
    train = [sys.executable, "-m", "vae_tui", "train"]
    more = ["--ui", "none", *(part for setting in settings for part in ("--set", setting))]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}

    def run(*arguments: str, **environment: str) -> None:
        subprocess.run([*train, *arguments], cwd=tmp_path, env=clean | environment, check=True, capture_output=True)

    run("digits", "--run", "whole", *more, OMP_WAIT_POLICY="PASSIVE")
    run("digits", "--run", "broken", *more, "--set", "train.epochs=1000000", "--detach", OMP_WAIT_POLICY="ACTIVE")
    broken, whole = (Run(tmp_path / "checkpoints" / name) for name in ("broken", "whole"))
    while not broken.checkpoints():
        time.sleep(0.01)
    trainer = lock_holder(broken.path)
    assert trainer is not None
    os.kill(trainer, signal.SIGKILL)
    while lock_holder(broken.path) is not None:
        time.sleep(0.01)
    for later in [checkpoint for checkpoint in broken.checkpoints() if checkpoint.step >= whole.latest().step]:
        later.path.unlink()
        later.state_path.unlink()
    run("--resume", "broken", "--set", "train.epochs=150", "--ui", "none")
    names = [run.latest().path.name for run in (whole, broken)]
    assert names[0] == names[1]
    weights, expected = (read_tensors(run.latest().path)[0] for run in (broken, whole))
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())


def _kept_busy_by_others(process: psutil.Process) -> float:
    """How many cores all but `process` keep busy, over a second."""

    def seconds() -> float:
        cores, ours = psutil.cpu_times(), process.cpu_times()
        return sum(cores) - cores.idle - getattr(cores, "iowait", 0.0) - ours.user - ours.system

    before = seconds()
    time.sleep(1)
    return seconds() - before


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) != 2, reason="two threads share a core where there are two")
def test_a_trainer_makes_way_for_as_long_as_others_are_there(tmp_path: Path) -> None:
    settings = ["train.threads=2", "train.epochs=1000000", "train.compile=false"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    train = [sys.executable, "-m", "vae_tui", "train", "digits", "--run", "here", "--detach"]
    train += [part for setting in settings for part in ("--set", setting)]
    subprocess.run(train, cwd=tmp_path, env=clean, check=True, capture_output=True)
    run = Run(tmp_path / "checkpoints" / "here")
    trainer = lock_holder(run.path)
    assert trainer is not None
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]

    def seen(cores: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while len(os.sched_getaffinity(trainer)) != cores:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return True

    try:
        # While torch is imported, libraries go from core to core to ask each what it is.
        while not any(isinstance(event, TrainingStarted) for event in read_events(run.events_path)):
            time.sleep(0.05)
        assert seen(1, 20), "it makes way"
        assert not seen(2, 8), "and goes on to"
        for process in spinning:
            process.kill()
            process.wait()
        quiet_seconds, busy_seconds = 0, 0
        while quiet_seconds < 15 and not seen(2, 0):
            # Other tests may be under way, all of the time.
            if (busy := _kept_busy_by_others(psutil.Process(trainer))) > 0.1:
                busy_seconds += 1
                if busy_seconds > 20:
                    pytest.skip(f"others kept {busy:.1f} cores busy all the time")
            quiet_seconds = 0 if busy > 0.1 else quiet_seconds + 1
        assert seen(2, 1), "until they have left"
    finally:
        for process in spinning:
            process.kill()
            process.wait()
        os.kill(trainer, signal.SIGKILL)


def test_beside_other_ranks_threads_sleep_on_all_cores() -> None:
    script = """
import json, os, torch
from vae_tui.training.waiting import Waiting
torch.set_num_threads(2)
waiting = Waiting(2)
waiting.sleep()
waiting.make_way()
print(json.dumps([waiting.how, len(os.sched_getaffinity(0))]))
"""
    assert run(script) == ["asleep", len(os.sched_getaffinity(0))]


def test_the_threads_of_every_command_wait_as_those_of_a_trainer(tmp_path: Path) -> None:
    program = """
import os, sys
from vae_tui.cli import main
sys.argv = ["vae-tui", "--version"]
try:
    main()
except SystemExit:
    print(os.environ["OMP_WAIT_POLICY"], os.environ["GOMP_SPINCOUNT"])
"""
    clean = {name: value for name, value in os.environ.items() if name not in SPINNING}
    for chosen, expected in (({}, "PASSIVE 30000"), ({"OMP_WAIT_POLICY": "ACTIVE", "GOMP_SPINCOUNT": "7"}, "ACTIVE 7")):
        done = subprocess.run(
            [sys.executable, "-c", program], env=clean | chosen, cwd=tmp_path, capture_output=True, text=True
        )
        assert done.stdout.splitlines()[-1] == expected, done.stderr
