"""What a run trains with, put together from its run's recipe and the checkpoint it goes on from."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from vae_tui.data import ImageSets, PackedImages, Progress, find_data_root, hide_labels, load_image_sets
from vae_tui.device import set_precision
from vae_tui.errors import RecipeError, RunError
from vae_tui.model.checkpoint import load_checkpoint, load_weights
from vae_tui.objective import find_objective
from vae_tui.recipe import Recipe
from vae_tui.recipe.sizes import norm_errors
from vae_tui.runs.files import user_path
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.runs.resume import ResumePoint
from vae_tui.training.augmentation import shift_errors
from vae_tui.training.checkpoints import Checkpoints
from vae_tui.training.drawing import Drawing
from vae_tui.training.follower import broadcast_job, broadcast_state
from vae_tui.training.memory import is_out_of_memory
from vae_tui.training.ranks import Ranks, Together, gather
from vae_tui.training.resources import OtherPrograms
from vae_tui.training.trainer import Trainer
from vae_tui.training.tuning import Tuning, share_machine, tune
from vae_tui.training.waiting import Waiting


@dataclass(frozen=True)
class Assembly:
    """The parts of a run that is ready for its next step; `elapsed_seconds` is how long it was trained before."""

    device: torch.device
    ranks: Ranks
    sets: ImageSets
    tuning: Tuning
    waiting: Waiting
    others: OtherPrograms
    trainer: Trainer
    checkpoints: Checkpoints
    drawing: Drawing
    elapsed_seconds: float


def assemble(
    run: Run,
    recipe: Recipe,
    point: ResumePoint | None,
    objective_since: int,
    job: TrainingJob,
    progress: Progress,
) -> Assembly:
    """Load the images, start the other ranks for the job's devices, and bring the trainer to where the run is.

    The recipe's objective is minimised since the step `objective_since`.

    Raises VaeTuiError where anything of that cannot be, with no rank left behind.
    """
    set_precision(recipe.train.precision)
    others = OtherPrograms()
    chosen, ranks = gather(job.device, job.devices, progress)
    try:
        if ranks.count > 1:
            _check_batches_are_shared(recipe)
        root = find_data_root(job.data_root, point.metadata if point else None)
        sets = load_image_sets(recipe.data, seed=recipe.train.seed, data_root=root, progress=progress)
        sets = replace(sets, train=hide_labels(sets.train, recipe.data.labelled, recipe.train.seed))
        _check_images_fit(run, recipe, sets.train)
        tuning = _tune(recipe, sets, chosen, ranks, point.state if point else None, others, progress)
        if isinstance(ranks, Together):
            progress(f"waiting for {ranks.count - 1} more to load the images", 0, None)
            broadcast_job(ranks, recipe, data_root=root, compiled=tuning.compiled)
        waiting = Waiting(tuning.threads, fully_connected=recipe.model.network in ("mlp", "gated", "ladder"))
        if chosen.type == "cpu" and ranks.count_here == 1:
            waiting.look(others.read()[1])
        else:
            waiting.sleep()  # nobody waits for these threads, or other ranks want the cores
        progress("building the networks", 0, None)
        trainer = Trainer(recipe, sets, chosen, compiled=tuning.compiled, ranks=ranks)
        about = {
            "class_names": sets.class_names,
            "data_root": str(user_path(str(root)).absolute()),
            "images_crc32": sets.checksums,
            "objective_since": objective_since,
        }
        checkpoints = Checkpoints(run, trainer, about)
        drawing = Drawing(run, sets.validation or sets.train, count=recipe.sample.count, seed=recipe.train.seed)
        elapsed = 0.0
        if point is not None:
            elapsed = checkpoints.restore(point.checkpoint.step, objective_since)
        elif recipe.train.start_from is not None:
            _start_from(trainer, user_path(recipe.train.start_from))
        if isinstance(ranks, Together):
            broadcast_state(ranks, trainer)
    except BaseException:
        ranks.leave(failed=True)
        raise
    return Assembly(chosen, ranks, sets, tuning, waiting, others, trainer, checkpoints, drawing, elapsed)


def _check_batches_are_shared(recipe: Recipe) -> None:
    if recipe.likelihood.name == "gaussian" and recipe.likelihood.sigma == "optimal":
        what = '[likelihood] sigma = "optimal"'
    elif recipe.model.posterior == "vq":
        what = '[model] posterior = "vq"'
    elif not find_objective(recipe.objective).is_sum_over_images:
        what = f'[objective] name = "{recipe.objective.name}"'
    else:
        what = ""
    if what:
        raise RunError(f"{what} looks at whole batches, which several devices would share: train it on one")


def _check_images_fit(run: Run, recipe: Recipe, images: PackedImages) -> None:
    """As the recipe was checked, now that the images and their number are known."""
    _, height, width = images.pixels.shape[1:]
    smallest_batch = len(images) % recipe.train.batch_size or recipe.train.batch_size
    problems = [*norm_errors(recipe.model, (height, width), smallest_batch=smallest_batch)]
    if problems := [*problems, *shift_errors(recipe, (height, width))]:
        raise RecipeError(str(run.shown / run.recipe_path.name), problems)


def _tune(
    recipe: Recipe,
    sets: ImageSets,
    device: torch.device,
    ranks: Ranks,
    recorded: Mapping[str, Any] | None,
    others: OtherPrograms,
    progress: Progress,
) -> Tuning:
    if ranks.count > 1:
        return share_machine(recipe, ranks.count_here)
    try:
        return tune(recipe, sets, device, recorded, others, progress)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        # The first step of the run itself will show it.
        traceback.clear_frames(error.__traceback__)
        return Tuning(torch.get_num_threads(), False)


def _start_from(trainer: Trainer, source: Path) -> None:
    load_weights(trainer.vae, load_checkpoint(source).state_dict(), source=source)
    if trainer.averaged:
        trainer.averaged.vae.load_state_dict(trainer.vae.state_dict())
