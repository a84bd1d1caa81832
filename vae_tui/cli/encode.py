"""The command that gives codes to other programs: encode."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from vae_tui.cli.options import DataRoot, Device, RunsDir, SourceArgument, WhichSplits, choose_checkpoint
from vae_tui.cli.outfiles import check_out, write_out
from vae_tui.cli.output import say
from vae_tui.errors import VaeTuiError
from vae_tui.wording import counted


def encode(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="The .npz, .csv or .parquet to write.")] = Path("codes.npz"),
    split: Annotated[
        WhichSplits | None, typer.Option(help="Which of the images it was trained on [default: test].")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="A folder of other images, each brought to the model's size.")
    ] = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Write the posterior of every image for other programs.

    Its mean and log-variance, with what is known of the image. Prints the file's path.

    A row an image: split, number there, file, label, class, factors, mean_0, mean_1, ... log_variance_0, ... An .npz has
    arrays instead: mean and log_variance (N, Z), split, index, files, label, class_names, factors.

    Examples: `vae-tui encode fc20 --split all --out codes.parquet`; `vae-tui encode cars --folder photos/ --out codes.csv`.
    """
    kind = check_out(out, (".npz", ".csv", ".parquet"))
    if folder is not None and split is not None:
        raise VaeTuiError("--split is of the images it was trained on, --folder holds others: one of them")
    from vae_tui.headless import StageProgress

    checkpoint = choose_checkpoint(source, runs_dir)
    say(f"encoding with {checkpoint}")
    from vae_tui.device import choose_device
    from vae_tui.latent.encoded import Format, encode_folder, encode_sets, write_encoded
    from vae_tui.latent.sources import SPLITS
    from vae_tui.model.checkpoint import load_checkpoint

    stages = StageProgress()
    try:
        vae = load_checkpoint(checkpoint, device=str(choose_device(device)))
        if folder is not None:
            found = encode_folder(vae, checkpoint, folder, progress=stages.update)
        else:
            wanted = SPLITS if split is WhichSplits.ALL else ((split or WhichSplits.TEST).value,)
            found = encode_sets(vae, checkpoint, splits=wanted, data_root=data_root, progress=stages.update)
        stages.update(f"writing {out.name}", 0, None)
        content = write_encoded(found, cast("Format", kind))
    finally:
        stages.close()
    for note in found.notes:
        say(note)
    say(f"{counted(len(found), 'image')}, {counted(found.mean.shape[1], 'latent')}")
    write_out(out, content)
