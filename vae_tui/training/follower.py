"""The other ranks of a run than rank 0: `python -m vae_tui.training.follower PARENT PORT INDEX COUNT DEVICE`.

Rank 0 starts them and broadcasts the job; they load the same images, build the same VAE, and run the same course beside
it. They write nothing. Signals are for rank 0, which broadcasts what comes of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch

from vae_tui.data import hide_labels, load_image_sets
from vae_tui.device import set_precision
from vae_tui.errors import VaeTuiError
from vae_tui.recipe import Recipe, parse
from vae_tui.training.course import Course
from vae_tui.training.memory import keep_freed_memory
from vae_tui.training.ranks import Together, join_started, join_torchrun
from vae_tui.training.trainer import Trainer
from vae_tui.training.waiting import Waiting

_POLL_SECONDS = 0.5
_SECONDS_BEHIND = 3.0


def broadcast_job(ranks: Together, recipe: Recipe, *, data_root: Path, compiled: bool) -> None:
    """Have the other ranks load what rank 0 has loaded; raises RunError where one of them cannot."""
    job = {"recipe": recipe.document(), "data_root": str(data_root), "threads": torch.get_num_threads()}
    ranks.broadcast(json.dumps(job | {"compiled": compiled}).encode())
    ranks.agree()


def broadcast_state(ranks: Together, trainer: Trainer) -> None:
    """Have the other ranks' trainers be as this one is; raises RunError where one of them cannot."""
    tensors, numbers = trainer.state()
    ranks.broadcast(json.dumps(numbers).encode())
    averages = trainer.averaged.vae.state_dict() if trainer.averaged else {}
    for found in (tensors, trainer.vae.state_dict(), averages):
        ranks.broadcast(safetensors.torch.save({name: tensor.cpu().contiguous() for name, tensor in found.items()}))
    ranks.agree()


def follow(ranks: Together, device: torch.device) -> None:
    """Run the course beside rank 0, to its end; raises RunError where rank 0 is gone, VaeTuiError where it cannot."""
    job = json.loads(ranks.receive())
    recipe, _ = parse(job["recipe"])
    set_precision(recipe.train.precision)
    torch.set_num_threads(job["threads"])
    waiting = Waiting(job["threads"])
    waiting.sleep()  # the other ranks want the cores
    with _problems_shared(ranks):
        root = Path(job["data_root"])
        sets = load_image_sets(recipe.data, seed=recipe.train.seed, data_root=root, progress=lambda *_: None)
        sets = replace(sets, train=hide_labels(sets.train, recipe.data.labelled, recipe.train.seed))
    trainer = Trainer(recipe, sets, device, compiled=job["compiled"], ranks=ranks)
    numbers = json.loads(ranks.receive())
    tensors, weights, averages = (safetensors.torch.load(ranks.receive()) for _ in range(3))
    with _problems_shared(ranks):
        trainer.vae.load_state_dict(weights)
        if trainer.averaged:
            trainer.averaged.vae.load_state_dict(averages)
        trainer.restore(tensors, numbers)
    for _ in Course(trainer).milestones():
        pass
    ranks.leave()


@contextlib.contextmanager
def _problems_shared(ranks: Together) -> Iterator[None]:
    """Wait for all ranks afterwards, and let them know what was raised here."""
    try:
        yield
    except VaeTuiError as error:
        ranks.agree(str(error))
    ranks.agree()


def follow_under_torchrun(device: str) -> int:
    """Follow the rank 0 that torchrun started beside this process; its exit status."""
    status = _follow_quietly(lambda: join_torchrun(device))
    if status:
        # The first to fail is the one that torchrun reports, and rank 0 knows more.
        time.sleep(_SECONDS_BEHIND)
    return status


def main() -> int:
    """Follow the rank 0 that started this process."""
    parent, port, index, count, name = sys.argv[1:]
    device = torch.device(name)
    threading.Thread(target=_leave_with, args=(int(parent),), daemon=True).start()
    return _follow_quietly(lambda: (device, join_started(int(port), int(index), int(count), device)))


def _leave_with(parent: int) -> None:
    """End this process once its parent is gone: until all have met, nothing else shows it."""
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(1)


def _follow_quietly(join: Callable[[], tuple[torch.device, Together]]) -> int:
    keep_freed_memory()
    try:
        device, ranks = join()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # rank 0 gets it too, and broadcasts what comes of it
        follow(ranks, device)
    except VaeTuiError as error:
        print(error, file=sys.stderr)  # noqa: T201 - worker.log, or torchrun's
        return 1
    return 0


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # as the trainer that it follows
