"""The command that measures a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vae_tui.cli.averaged import average_weights
from vae_tui.cli.options import DataRoot, Device, RunsDir, Seed, SourceArgument, Split, choose_checkpoint
from vae_tui.cli.output import give_json, say
from vae_tui.errors import VaeTuiError

Annealing = Annotated[
    int | None,
    typer.Option(
        metavar="STEPS",
        min=1,
        max=1_000_000,
        help="The likelihood by annealed importance sampling too, in so many steps: true where plain draws are too few, in minutes.",
    ),
]

EmaWidth = Annotated[
    str | None,
    typer.Option(
        metavar="WIDTH|auto",
        help="Of a run that [optimizer] ema_snapshots kept averages of: its weights averaged over this width, a share of all steps so far "
        "up to 0.28, or over the best by validation of eight from 0.01 to 0.2.",
    ),
]


def evaluate(
    source: SourceArgument = None,
    samples: Annotated[int, typer.Option(min=1, max=1_000_000, help="Draws of z for each image.")] = 1000,
    count: Annotated[
        int, typer.Option(min=1, help="How many images, chosen by the seed; all if there are fewer.")
    ] = 1000,
    split: Annotated[Split, typer.Option(help="Which images.")] = Split.TEST,
    frechet: Annotated[
        bool, typer.Option("--frechet", help="Train a small classifier, and compare samples in its features.")
    ] = False,
    ais: Annealing = None,
    dci: Annotated[
        bool, typer.Option("--dci", help="DCI too, where factors are known, by gradient boosting: it takes minutes.")
    ] = False,
    ema_width: EmaWidth = None,
    out: Annotated[
        Path | None, typer.Option(help="With --ema-width: the .safetensors to write those weights to, a checkpoint.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    json_: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Measure a checkpoint in true nats.

    ELBO, importance-sampled likelihood, active units, information: sums over pixels and latent dimensions, means over
    images. Where factors are known, scores of disentanglement too.

    Examples: `vae-tui evaluate fc20`; `vae-tui evaluate beta10 --samples 5000 --count 10000 --json`;
    `vae-tui evaluate fc20 --ais 500`; `vae-tui evaluate fc20 --ema-width auto --out averaged.safetensors`.
    """
    from vae_tui.headless import StageProgress

    averaged = None
    if ema_width is not None:
        averaged = average_weights(source, runs_dir, ema_width, out=out, data_root=data_root, device=device)
    elif out is not None:
        raise VaeTuiError("--out is for the weights that --ema-width makes: give that too, or leave it out")
    checkpoint = choose_checkpoint(source, runs_dir) if averaged is None else averaged.source
    say(f"evaluating {checkpoint}")
    from vae_tui.evaluation.evaluate import evaluate as evaluate_checkpoint
    from vae_tui.evaluation.report import print_table, to_json

    stages = StageProgress()
    try:
        found = evaluate_checkpoint(
            checkpoint,
            data_root=data_root,
            split=split.value,
            count=count,
            samples=samples,
            seed=seed,
            frechet=frechet,
            device=device,
            progress=stages.update,
            annealing_steps=ais,
            with_dci=dci,
            averaged=averaged,
        )
    finally:
        stages.close()
    if json_:
        give_json(to_json(found))
    else:
        print_table(found)
