"""From which of its checkpoints a run goes on: the newest that is whole, unless another is asked for.

A file that was cut short is what a power cut leaves, and the pair before it is taken with a note. One whose content is not
what was written is more than that: it is named, and the user says from where to go on.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from vae_tui.errors import CheckpointError
from vae_tui.events import CheckpointSaved
from vae_tui.runs.best import start_anew
from vae_tui.runs.identity import logged_recipe, require_own, why_not_of_run
from vae_tui.runs.layout import Checkpoint, Run, weights_name
from vae_tui.runs.log import read_events_of
from vae_tui.runs.metadata import TornFile, UnreadableFile, has_digests, lost_digests, read_metadata, verify

_STATE_NEEDS = (
    *("step", "epoch", "position", "epoch_is_over", "elapsed_seconds", "best_loss"),
    *("threads", "device", "images_crc32"),
)


@dataclass(frozen=True)
class ResumePoint:
    """A whole checkpoint with its state; `metadata` is of the weights, `state` of the state, `notes` are for the user."""

    checkpoint: Checkpoint
    metadata: dict[str, Any]
    state: dict[str, Any]
    notes: tuple[str, ...] = ()


def find_resume_point(run: Run, step: int | None = None) -> ResumePoint | None:
    """The newest checkpoint that is whole, or that of `step`; None: nothing is saved, the run begins again.

    Raises CheckpointError where there is none to go on from exactly, or where a newer one is damaged and no `step` says
    that this is known.
    """
    require_own(run)
    found = run.checkpoints()
    with_state = [checkpoint for checkpoint in reversed(found) if checkpoint.state_path.exists()]
    if step is not None:
        for checkpoint in with_state:
            if checkpoint.step == step:
                return _open(run, checkpoint)
        steps = ", ".join(str(checkpoint.step) for checkpoint in reversed(with_state)) or "none"
        raise CheckpointError(f"{run.path} has no checkpoint of step {step} to go on from; there are: {steps}")
    lost = _lost_weights(run, newer_than=with_state[0].step if with_state else 0)
    if lost and not found:
        raise CheckpointError(
            f"{run.path / weights_name(lost[-1])} is not there, though it was saved: put it back, with its state, or train "
            f"it anew with: vae-tui train {run.recipe_path}"
        )
    if found and not with_state:
        raise CheckpointError(
            f"{run.path} has weights but no state-*.safetensors beside them, so it cannot go on exactly; "
            f"start a new run from its weights with: vae-tui train {run.recipe_path} --set train.start_from={run.path}"
        )
    problems: list[CheckpointError] = [
        TornFile(f"{run.path / weights_name(step)} was saved and is not there") for step in lost
    ]
    for checkpoint in with_state:
        try:
            point = _open(run, checkpoint)
        except UnreadableFile:
            raise
        except CheckpointError as error:
            problems.append(error)
            continue
        if any(not isinstance(problem, TornFile) for problem in problems):
            newer = _start_from_weights(run, [other for other in with_state if other.step > checkpoint.step])
            raise CheckpointError(
                f"{problems[0]}. The newest whole checkpoint is of step {checkpoint.step:,}; go on from it with: "
                f"vae-tui train --resume {run.path} --from {checkpoint.step}{newer and f'. Or, as {newer}'}"
            )
        notes = tuple(
            f"{problem}; going on from step {checkpoint.step:,}, the newest whole one" for problem in problems
        )
        return ResumePoint(point.checkpoint, point.metadata, point.state, notes)
    if problems:
        way_out = _start_from_weights(run, with_state) or start_anew(run)
        raise CheckpointError(
            f"{problems[0]}. No other checkpoint of {run.path} is whole, so it cannot go on; {way_out}"
        )
    if saved := [event.step for event in read_events_of(run.events_path, CheckpointSaved)]:
        raise CheckpointError(
            f"{run.path} has no checkpoint any more, though one of step {saved[-1]:,} was saved: put it back, with its "
            f"state, or {start_anew(run)}"
        )
    return None


def _start_from_weights(run: Run, newest_first: list[Checkpoint]) -> str:
    """How to start a new run from the newest weights that are whole, whose state is not; empty where none are."""
    for checkpoint in newest_first:
        with contextlib.suppress(CheckpointError):
            metadata = verify(checkpoint.path).metadata
            if not why_not_of_run(metadata.get("recipe"), logged_recipe(run)):
                return (
                    f"its weights of step {checkpoint.step:,} are whole, start a new run from them with: "
                    f"vae-tui train {run.recipe_path} --set train.start_from={checkpoint.path}"
                )
    return ""


def _check_digests(run: Run, checkpoint: Checkpoint, metadata: dict[str, Any], state: dict[str, Any]) -> None:
    """Raise CheckpointError for files that lost their digests; a run of an older version has none up to some step."""
    if has_digests(metadata) and not has_digests(state):
        raise CheckpointError(lost_digests(checkpoint.state_path, checkpoint.path))
    if not has_digests(metadata) and (older := _older_with_digests(run, checkpoint.step)) is not None:
        raise CheckpointError(lost_digests(checkpoint.path, older.path))


def _older_with_digests(run: Run, step: int) -> Checkpoint | None:
    for checkpoint in run.checkpoints():
        with contextlib.suppress(CheckpointError):
            if checkpoint.step < step and has_digests(read_metadata(checkpoint.path)):
                return checkpoint
    return None


def _lost_weights(run: Run, newer_than: int) -> list[int]:
    """The later steps whose state is there and whose weights are not, though the log says that they were saved."""
    orphans = [
        checkpoint.step for checkpoint in run.states() if checkpoint.step > newer_than and not checkpoint.path.exists()
    ]
    if not orphans:
        return []
    saved = {event.step for event in read_events_of(run.events_path, CheckpointSaved)}
    return [step for step in orphans if step in saved]


def _open(run: Run, checkpoint: Checkpoint) -> ResumePoint:
    metadata = verify(checkpoint.path).metadata
    state = verify(checkpoint.state_path).metadata
    if why := why_not_of_run(metadata.get("recipe"), logged_recipe(run)):
        raise CheckpointError(
            f"{checkpoint.path} and {checkpoint.state_path.name} belong to another run: {why}; put back this run's own"
        )
    _check_digests(run, checkpoint, metadata, state)
    if missing := [name for name in _STATE_NEEDS if name not in state]:
        raise CheckpointError(f"{checkpoint.state_path} is damaged: it lacks {', '.join(missing)}")
    weights, wanted = metadata.get("tensors_sha256"), state.get("weights_sha256")
    if wanted is not None and weights != wanted:
        raise CheckpointError(
            f"{checkpoint.path} and {checkpoint.state_path.name} do not belong together: one of them was replaced"
        )
    return ResumePoint(checkpoint, metadata, state)
