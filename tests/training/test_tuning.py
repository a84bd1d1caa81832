"""Threads and compiling are decided by trial, said, and kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.device import multiplies_bfloat16
from vae_tui.errors import DeviceError
from vae_tui.model.checkpoint import read_tensors
from vae_tui.runs.metadata import read_metadata
from vae_tui.runs.status import read_status
from vae_tui.training.tuning import choose, time_threads, time_ways
from vae_tui.training.waiting import Waiting

CONVOLUTIONS = ("model.network=conv", "model.channels=[4]")


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_steps_are_timed_with_1_2_4_and_all_threads() -> None:
    took = {1: 0.03, 2: 0.01, 4: 0.02, 6: 0.05}
    asked: list[int] = []

    def step() -> None:
        asked.append(torch.get_num_threads())
        time.sleep(took[asked[-1]])

    seconds = time_threads(step, Waiting(6), most=6)
    assert list(seconds) == [1, 2, 4, 6]
    assert choose(seconds) == 2
    # By turns: each number is tried again after all the others.
    assert asked.index(6) < len(asked) - 1 - asked[::-1].index(1)


@pytest.mark.parametrize(("slower", "rounds"), [(0.1, 2), (0.06, 5)])
def test_where_one_way_is_clearly_the_fastest_two_rounds_are_enough(
    slower: float, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 0.0
    monkeypatch.setattr("vae_tui.training.tuning.time.perf_counter", lambda: clock)
    turns = {0.05: 0, slower: 0}

    def step(seconds: float) -> None:
        nonlocal clock
        clock += seconds
        turns[seconds] += 1

    time_ways({seconds: partial(step, seconds) for seconds in turns})
    assert turns[slower] == 2 * rounds  # one to begin with, one that is timed


@pytest.mark.parametrize(
    ("seconds", "chosen"), [({1: 1.0, 2: 0.6}, 2), ({1: 1.0, 2: 0.98}, 1), ({1: 1.0, 2: 4.0}, 1), ({1: 1.0}, 1)]
)
def test_more_threads_are_taken_only_where_they_pay(seconds: dict[int, float], chosen: int) -> None:
    assert choose(seconds) == chosen


@pytest.mark.parametrize(("seconds", "chosen"), [({1: 1.0, 2: 1.1}, 2), ({1: 1.0, 2: 1.3}, 1), ({1: 1.0, 2: 0.6}, 2)])
def test_on_a_busy_machine_threads_are_kept_for_when_it_is_quiet(seconds: dict[int, float], chosen: int) -> None:
    assert choose(seconds, busy=True) == chosen


@pytest.mark.slow
def test_the_choice_is_said_recorded_and_kept_by_a_resumed_run(make_run: MakeRun) -> None:
    torch.set_num_threads(2)
    run = make_run("train.threads=auto", "train.epochs=1", *CONVOLUTIONS)
    (started,) = [event for event in train_events(run) if isinstance(event, ev.TrainingStarted)]
    assert started.threads in (1, 2)
    assert started.notes[0].startswith(f"{started.threads} of 2 threads, by trial: ")
    assert started.notes[1].startswith("not compiled: this takes about 0 s")
    kept = started.threads
    assert read_metadata(run.latest().state_path)["threads"] == kept
    torch.set_num_threads(3)
    (again,) = [
        e for e in train_events(run, resume=True, overrides=["train.epochs=2"]) if isinstance(e, ev.TrainingStarted)
    ]
    assert again.threads == kept
    assert not any("by trial" in note for note in again.notes)


def test_a_trial_leaves_the_run_as_it_would_be(make_run: MakeRun) -> None:
    torch.set_num_threads(2)
    tried = make_run("train.threads=auto", name="tried")
    list(train_events(tried))
    torch.set_num_threads(2)
    told = make_run(f"train.threads={read_metadata(tried.latest().state_path)['threads']}", name="told")
    list(train_events(told))
    weights, expected = (read_tensors(run.latest().path)[0] for run in (tried, told))
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())


def test_ways_are_timed_by_turns_and_after_the_device_has_settled() -> None:
    done: list[str] = []
    ways = {name: (lambda name=name: (done.append(name), time.sleep(0.1))) for name in ("a", "b")}
    seconds = time_ways(ways, lambda: done.append("settled"), rounds=2)  # type: ignore[arg-type]
    assert done == ["a", "settled", "a", "settled", "b", "settled", "b", "settled"] * 2
    assert all(0.1 <= taken < 1 for taken in seconds.values())


def test_what_is_derived_by_hand_is_compiled_only_where_that_is_asked_for(make_run: MakeRun) -> None:
    (started,) = [event for event in train_events(make_run()) if isinstance(event, ev.TrainingStarted)]
    assert (
        "not compiled: the gradients of fully connected networks are derived by hand, which is faster" in started.notes
    )


@pytest.mark.parametrize(("has", "warns"), [(False, True), (True, False), (None, False)])
def test_bfloat16_on_a_processor_without_it_is_warned_of(
    has: bool | None, warns: bool, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_tui.training.tuning.multiplies_bfloat16", lambda: has)
    (started,) = [e for e in train_events(make_run("train.precision=bf16")) if isinstance(e, ev.TrainingStarted)]
    assert any("no products in bfloat16" in note for note in started.notes) == warns


@pytest.mark.parametrize(
    ("flags", "has"), [("fpu avx2 avx512_bf16 gfni", True), ("avx2 amx_bf16x", False), ("Features : bf16 i8mm", True)]
)
def test_bfloat16_is_looked_for_among_the_processor_s_flags(flags: str, has: bool, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : {flags}\n")
    assert multiplies_bfloat16(tmp_path / "cpuinfo") is has
    assert multiplies_bfloat16(tmp_path / "nothing") is None


COMPILED = ("train.compile=true", "data.binarize=dynamic", "optimizer.ema_decay=0.9", "objective.warmup_epochs=2")


@pytest.mark.slow
def test_a_compiled_run_learns_what_a_plain_one_does_and_resumes_exactly(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_tui.training.loop._POLL_SECONDS", 0.0)
    plain, whole, broken = (make_run(*COMPILED[number == 0 :], name=f"run{number}") for number in range(3))
    for run in (plain, whole):
        list(train_events(run))
    weights = [read_tensors(run.latest().path)[0] for run in (plain, whole)]
    assert all(torch.allclose(weights[0][name], tensor, atol=1e-4) for name, tensor in weights[1].items())
    asked = iter([False] * 7)
    list(train_events(broken, interrupted=lambda: next(asked, True)))
    assert broken.latest().step == 7
    assert read_metadata(broken.latest().state_path)["compiled"] is True
    list(train_events(broken, resume=True))
    assert broken.latest().path.read_bytes() == whole.latest().path.read_bytes()


def test_a_machine_without_a_compiler_trains_all_the_same_and_says_so(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no C++ compiler was found\nand a long story")

    monkeypatch.setattr("torch.compile", lambda *_, **__: refuse)
    monkeypatch.setattr("vae_tui.training.tuning._WORTH_COMPILING", 0.0)
    run = make_run("train.epochs=1", *CONVOLUTIONS)
    (started,) = [event for event in train_events(run) if isinstance(event, ev.TrainingStarted)]
    assert "not compiled: torch cannot compile here (no C++ compiler was found)" in started.notes
    assert read_status(run).phase == "completed"
    wanted = make_run("train.epochs=1", "train.compile=true", name="wanted")
    with pytest.raises(DeviceError, match=r"compile = true, but torch cannot compile here .*; is there a C"):
        list(train_events(wanted))


@pytest.mark.slow
def test_a_long_run_is_compiled_if_that_proves_faster(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_tui.training.tuning._WORTH_COMPILING", 0.0)
    run = make_run("train.epochs=1", *CONVOLUTIONS)
    (started,) = [event for event in train_events(run) if isinstance(event, ev.TrainingStarted)]
    (said,) = [note for note in started.notes if "compiled" in note]
    compiled = read_metadata(run.latest().state_path)["compiled"]
    assert said.startswith("compiled in " if compiled else "not compiled: a step takes ")
