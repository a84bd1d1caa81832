"""How a run takes its steps: on how many threads, and whether compiled. Measured, not assumed, and kept on resuming."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar

import torch

from vae_tui.data import ImageSets, Progress
from vae_tui.device import multiplies_bfloat16
from vae_tui.errors import DeviceError
from vae_tui.objective import find_objective
from vae_tui.recipe import Recipe
from vae_tui.training.dense import supports_manual_backward
from vae_tui.training.resources import OtherPrograms
from vae_tui.training.trainer import Trainer
from vae_tui.training.waiting import Waiting

_Way = TypeVar("_Way")
_ROUNDS = 5
_SECONDS_PER_TURN = 0.04
_CLEARLY = 1.3
"""So much faster in each of two rounds, a way needs no more of them."""
_LEAST_GAIN = 1.05
"""More threads must be this much faster than fewer: they are taken from the screen and from others."""
_LOSS_WHILE_BUSY = 1.15
_WORTH_COMPILING = 150.0
"""Seconds of training from which on compiling, 4 to 30 s, is worth a try: it saves about a tenth."""


@dataclass(frozen=True)
class Tuning:
    """What was decided, and in words why."""

    threads: int
    compiled: bool
    notes: tuple[str, ...] = ()


def share_machine(recipe: Recipe, ranks_here: int) -> Tuning:
    """What goes for each of several ranks on this machine: there are no trials, and threads are shared out."""
    wanted = recipe.train.threads
    torch.set_num_threads(max(1, torch.get_num_threads() // ranks_here) if wanted == "auto" else wanted)
    if recipe.train.compile == "auto":
        return Tuning(
            torch.get_num_threads(), False, ("not compiled: several ranks train; [train] compile = true does",)
        )
    return Tuning(torch.get_num_threads(), recipe.train.compile)


def tune(
    recipe: Recipe,
    sets: ImageSets,
    device: torch.device,
    recorded: Mapping[str, Any] | None,
    others: OtherPrograms,
    say_stage: Progress,
) -> Tuning:
    """Decide, and set the number of threads: as the recipe says, else as `recorded` by the run, else by trial.

    Trials are made on a copy. Raises DeviceError where the recipe wants what torch cannot compile here.
    """
    notes = []
    if device.type == "cpu" and recipe.train.precision == "bf16" and multiplies_bfloat16() is False:
        notes.append(
            'this processor has no products in bfloat16: [train] precision = "float32" is many times as fast here'
        )
    timed: dict[int, float] = {}
    copy = cache(lambda: _steps_on_a_copy(recipe, sets, device))
    if recipe.train.threads != "auto":
        torch.set_num_threads(recipe.train.threads)
    elif recorded is not None:
        # The last bits of sums depend on it.
        torch.set_num_threads(recorded["threads"])
    elif device.type == "cpu" and torch.get_num_threads() > 1:
        say_stage("trying numbers of threads", 0, None)
        waiting = Waiting(torch.get_num_threads())
        waiting.look(others.read()[1])
        busy = waiting.how != "awake"
        try:
            timed = time_threads(copy(), waiting, most=torch.get_num_threads())
        finally:
            waiting.stay_awake()
        torch.set_num_threads(choose(timed, busy=busy))
        batch = min(recipe.train.batch_size, len(sets.train))
        speeds = ", ".join(f"{batch / seconds:,.0f} with {count}" for count, seconds in timed.items())
        notes.append(
            f"{torch.get_num_threads()} of {max(timed)} threads, by trial: {speeds} (images/s); "
            "[train] threads = N sets it"
        )
    compiled, why = _decide_compiling(recipe, sets, device, recorded, timed, copy, say_stage)
    return Tuning(torch.get_num_threads(), compiled, (*notes, why) if why else tuple(notes))


def time_ways(
    ways: Mapping[_Way, Callable[[], None]], settle: Callable[[], None] = lambda: None, *, rounds: int = _ROUNDS
) -> dict[_Way, float]:
    """Seconds a step takes each way, by turns, so that what else runs on the machine meets all ways alike.

    `settle` waits for a device that is still at work. One way that is clearly the fastest ends the rounds early.
    """
    seconds: dict[_Way, list[float]] = {way: [] for way in ways}
    for number in range(rounds):
        if number == 2 and _has_clear_winner(list(seconds.values())):
            break
        for way, step in ways.items():
            step()
            settle()
            began, steps = time.perf_counter(), 0
            while time.perf_counter() - began < _SECONDS_PER_TURN or not steps:
                step()
                steps += 1
            settle()
            seconds[way].append((time.perf_counter() - began) / steps)
    return {way: statistics.median(taken) for way, taken in seconds.items()}


def _has_clear_winner(seconds: Sequence[Sequence[float]]) -> bool:
    """Whether one way was clearly faster than all others in each round, (ways, rounds)."""
    fastest = min(seconds, key=sum)
    others = [taken for taken in seconds if taken is not fastest]
    return all(more > _CLEARLY * least for taken in others for more, least in zip(taken, fastest, strict=True))


def time_threads(step: Callable[[], None], waiting: Waiting, *, most: int) -> dict[int, float]:
    """Seconds a step takes with 1, 2, 4 ... and `most` threads; their number is left as the last turn had it.

    Several wait as they do now. One alone waits for no other, and need not share a core with it.
    """
    busy = waiting.how != "awake"

    def step_with(count: int) -> None:
        if torch.get_num_threads() != count:
            torch.set_num_threads(count)
            if busy and count == 1:
                waiting.stay_awake()
            elif busy:
                waiting.make_way()
        step()

    counts = [count for count in (2**power for power in range(11)) if count < most] + [most]
    return time_ways({count: partial(step_with, count) for count in counts})


def choose(seconds: Mapping[int, float], *, busy: bool = False) -> int:
    """The fewest threads that no larger number clearly beats.

    On a `busy` machine the most of which no fewer are much faster: it may be quiet again long before the run, which keeps
    its threads, is over.
    """
    best = min(seconds.values())
    if busy:
        return max(count for count, taken in seconds.items() if taken < best * _LOSS_WHILE_BUSY)
    return min(count for count, taken in seconds.items() if taken < best * _LEAST_GAIN)


def _decide_compiling(
    recipe: Recipe,
    sets: ImageSets,
    device: torch.device,
    recorded: Mapping[str, Any] | None,
    timed: Mapping[int, float],
    copy: Callable[[], Callable[[], None]],
    say_stage: Progress,
) -> tuple[bool, str]:
    wanted = recipe.train.compile
    if wanted is False:
        return False, ""
    if wanted == "auto" and recorded is not None and not recorded.get("compiled", False):
        return False, ""
    if not find_objective(recipe.objective).is_one_loss:
        return False, f"not compiled: {recipe.objective.name} has gradients that are not those of one loss alone"
    if wanted == "auto" and device.type == "cpu" and supports_manual_backward(recipe):
        return False, "not compiled: the gradients of fully connected networks are derived by hand, which is faster"
    if wanted == "auto" and device.type == "mps":
        return False, "not compiled: torch's compiler is young on Apple GPUs; [train] compile = true tries it"
    settle = torch.accelerator.synchronize if device.type != "cpu" else lambda: None
    by_trial = wanted == "auto" and recorded is None
    left = 0.0
    if by_trial:
        seconds = timed.get(torch.get_num_threads()) or time_ways({"plain": copy()}, settle, rounds=1)["plain"]
        left = _steps(recipe, sets, seconds) * seconds
        if left < _WORTH_COMPILING:
            return False, (
                f"not compiled: this takes about {left:.0f} s, and compiling pays back from about "
                f"{_WORTH_COMPILING:.0f} s on; [train] compile = true or false sets it"
            )
    say_stage("compiling", 0, None)
    began = time.perf_counter()
    compiled = _steps_on_a_copy(recipe, sets, device, compiled=True)
    try:
        compiled()
    except Exception as error:
        # Whatever a compiler that may be missing, old or broken says; training goes on without it.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if wanted is True:
            way_out = "is there a C++ compiler? else --set train.compile=false"
            raise DeviceError(f"[train] compile = true, but torch cannot compile here ({reason}); {way_out}") from error
        return False, f"not compiled: torch cannot compile here ({reason})"
    took = time.perf_counter() - began
    if not by_trial:
        return True, ""
    times = time_ways({False: copy(), True: compiled}, settle)
    step_times = f"a step takes {1000 * times[True]:.2f} ms compiled, {1000 * times[False]:.2f} ms as it is"
    if times[True] * _LEAST_GAIN > times[False]:
        return False, f"not compiled: {step_times}; [train] compile = true or false sets it"
    saved = left * (1 - times[True] / times[False])
    return (
        True,
        f"compiled in {took:.0f} s to save {saved:.0f}: {step_times}; [train] compile = true or false sets it",
    )


def _steps(recipe: Recipe, sets: ImageSets, seconds_per_step: float) -> float:
    """How many steps a new run takes."""
    table = recipe.train
    by_epochs = float("inf") if table.epochs is None else table.epochs * -(-len(sets.train) // table.batch_size)
    by_time = float("inf") if table.max_seconds is None else table.max_seconds / seconds_per_step
    return min(by_epochs, by_time)


def _steps_on_a_copy(
    recipe: Recipe, sets: ImageSets, device: torch.device, *, compiled: bool = False
) -> Callable[[], None]:
    """Steps that are those of the run, without touching it."""
    trainer = Trainer(recipe, sets, device, compiled=compiled)

    def step() -> None:
        if trainer.epoch_is_over:
            trainer.begin_epoch()
        trainer.step()

    return step
