"""All weights of a run over training time: its checkpoints and its snapshots."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from vae_tui.runs.layout import Checkpoint, Run


def list_weights(run: Run) -> list[Checkpoint]:
    """Every step's weights that a run holds, the first first; of a step that has both, the snapshot, which stays longer."""
    found = {checkpoint.step: checkpoint for checkpoint in (*run.checkpoints(), *run.snapshots())}
    return [found[step] for step in sorted(found)]


def weights_at(weights: Sequence[Checkpoint], step: int) -> Checkpoint | None:
    """Of weights in the order of their steps, the last at or before a step; None where there is none that early."""
    index = bisect_right(weights, step, key=lambda checkpoint: checkpoint.step)
    return weights[index - 1] if index else None
