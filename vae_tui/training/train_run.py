"""A run trained from where it is to its end, its events logged as they are made, from before torch is imported."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator

import vae_tui
from vae_tui import events as ev
from vae_tui.errors import DeviceError, RunError, VaeTuiError
from vae_tui.recipe import load_recipe
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.layout import Run
from vae_tui.runs.log import EventWriter
from vae_tui.training.memory import is_out_of_memory


def train_run(
    run: Run,
    job: TrainingJob,
    *,
    interrupted: Callable[[], bool] = lambda: False,
) -> Generator[ev.Event, None, None]:
    """Train a run whose lock this process holds, on the job's devices, from its start or, where the job resumes it,
    from its newest checkpoint: every event is in its log before it is yielded, the progress of preparation well before.

    A user's mistake or a bug ends it with a failed `run_finished` and is then raised. `interrupted` is asked
    between steps; once it is true the run saves a checkpoint and ends as stopped. A generator closed before its end
    leaves a `run_finished` with that reason.
    """
    recipe = load_recipe(str(run.recipe_path)).recipe
    writer = EventWriter(run.events_path)
    resume = job.resume is not None
    checkpoint = run.resumable() if resume else None
    step = checkpoint.step if checkpoint else 0
    ended = False

    def logged(event: ev.Event) -> ev.Event:
        nonlocal step, ended
        step, ended = event.step, isinstance(event, ev.RunFinished)
        writer.write(event)
        return event

    def finish(status: ev.EndStatus, reason: str) -> ev.Event:
        newest = run.checkpoints()
        last = newest[-1].path.name if newest else None
        event = ev.RunFinished(time=time.time(), step=step, status=status, reason=reason, epoch=0, checkpoint=last)
        return logged(event)

    try:
        yield logged(
            ev.RunStarted(
                time=time.time(),
                step=step,
                pid=os.getpid(),
                version=vae_tui.__version__,
                recipe=recipe.resolved(),
                resumed_from=step if resume else None,
            )
        )
        yield logged(ev.StageProgressed(time=time.time(), step=step, stage="importing torch"))
        from vae_tui.training.loop import Loop  # noqa: PLC0415 - imports torch, after the start is logged

        prepared: list[ev.Event] = []
        loop = Loop(
            run,
            recipe,
            job,
            interrupted=interrupted,
            report=lambda event: prepared.append(logged(event)),
        )
        yield from prepared
        for event in loop.events():
            yield logged(event)
    except VaeTuiError as error:
        yield finish("failed", str(error))
        raise
    except OSError as error:
        # The disk may be full or gone, so the log may not take this either.
        message = f"{error.filename or run.path} could not be read or written: {error.strerror or error}"
        with contextlib.suppress(OSError):
            yield finish("failed", f"{message}; once it can, go on with: vae-tui train --resume {run.path}")
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
            finish("failed", f"{type(error).__name__}: {error} (the traceback is in {run.worker_log_path})")
        raise
    finally:
        writer.close()
