"""Which checkpoint of a run is the best: the one rule, for trainer, screens, plain progress and sampling alike.

The best is the lowest validation loss; of equal ones the first. The loss is what the recipe minimises at its full beta,
which is -ELBO only where beta is 1, and the test images have no say. A run without validation has no best.
"""

from __future__ import annotations

from vae_tui.runs.layout import Checkpoint, Run
from vae_tui.runs.metadata import read_metadata


def is_better(loss: float | None, best_loss: float | None) -> bool:
    """Whether a validation `loss` is better than the best so far; None is one that was not measured or not finite."""
    return loss is not None and (best_loss is None or loss < best_loss)


def best_checkpoint(run: Run) -> Checkpoint:
    """The checkpoint with the lowest validation loss, or the newest where none was validated.

    Raises CheckpointError where there is none.
    """
    best, best_loss = run.latest(), None
    for checkpoint in run.checkpoints():
        loss = validation_loss(checkpoint)
        if is_better(loss, best_loss):
            best, best_loss = checkpoint, loss
    return best


def validation_loss(checkpoint: Checkpoint) -> float | None:
    """The validation loss recorded in a checkpoint, in nats per image; None where it was not validated."""
    loss = read_metadata(checkpoint.path).get("validation", {}).get("loss")
    return loss if isinstance(loss, int | float) else None
