"""Events for logs that tests write as a trainer would."""

from __future__ import annotations

import dataclasses
from typing import Any

from vae_tui.events import TrainingStarted

_TRAINING_STARTED = TrainingStarted(
    time=1.0,
    step=0,
    device="cpu",
    threads=2,
    versions={},
    parameter_count=10,
    data_sizes={"train": 1000},
    image_shape=(1, 8, 8),
    network="mlp 64-32-2",
    steps_per_epoch=10,
)


def training_started(**fields: Any) -> TrainingStarted:
    """A tiny run whose training begins, with the fields that matter to a test."""
    return dataclasses.replace(_TRAINING_STARTED, **fields)
