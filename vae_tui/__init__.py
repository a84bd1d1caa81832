"""Train, watch, steer and walk variational autoencoders without leaving the terminal.

In a notebook: `vae_tui.load("checkpoints/RUN")` gives a VAE with `encode`, `decode` and `sample`, and
`for event in vae_tui.train("digits"): ...` trains one. `with vae_tui.write_events("my-run") as run:` has the run
of a trainer of your own watched like any other. Importing the package imports nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from vae_tui.events import Event
    from vae_tui.model import VAE
    from vae_tui.other_trainers import WrittenRun
    from vae_tui.recipe import Recipe
    from vae_tui.runs.feed import RunFeed

__version__ = "0.1.0"


def load(source: str | Path | None = None, *, device: str = "cpu", runs_dir: str | Path = "checkpoints") -> VAE:
    """The VAE in a checkpoint file, or in a run's best checkpoint (its path or name; None: the newest run,
    or where there is none the digits model that ships).

    In evaluation mode, with averaged weights where the run keeps them. Raises CheckpointError for a file that is
    missing, damaged or not one of ours, RunError where there is no such run.
    """
    from pathlib import Path

    from vae_tui.model.checkpoint import load_checkpoint
    from vae_tui.runs.find import find_checkpoint

    return load_checkpoint(find_checkpoint(None if source is None else str(source), Path(runs_dir)), device=device)


def train(
    recipe: Recipe | str | Path = "digits",
    overrides: Sequence[str] = (),
    *,
    network: tuple[type, type] | None = None,
    name: str | None = None,
    runs_dir: str | Path = "checkpoints",
    data_root: str | Path | None = None,
    device: str = "auto",
) -> Iterator[Event]:
    """Train in this process, yielding each event as it is logged; the run is a folder like any other.

    `recipe` is a Recipe, a file or the name of a shipped one, `overrides` are as for `--set`: "train.epochs=5". `network` are an
    encoder and a decoder of one's own, classes as docs/networks.md has them; their source becomes part of the run. The run
    starts with the first event asked for; a loop that is left ends it. Raises RecipeError, DataError or RunError for
    what a user can mend.
    """
    from dataclasses import replace
    from pathlib import Path

    from vae_tui.recipe import LoadedRecipe, Recipe, load_recipe, parse
    from vae_tui.recipe.own_file import with_networks
    from vae_tui.runs.job import TrainingJob
    from vae_tui.runs.lock import acquire_lock, release_lock
    from vae_tui.training.preparation import create_run
    from vae_tui.training.train_run import train_run

    if isinstance(recipe, Recipe):
        loaded = LoadedRecipe(parse(recipe.document(), overrides)[0], "notebook", has_own_file=True)
    else:
        loaded = load_recipe(str(recipe), overrides)
    if network is not None:
        tables = with_networks(loaded.recipe, *network).document()
        loaded = replace(loaded, recipe=parse(tables, source="network")[0], has_own_file=True)
    job = TrainingJob(recipe=loaded.name, device=device, data_root=None if data_root is None else Path(data_root))
    run = create_run(loaded, Path(runs_dir), name)
    acquire_lock(run.path)
    try:
        yield from train_run(run, job)
    finally:
        release_lock(run.path)


def watch(run: str | Path | None = None, *, runs_dir: str | Path = "checkpoints") -> RunFeed:
    """A run as it goes on, live or finished: its history, its status and its commands, as every screen has them.

    `run` is as for `vae-tui watch` (None: the newest). Its log so far is read; `feed.follow()` yields what comes, until
    nobody trains the run. Raises RunError where there is no such run.
    """
    from pathlib import Path

    from vae_tui.runs.feed import RunFeed
    from vae_tui.runs.find import find_run

    feed = RunFeed(find_run(None if run is None else str(run), Path(runs_dir)))
    feed.catch_up()
    return feed


def write_events(
    name: str,
    *,
    runs_dir: str | Path = "checkpoints",
    about: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    steps_per_epoch: int = 0,
    loss: str = "",
    device: str = "",
    parameter_count: int = 0,
    data_sizes: Mapping[str, int] | None = None,
    resumed_from: int | None = None,
) -> WrittenRun:
    """A run that this program trains itself, with whatever it likes: a context to write its events from.

    `about` is what it is trained with, by any names: `data`, `model`, `latent_dim`, `beta`, `lr` and `seed` have columns. The loss is
    -ELBO unless `loss` says what else it is, such as "mse + 0.1 rate". `data_sizes` counts the images of train and validation. With
    `resumed_from` a run that is there goes on from that step. Raises RunError, as the context begins, where the run cannot be
    made, or is there already.
    """
    from pathlib import Path

    from vae_tui.other_trainers import WrittenRun

    training = {"device": device, "parameter_count": parameter_count, "steps_per_epoch": steps_per_epoch}
    return WrittenRun(
        name,
        Path(runs_dir),
        about or {},
        epochs=epochs,
        loss=loss,
        training={**training, "data_sizes": dict(data_sizes or {})},
        resumed_from=resumed_from,
    )
