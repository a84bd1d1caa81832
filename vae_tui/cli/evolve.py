"""The command that draws how a run came to be."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from vae_tui.cli.options import ANCHOR, ClassName, DataRoot, FramesPerSecond, RunsDir, Scale, Seed, note_on_stderr
from vae_tui.cli.output import say
from vae_tui.cli.picture_files import MOVING, check_picture_out, write_picture
from vae_tui.errors import RunError, VaeTuiError
from vae_tui.runs.layout import Run

_COUNT = 16


def evolve(
    source: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A run, or one of its checkpoints [default: the newest run with weights]."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The .png, .gif, .svg, .pdf or .npz to write.")] = Path("evolution.gif"),
    count: Annotated[int | None, typer.Option(min=1, max=4096, help=f"How many samples [default: {_COUNT}].")] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(metavar="IMAGE", help=f"Reconstruct an image in place of samples, repeatable: {ANCHOR}."),
    ] = None,
    latent: Annotated[
        list[str] | None,
        typer.Option(metavar="Z0,Z1,...", help="Decode a given place in place of samples, repeatable."),
    ] = None,
    seed: Seed = 0,
    temperature: Annotated[
        float, typer.Option(min=0, help="Factor of the draws' standard deviation, as for vae-tui sample.")
    ] = 1.0,
    prior: Annotated[
        str, typer.Option(metavar="DISTRIBUTION", help="What latents are drawn from, as for vae-tui sample.")
    ] = "model",
    columns: Annotated[int | None, typer.Option(min=1, help="Images a row of a GIF [default: a square].")] = None,
    scale: Scale = None,
    frames_per_second: FramesPerSecond = 4.0,
    class_name: ClassName = None,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Draw the same noise over a whole training. Prints the file's path.

    In place of noise, images are reconstructed or given places decoded. A .gif has a frame for each of the run's snapshots
    and checkpoints, a .png a column for each and a row a sample, an .npz the images with their steps and figures.

    Examples: `vae-tui evolve fc20 --out film.gif`; `vae-tui evolve fc20 --image class:3 --image 12 --out strip.png`.
    """
    from vae_tui.headless import StageProgress
    from vae_tui.runs.weights import list_weights

    suffix = check_picture_out(out, MOVING)
    if not math.isfinite(temperature):
        raise VaeTuiError(f"--temperature {temperature}: expected a finite number")
    if image and latent:
        raise VaeTuiError("--image and --latent each say what is drawn: give one of them")
    if (image or latent) and (count is not None or prior != "model" or temperature != 1):
        raise VaeTuiError("--count, --prior and --temperature are of samples: leave them out with --image and --latent")
    places = [_numbers(text) for text in latent or ()]
    if len({len(place) for place in places}) > 1:
        raise VaeTuiError("--latent: expected as many numbers in each place")
    run = _find_run(source, runs_dir)
    weights = list_weights(run)
    if len(weights) < 2:
        raise RunError(
            f"{run.path} holds the weights of {'one step' if weights else 'no step'}, and nothing is seen to change: a run "
            "trained with [train] snapshots, 16 by default, keeps some over its whole training"
        )
    say(f"decoding {len(weights)} weights of {run.path}")
    import numpy as np

    from vae_tui.latent import evolve as evolution
    from vae_tui.latent.priors import parse_prior
    from vae_tui.latent.space import Space

    distribution = parse_prior(prior)

    def choose_subject(space: Space) -> evolution.Subject:
        if image:
            return evolution.follow_images(space, image)
        if places:
            return evolution.follow_points(np.array(places, np.float32))
        return evolution.follow_noise(space, distribution, count or _COUNT, seed=seed, temperature=temperature)

    stages = StageProgress()
    try:
        spaces = evolution.open_over_time(
            run, weights, class_name=class_name, data_root=data_root, progress=stages.update, note=note_on_stderr
        )
        picture, last = evolution.draw_evolution(
            spaces,
            choose_subject,
            most=len(weights),
            moving=suffix == ".gif",
            columns=columns,
            frames_per_second=frames_per_second,
            scale=scale,
        )
    finally:
        stages.close()
    for note in last.sets.notes if last.has_sets else ():
        say(note)
    write_picture(out, picture, last, scale)


def _find_run(source: str | None, runs_dir: Path) -> Run:
    """The run that is meant, or, of a file, the one it is of; for None the newest that has weights."""
    from vae_tui.runs.files import user_path
    from vae_tui.runs.find import find_run, list_runs
    from vae_tui.runs.layout import run_folder
    from vae_tui.runs.weights import list_weights

    if source is None:
        found = next((run for run in list_runs(runs_dir) if list_weights(run)), None)
        if found is None:
            raise RunError(f"no run under {runs_dir} has weights yet; train one with: vae-tui train")
        return found
    path = user_path(source)
    return Run(run_folder(path)) if path.is_file() else find_run(source, runs_dir)


def _numbers(text: str) -> list[float]:
    """The numbers of a place; raises VaeTuiError."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(abs(number) <= 1000 for number in numbers):
        raise VaeTuiError(
            f"--latent {text}: expected numbers from -1000 to 1000 with commas between them, such as 0.5,-1"
        )
    return numbers
