"""A run trained from where it is to its end, its events logged as they are made, from before torch is imported."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator
from functools import partial

import vae_tui
from vae_tui import events as ev
from vae_tui.errors import DeviceError, RecipeError, RunError, VaeTuiError
from vae_tui.recipe import Recipe, load_recipe
from vae_tui.recipe.own_file import line_of
from vae_tui.runs.files import write_whole
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.runs.log import EventWriter, read_last_event
from vae_tui.training.memory import is_out_of_memory
from vae_tui.training.preparation import Resumption, prepare_to_resume


def train_run(
    run: Run,
    job: TrainingJob,
    *,
    resumption: Resumption | None = None,
    interrupted: Callable[[], bool] = lambda: False,
) -> Generator[ev.Event, None, None]:
    """Train a run whose lock this process holds, on the job's devices, from its start or, where the job resumes it, as the
    `resumption` says (None: that of `prepare_to_resume`): every event is in its log before it is yielded, the progress of preparation well before.

    A user's mistake or a bug ends it with a failed `run_finished` and is then raised. `interrupted` is asked
    between steps; once it is true the run saves a checkpoint and ends as stopped. A generator closed before its end
    leaves a `run_finished` with that reason.
    """
    resume = job.resume is not None
    if resume and resumption is None:
        resumption = prepare_to_resume(run, job)
    recipe = resumption.recipe if resumption else load_recipe(str(run.recipe_path)).recipe
    writer = EventWriter(run.events_path)
    step = resumption.step if resumption else 0
    stood = _how_it_stands(run)
    change = _RecipeChange(run, recipe) if resumption and resumption.changed else None
    ended = False
    go_on = f"once it can, go on with: vae-tui train --resume {run.shown}"

    def logged(event: ev.Event) -> ev.Event:
        nonlocal step, ended, stood
        ended = isinstance(event, ev.RunFinished)
        if not isinstance(event, ev.StageProgressed):
            step = event.step
        if isinstance(event, ev.TrainingStarted):
            stood = None
        if change is not None:
            change.follow(event)
        try:
            writer.write(event)
        except OSError as error:
            # Progress is logged from deep inside, where an OSError would be taken for one of the images'.
            raise RunError(
                f"{run.shown / run.events_path.name} could not be written: {error.strerror}; {go_on}"
            ) from error
        return event

    def finish(status: ev.EndStatus, reason: str) -> ev.Event:
        newest = run.checkpoints()
        last = newest[-1].path.name if newest else None
        point = resumption.point if resumption else None
        return logged(
            ev.RunFinished(
                time=time.time(),
                step=step,
                status=status,
                reason=reason,
                epoch=point.state["epoch"] if point else 0,
                checkpoint=last,
                stood=stood,
            )
        )

    try:
        yield logged(
            ev.RunStarted(
                time=time.time(),
                step=step,
                pid=os.getpid(),
                version=vae_tui.__version__,
                recipe=recipe.at(step).resolved(),
                recipe_name=job.recipe_name,
                sweep=job.sweep,
                resumed_from=step if resume else None,
                objective_since=resumption.objective_since if resumption else 0,
            )
        )
        for note in resumption.notes if resumption else ():
            yield logged(ev.NoteAdded(time=time.time(), step=step, note=note))
        yield logged(ev.StageProgressed(time=time.time(), step=step, stage="importing torch"))
        from vae_tui.training.loop import Loop  # noqa: PLC0415 - imports torch, after the start is logged

        prepared: list[ev.Event] = []
        loop = Loop(
            run,
            recipe,
            job,
            point=resumption.point if resumption else None,
            objective_since=resumption.objective_since if resumption else 0,
            interrupted=interrupted,
            report=lambda event: prepared.append(logged(event)),
        )
        yield from prepared
        for event in loop.events():
            yield logged(event)
    except VaeTuiError as error:
        if isinstance(error, RecipeError) and recipe.own:
            file = " or ".join(dict.fromkeys(name.partition(":")[0] for name, _ in recipe.own.values()))
            way_on = f"this run keeps the code it was made with: mend {file} and train another --run, or first: vae-tui delete {run.shown.name}"
            error = RecipeError(error.source, [*error.problems, way_on])
        with contextlib.suppress(VaeTuiError):  # the log may be what cannot be written
            yield finish("failed", str(error))
        raise error from None
    except OSError as error:
        message = f"{error.filename or run.shown} could not be read or written: {error.strerror or error}; {go_on}"
        with contextlib.suppress(VaeTuiError):
            yield finish("failed", message)
        raise RunError(message) from error
    except KeyboardInterrupt as error:
        yield finish("stopped", f"{str(error) or 'by an interrupt'} before the first step")
    except GeneratorExit:
        if not ended:
            finish("stopped", "because its events were no longer read")
        raise
    except BaseException as error:
        if is_out_of_memory(error):
            message = f"there is not enough memory: {str(error).splitlines()[0]}"
            yield finish("failed", f"{message}; a smaller network, batch_size or image_size needs less")
            raise DeviceError(message) from error
        if not ended:
            finish(
                "failed",
                f"{line_of(error)}{type(error).__name__}: {error} (the traceback is in {run.shown / run.worker_log_path.name})",
            )
        raise
    finally:
        writer.close()


def _how_it_stands(run: Run) -> ev.EndStatus | None:
    """How the run ended the last time it was trained; None where it did not."""
    last = read_last_event(run.events_path)
    return (last.stood or last.status) if isinstance(last, ev.RunFinished) else None


class _RecipeChange:
    """The recipe.toml of a run that goes on by another recipe: rewritten once it trains by that.

    Where that fails before it led to a checkpoint, the recipe is as it was: the mistake is not kept.
    """

    def __init__(self, run: Run, recipe: Recipe) -> None:
        self._run, self._recipe = run, recipe
        self._undo: Callable[[], object] | None = None
        """Puts back what was there."""

    def follow(self, event: ev.Event) -> None:
        """Rewrite the recipe, keep it, or put it back, as what happens to the run asks for."""
        if isinstance(event, ev.TrainingStarted):
            path = self._run.recipe_path
            self._undo = partial(write_whole, path, path.read_bytes()) if path.is_file() else path.unlink
            self._run.write_recipe(self._recipe.to_toml())
        elif isinstance(event, ev.CheckpointSaved):
            self._undo = None
        elif isinstance(event, ev.RunFinished) and event.status == "failed" and self._undo is not None:
            with contextlib.suppress(OSError):
                self._undo()
