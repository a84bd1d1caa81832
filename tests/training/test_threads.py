"""The number of threads is found by trial and kept."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import torch
from conftest import MakeRun

from vae_tui import events as ev
from vae_tui.model.checkpoint import read_tensors
from vae_tui.run import read_metadata
from vae_tui.training.attempt import attempt
from vae_tui.training.threads import choose, time_threads


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

    seconds = time_threads(step, most=6)
    assert list(seconds) == [1, 2, 4, 6]
    assert choose(seconds) == 2
    # By turns: each number is tried again after all the others.
    assert asked.index(6) < len(asked) - 1 - asked[::-1].index(1)


@pytest.mark.parametrize(
    ("seconds", "chosen"), [({1: 1.0, 2: 0.6}, 2), ({1: 1.0, 2: 0.98}, 1), ({1: 1.0, 2: 4.0}, 1), ({1: 1.0}, 1)]
)
def test_more_threads_are_taken_only_where_they_pay(seconds: dict[int, float], chosen: int) -> None:
    assert choose(seconds) == chosen


def test_the_choice_is_said_recorded_and_kept_by_a_resumed_run(make_run: MakeRun) -> None:
    torch.set_num_threads(2)
    run = make_run("train.threads=auto", "train.epochs=1")
    (started,) = [event for event in attempt(run, device="cpu") if isinstance(event, ev.TrainingStarted)]
    assert started.threads in (1, 2)
    assert started.notes[0].startswith(f"{started.threads} of 2 threads, by trial: ")
    kept = started.threads
    assert read_metadata(run.latest().state_path)["threads"] == kept
    torch.set_num_threads(3)
    (again,) = [e for e in attempt(run, device="cpu", resume=True) if isinstance(e, ev.TrainingStarted)]
    assert again.threads == kept
    assert not any("by trial" in note for note in again.notes)


def test_a_trial_leaves_the_run_as_it_would_be(make_run: MakeRun) -> None:
    torch.set_num_threads(2)
    tried = make_run("train.threads=auto", name="tried")
    list(attempt(tried, device="cpu"))
    torch.set_num_threads(2)
    told = make_run(f"train.threads={read_metadata(tried.latest().state_path)['threads']}", name="told")
    list(attempt(told, device="cpu"))
    weights, expected = (read_tensors(run.latest().path)[0] for run in (tried, told))
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())
