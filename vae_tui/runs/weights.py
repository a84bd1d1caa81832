"""All weights of a run over training time: its checkpoints and its snapshots."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from vae_tui.runs.layout import Checkpoint, Run


def list_weights(run: Run) -> list[Checkpoint]:
    """Every step's weights that a run holds, the first first; of a step that has both, the snapshot, which stays longer."""
    found = {checkpoint.step: checkpoint for checkpoint in (*run.checkpoints(), *run.snapshots())}
    return [found[step] for step in sorted(found)]


def weights_at(weights: Sequence[Checkpoint], step: int) -> Checkpoint | None:
    """Of weights in the order of their steps, the last at or before a step; None where there is none that early."""
    index = bisect_right(weights, step, key=lambda checkpoint: checkpoint.step)
    return weights[index - 1] if index else None


def recorded_epochs(metadata: Mapping[str, Any]) -> float | None:
    """How many epochs weights were trained, as their metadata says, the part of the last one too; None: it does not."""
    epochs: float | None = metadata.get("epochs_done", metadata.get("epoch"))
    return epochs


def recorded_negative_elbo(metadata: Mapping[str, Any]) -> float | None:
    """-ELBO in nats per image, of validation images, or of training images where there is nothing else; None: not known."""
    for split in ("validation", "train"):
        elbo = metadata.get(split, {}).get("elbo")
        if elbo is not None:
            return -float(elbo)
    return None
