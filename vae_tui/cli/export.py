"""The command that gives a run's history to other programs: export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vae_tui.cli.options import RunsDir
from vae_tui.cli.outfiles import check_out
from vae_tui.cli.output import give_path, say
from vae_tui.errors import VaeTuiError
from vae_tui.wording import counted

if TYPE_CHECKING:
    from vae_tui.model.exported import Format
    from vae_tui.runs.layout import Run
    from vae_tui.runs.rows import FigureTable


def export(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Runs, by name, path, recipe or the beginning of a name; of networks, files with weights too.",
        ),
    ],
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|FILE.csv",
            help="Comma-separated values: DIR/RUN/epochs.csv and DIR/RUN/steps.csv, or of one run a file of its epochs.",
        ),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="TensorBoard's event files, DIR/RUN/events.out.tfevents.*: figures and grids."
        ),
    ] = None,
    pt2: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The best checkpoint's networks, DIR/RUN-encoder.pt2 and -decoder.pt2: torch.export.load opens them.",
        ),
    ] = None,
    onnx: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The same as ONNX, DIR/RUN-encoder.onnx and -decoder.onnx, checked by onnxruntime."
        ),
    ] = None,
    pytorch: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The best checkpoint as a PyTorch module to read, change and train on: DIR/RUN.py and DIR/RUN.safetensors.",
        ),
    ] = None,
    steps: Annotated[
        bool, typer.Option("--steps", help="With --csv FILE.csv: the trainer's reports instead of the epochs.")
    ] = False,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Write runs for other programs: their history, their networks. Prints the paths of the files.

    Networks: the encoder is images (B, C, H, W) in [0, 1] -> mean, log-variance (B, Z), the decoder latents (B, Z) -> images.
    Neither needs vae-tui. ONNX needs packages: pip install 'vae-tui[onnx]'. The module has encode, decode and sample, and load().

    Figures are in nats per image. What was trained past a step from which a run was resumed later is left out. Files of
    the same names are replaced. TensorBoard's need the package: pip install 'vae-tui[tensorboard]'

    Examples: `vae-tui export beta1 --csv beta1.csv`; `vae-tui export beta1 beta10 --tensorboard boards`;
    `vae-tui export fc20 --onnx networks`.
    """
    from vae_tui.runs.files import user_path
    from vae_tui.runs.find import find_run

    networks: tuple[tuple[Format, Path | None], ...] = (("pt2", pt2), ("onnx", onnx))
    if all(wanted is None for wanted in (csv, tensorboard, pt2, onnx, pytorch)):
        raise VaeTuiError(
            "say where to: --csv DIR or --csv FILE.csv, --tensorboard DIR, --pt2 DIR, --onnx DIR or --pytorch DIR"
        )
    one_file = csv is not None and csv.suffix.lower() == ".csv" and not csv.is_dir()
    if steps and not one_file:
        raise VaeTuiError("--steps goes with --csv FILE.csv; a folder gets both epochs and steps")
    files = [user_path(name) for name in runs if user_path(name).is_file()]
    if files and (csv is not None or tensorboard is not None):
        raise VaeTuiError(f"{files[0]} is a file with weights: --csv and --tensorboard write the history of a run")
    others = (find_run(name, runs_dir) for name in runs if not user_path(name).is_file())
    exported = list({run.path.resolve(): run for run in others}.values())
    if csv is not None and one_file:
        if len(exported) > 1:
            raise VaeTuiError(
                f"--csv {csv}: one file holds one run; name a folder, or have the epochs of all in one table with: "
                "vae-tui compare RUN RUN... --out FILE.csv"
            )
        check_out(csv, (".csv",), option="--csv")
        _write_table(exported[0], steps, csv)
    elif csv is not None:
        for run, folder in _folders(exported, csv, "--csv"):
            _write_table(run, False, folder / "epochs.csv")
            _write_table(run, True, folder / "steps.csv")
    if tensorboard is not None:
        from vae_tui.runs.tensorboard import export_to_tensorboard

        for run, folder in _folders(exported, tensorboard, "--tensorboard"):
            path, scalars, images = export_to_tensorboard(run, folder)
            say(f"{run.name}: {counted(scalars, 'scalar')}, {counted(images, 'image')}")
            give_path(path)
        say(f"see them with: tensorboard --logdir {tensorboard}")
    for kind, wanted in networks:
        if wanted is not None:
            for checkpoint, beside in _weights(exported, files, wanted, f"--{kind}"):
                _write_networks(checkpoint, kind, beside)
    if pytorch is not None:
        for checkpoint, beside in _weights(exported, files, pytorch, "--pytorch"):
            _write_module(checkpoint, beside)


def _weights(runs: Sequence[Run], files: Sequence[Path], folder: Path, option: str) -> Iterator[tuple[Path, Path]]:
    """The best checkpoint of each run, and each file, with what the names of its files begin with."""
    from vae_tui.runs.best import best_checkpoint

    names = [*(run.name for run in runs), *(file.stem for file in files)]
    if twice := [file for file in files if names.count(file.stem) > 1]:
        raise VaeTuiError(
            f"{option} {folder}: what is written of {twice[0]} is called as that of another; export one at a time"
        )
    for run, beside in _folders(runs, folder, option):
        yield best_checkpoint(run).path, beside
    for file in files:
        yield file, folder / file.stem


def _write_networks(checkpoint: Path, kind: Format, path: Path) -> None:
    """Write the encoder and the decoder of a checkpoint to files whose names begin with `path`."""
    from vae_tui.headless import StageProgress

    stages = StageProgress()
    stages.update(f"exporting {path.name} as {kind}", 0, None)
    from vae_tui.model.checkpoint import load_checkpoint
    from vae_tui.model.exported import export_parts

    try:
        parts = list(export_parts(load_checkpoint(checkpoint), kind))
    finally:
        stages.close()
    for part in parts:
        say(f"{checkpoint.name}: the {part.part}, as far off as {part.error:.1g}")
        _write_file(path.with_name(f"{path.name}-{part.part}.{kind}"), part.content)


def _write_module(checkpoint: Path, path: Path) -> None:
    """Write a checkpoint to `path`.py and `path`.safetensors."""
    from vae_tui.headless import StageProgress

    stages = StageProgress()
    stages.update(f"exporting {path.name} as a module of PyTorch", 0, None)
    from vae_tui.model.checkpoint import load_checkpoint
    from vae_tui.model.pytorch_file import write_pytorch

    try:
        module = write_pytorch(load_checkpoint(checkpoint), path.name)
    finally:
        stages.close()
    say(f"{checkpoint.name}: the module, as far off as {module.error:.1g}")
    # The source comes last: where it is, its weights are.
    _write_file(path.with_name(f"{path.name}.safetensors"), module.weights)
    _write_file(path.with_name(f"{path.name}.py"), module.source.encode())


def _write_file(file: Path, content: bytes) -> None:
    from vae_tui.runs.files import write_whole

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, content)
    except OSError as error:
        raise VaeTuiError(f"{error.filename or file} cannot be written: {error.strerror}") from error
    give_path(file)


def _folders(runs: Iterable[Run], folder: Path, option: str) -> Iterable[tuple[Run, Path]]:
    """A folder for each run, called as the run is; raises VaeTuiError where two runs are called the same."""
    named: dict[str, Run] = {}
    for run in runs:
        other = named.setdefault(run.name, run)
        if other is not run:
            raise VaeTuiError(
                f"{option} {folder}: {other.path} and {run.path} are both called {run.name}; export one at a time"
            )
    return [(run, folder / name) for name, run in named.items()]


def _write_table(run: Run, steps: bool, path: Path) -> None:
    from vae_tui.runs.files import open_whole
    from vae_tui.runs.rows import tabulate_epochs, tabulate_steps, write_csv

    tabulate: Callable[[Run], FigureTable] = tabulate_steps if steps else tabulate_epochs
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_whole(path) as file:
            rows = write_csv(tabulate(run), file)
    except OSError as error:
        raise VaeTuiError(f"{error.filename or path} cannot be written: {error.strerror}") from error
    say(f"{run.name}: {counted(rows, 'report' if steps else 'epoch')}")
    give_path(path)
