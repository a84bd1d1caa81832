"""Which checkpoint of a run is the best: the one rule, for trainer, screens, plain progress and sampling alike.

The best is the lowest validation loss; of equal ones the first. The loss is what the recipe minimises at its full beta,
which is -ELBO only where beta is 1, and the test images have no say. A run without validation has no best. A file whose
header is damaged is left out, and so is one that is another run's under a name of this one.

Losses compare only where they are of one objective. Where a run goes on with another, the best begins anew: from a step
called `objective_since`, which every trainer's `run_started` and every checkpoint's metadata have.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from vae_tui.errors import CheckpointError
from vae_tui.runs.identity import logged_recipe, require_own, why_not_of_run
from vae_tui.runs.layout import Checkpoint, Run
from vae_tui.runs.metadata import has_digests, lost_digests, read_metadata


@dataclass(frozen=True)
class Choice:
    """A run's best checkpoint, its metadata, and `notes` for the user: which files were left out, and why.

    `loss` is by what it is the best; None: nothing was validated, and it is the newest.
    """

    checkpoint: Checkpoint
    metadata: dict[str, object]
    loss: float | None = None
    notes: tuple[str, ...] = ()


def is_better(loss: float | None, best_loss: float | None) -> bool:
    """Whether a validation `loss` is better than the best so far; None is one that was not measured or not finite."""
    return loss is not None and (best_loss is None or loss < best_loss)


def counts_towards_best(step: int, objective_since: int) -> bool:
    """Whether what was validated at a step was measured by the loss of the objective that holds since another step."""
    return step > objective_since


def newest_checkpoint(run: Run) -> Checkpoint:
    """The newest checkpoint; raises CheckpointError where there is none, or none that is ours."""
    if not run.checkpoints():
        require_own(run)
    return run.latest()


def choose_best(run: Run) -> Choice:
    """The checkpoint with the lowest validation loss by the newest's objective, or the newest where none was validated.

    Raises CheckpointError where there is none of the run that can be read.
    """
    newest_checkpoint(run)
    logged, digests_since = logged_recipe(run), None
    readable: list[tuple[Checkpoint, dict[str, object]]] = []
    problems: list[str] = []
    for checkpoint in run.checkpoints():
        try:
            metadata = read_metadata(checkpoint.path)
            _check_owner(checkpoint, metadata, logged)
            if has_digests(metadata):
                digests_since = digests_since or checkpoint.path
            elif digests_since is not None:
                raise CheckpointError(lost_digests(checkpoint.path, digests_since))
        except CheckpointError as error:
            problems.append(str(error))
        else:
            readable.append((checkpoint, metadata))
    if not readable:
        raise CheckpointError(f"{problems[-1]}. No other checkpoint of {run.path} can be read; {start_anew(run)}")
    best, best_loss = readable[-1], None
    since = recorded_objective_since(readable[-1][1])
    for candidate in readable:
        loss = validation_loss(candidate[1])
        if counts_towards_best(candidate[0].step, since) and is_better(loss, best_loss):
            best, best_loss = candidate, loss
    return Choice(*best, best_loss, tuple(f"left out: {problem}" for problem in problems))


def start_anew(run: Run) -> str:
    """What is left where no checkpoint of a run can be read: a new run, from its newest snapshot that is whole, if any is."""
    for snapshot in reversed(run.snapshots()):
        with contextlib.suppress(CheckpointError):
            read_metadata(snapshot.path)
            return (
                f"train on from the weights of step {snapshot.step:,}, kept among its snapshots, with: "
                f"vae-tui train {run.recipe_path} --set train.start_from={snapshot.path}"
            )
    return f"train it anew with: vae-tui train {run.recipe_path}"


def _check_owner(checkpoint: Checkpoint, metadata: dict[str, object], logged: Mapping[str, object] | None) -> None:
    """Raise CheckpointError for weights that, by the run's log or by their state beside them, are another run's."""
    why = why_not_of_run(metadata.get("recipe"), logged)
    if not why and checkpoint.state_path.exists():
        with contextlib.suppress(CheckpointError):  # weights are drawn from without their state
            wanted = read_metadata(checkpoint.state_path).get("weights_sha256")
            if wanted is not None and wanted != metadata.get("tensors_sha256"):
                why = f"{checkpoint.state_path.name} was saved with other weights"
    if why:
        raise CheckpointError(
            f"{checkpoint.path} is another run's file under a name of this one: {why}; to use it all the same, give its path"
        )


def best_checkpoint(run: Run) -> Checkpoint:
    """The checkpoint of `choose_best`; raises CheckpointError as it does."""
    return choose_best(run).checkpoint


def validation_loss(metadata: dict[str, object]) -> float | None:
    """The validation loss recorded in a checkpoint's metadata, in nats per image; None where it was not validated."""
    validation = metadata.get("validation")
    loss = validation.get("loss") if isinstance(validation, dict) else None
    return loss if isinstance(loss, int | float) else None


def recorded_objective_since(metadata: dict[str, object]) -> int:
    """The step from which on the objective that a checkpoint was trained by holds, as its metadata says; 0: from the start."""
    since = metadata.get("objective_since", 0)
    return since if isinstance(since, int) else 0
