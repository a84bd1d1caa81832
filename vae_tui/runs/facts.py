"""What a trainer reports: of itself, in words, and which figures. Another program's may report nothing."""

from __future__ import annotations

from vae_tui.events import TrainingStarted
from vae_tui.runs.history import History
from vae_tui.wording import counted


def other_program(history: History) -> str:
    """The program that trains the run, where that is not vae-tui; else empty."""
    return history.started.trainer if history.started is not None else ""


def describe_network(training: TrainingStarted) -> str:
    """The network and its size, "mlp 784-400-20, 652,824 parameters"."""
    size = counted(training.parameter_count, "parameter") if training.parameter_count else ""
    return ", ".join(fact for fact in (training.network, size) if fact)


def describe_device(training: TrainingStarted) -> str:
    """What it trains on: "cpu, 2 threads"."""
    threads = counted(training.threads, "thread") if training.threads else ""
    return ", ".join(fact for fact in (training.device, threads) if fact)


def has_elbo(history: History) -> bool:
    """Whether there is an ELBO to show, or nothing yet: another program's trainer may report a loss alone."""
    figures = (history.train, history.validation)
    return any(len(each["negative_elbo"]) for each in figures) or not any(len(each["loss"]) for each in figures)
